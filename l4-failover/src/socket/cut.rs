//! Connections that are cut end with RST: a stream that was cut must not look whole.

use std::ops::{Deref, DerefMut};

use tokio::net::TcpStream;

use super::Connection;

/// A connection that ends with RST when it is dropped, whatever drops it, until it has come to
/// its [end](ResetOnDrop::end).
///
/// A program that is told to stop drops its runtimes, and with them every task: a stream held in
/// this needs no signal of its own to be cut.
///
/// ```
/// use l4_failover::socket::cut::ResetOnDrop;
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// async fn greet(stream: tokio::net::TcpStream) -> std::io::Result<()> {
///     // An error on the way, or a task that is dropped, resets the connection.
///     let mut stream = ResetOnDrop::from(stream);
///     stream.write_all(b"hello\n").await?;
///     stream.end();
///     Ok(())
/// }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let mut client = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
/// # greet(listener.accept().await?.0).await?;
/// # let mut text = String::new();
/// # client.read_to_string(&mut text).await?;
/// # assert_eq!(text, "hello\n");
/// # std::io::Result::Ok(())
/// # })?;
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct ResetOnDrop<C: Connection = TcpStream> {
    /// None once it was given back.
    stream: Option<C>,
    is_ended: bool,
}

const GIVEN_BACK: &str = "nobody has this once the connection was given back";

impl<C: Connection> ResetOnDrop<C> {
    /// Nothing is cut off any more by closing the connection with FIN.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    /// Gives the connection back; from here on it ends as whoever has it ends it.
    #[must_use]
    pub fn into_inner(mut self) -> C {
        self.stream.take().expect(GIVEN_BACK)
    }
}

impl<C: Connection> From<C> for ResetOnDrop<C> {
    fn from(stream: C) -> Self {
        Self {
            stream: Some(stream),
            is_ended: false,
        }
    }
}

impl<C: Connection> Deref for ResetOnDrop<C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.stream.as_ref().expect(GIVEN_BACK)
    }
}

impl<C: Connection> DerefMut for ResetOnDrop<C> {
    fn deref_mut(&mut self) -> &mut C {
        self.stream.as_mut().expect(GIVEN_BACK)
    }
}

impl<C: Connection> Drop for ResetOnDrop<C> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.as_ref().filter(|_| !self.is_ended) {
            // Fails only on a socket that is dead already.
            let _ = stream.tcp().set_zero_linger();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// What the peer of a connection reads once that is dropped, after its end or before.
    async fn read_after_drop(is_ended: bool) -> io::Result<usize> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut peer = TcpStream::connect(listener.local_addr()?).await?;
        let mut stream = ResetOnDrop::from(listener.accept().await?.0);
        if is_ended {
            stream.end();
        }
        drop(stream);
        peer.read(&mut [0]).await
    }

    #[tokio::test]
    async fn a_connection_that_did_not_come_to_its_end_is_reset() {
        let error = read_after_drop(false).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(read_after_drop(true).await.unwrap(), 0);
    }
}
