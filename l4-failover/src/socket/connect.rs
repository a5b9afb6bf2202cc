//! One attempt to connect.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
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
    match timeout(limit, socket.connect(address)).await {
        Ok(connected) => connected.map_err(ConnectError::from_connect),
        Err(_) => Err(ConnectError::TimedOut(limit)),
    }
}

fn open(address: SocketAddr, options: &TcpOptions) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    options.apply(&socket)?;
    Ok(socket)
}
