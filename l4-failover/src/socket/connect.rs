//! One attempt to connect.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::task::consume_budget;
use tokio::time::timeout;

use super::TcpOptions;

/// Why one attempt to connect failed.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kernel said no: refused, unreachable, reset.
    #[error("{0}")]
    Refused(io::Error),
    /// No answer within the attempt's timeout.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// This process could not make or set up a socket: out of descriptors, memory or ports.
    #[error("no socket to connect with: {0}")]
    Resource(io::Error),
}

impl ConnectError {
    fn from_connect(error: io::Error) -> Self {
        match error.kind() {
            // Out of local ports (EADDRNOTAVAIL): ours to mend, not the endpoint's.
            io::ErrorKind::AddrNotAvailable => Self::Resource(error),
            _ => Self::Refused(error),
        }
    }
}

/// Connects to `address` within `limit`, with `options` set.
///
/// # Errors
///
/// [`ConnectError`]; no socket is left behind.
pub async fn connect(
    address: SocketAddr,
    limit: Duration,
    options: &TcpOptions,
) -> Result<TcpStream, ConnectError> {
    let socket = open(address, options).map_err(ConnectError::Resource)?;
    match timeout(limit, finish(socket, address)).await {
        Ok(connected) => connected,
        Err(_) => Err(ConnectError::TimedOut(limit)),
    }
}

fn open(address: SocketAddr, options: &TcpOptions) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let kind = Type::STREAM.nonblocking().cloexec();
    let socket = Socket::new(domain, kind, Some(Protocol::TCP))?;
    options.apply(&socket)?;
    Ok(socket)
}

async fn finish(socket: Socket, address: SocketAddr) -> Result<TcpStream, ConnectError> {
    match socket.connect(&address.into()) {
        Err(error) if Errno::from_io_error(&error) != Some(Errno::INPROGRESS) => {
            return Err(ConnectError::from_connect(error));
        }
        _ => {}
    }
    // Within one machine the handshake is over by now; to wait for the event that tells of it would
    // take a turn of the event loop.
    let is_connected = socket.peer_addr().is_ok();
    let stream = TcpStream::from_std(socket.into()).map_err(ConnectError::Resource)?;
    // Whoever connects again and again lets others have a turn now and then, such as who accepts.
    consume_budget().await;
    if !is_connected {
        wait(&stream).await.map_err(ConnectError::from_connect)?;
    }
    Ok(stream)
}

/// Waits until the kernel has come to an end with it.
async fn wait(stream: &TcpStream) -> io::Result<()> {
    stream.writable().await?;
    stream.take_error()?.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    async fn attempt(address: SocketAddr, limit: Duration) -> Result<TcpStream, ConnectError> {
        connect(address, limit, &TcpOptions::default()).await
    }

    #[tokio::test]
    async fn where_nobody_listens_it_is_refused_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let refused = attempt(address, Duration::from_secs(10)).await;
        let Err(ConnectError::Refused(error)) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_connection_is_there_before_it_is_accepted_and_has_its_options() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stream = attempt(address, Duration::from_secs(10)).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), address);
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn whoever_does_not_answer_has_no_more_than_the_limit() {
        // A queue of one that is full: the kernel drops what comes behind.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        socket
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let mut held = Vec::new();
        let late = loop {
            match attempt(address, Duration::from_millis(300)).await {
                Ok(stream) => held.push(stream),
                Err(error) => break error,
            }
            assert!(held.len() < 16, "the queue never fills");
        };
        assert!(matches!(late, ConnectError::TimedOut(_)), "{late}");
    }
}
