//! Connections that are cut end with RST: a stream that was cut must not look whole.

use std::ops::{Deref, DerefMut};

use tokio::net::TcpStream;

/// A connection that ends with RST when it is dropped, whatever drops it, until it has come to
/// its [end](ResetOnDrop::end).
#[derive(Debug)]
pub(crate) struct ResetOnDrop {
    stream: TcpStream,
    is_ended: bool,
}

impl ResetOnDrop {
    /// Nothing is cut off any more by closing the connection with FIN.
    pub(crate) fn end(&mut self) {
        self.is_ended = true;
    }
}

impl From<TcpStream> for ResetOnDrop {
    fn from(stream: TcpStream) -> Self {
        Self {
            stream,
            is_ended: false,
        }
    }
}

impl Deref for ResetOnDrop {
    type Target = TcpStream;

    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

impl DerefMut for ResetOnDrop {
    fn deref_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }
}

impl Drop for ResetOnDrop {
    fn drop(&mut self) {
        if !self.is_ended {
            // Fails only on a socket that is dead already.
            let _ = self.stream.set_zero_linger();
        }
    }
}
