//! Reads a header off a connection, and nothing of what follows.

use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{Header, HeaderError, Progress, decode};

/// Bytes looked at in one turn: most headers at once, those with Unix paths too.
const LOOK: usize = 256;

/// Why a connection gave no header.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What was sent is no header, or a wrong one.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The peer closed without a byte: a probe of the port's health, and no error.
    #[error("closed without a byte")]
    Probe,
    /// The peer closed, or was reset, within its header.
    #[error("closed within the PROXY header, after {bytes} bytes")]
    Closed {
        /// What had arrived.
        bytes: usize,
    },
    /// The header was not whole in time.
    #[error(
        "no whole PROXY header within {limit:?}, which whoever connects from there has to send \
         first: {bytes} bytes arrived"
    )]
    Deadline {
        /// What had arrived.
        bytes: usize,
        /// The limit.
        limit: Duration,
    },
    /// Reading failed otherwise.
    #[error("cannot read the PROXY header: {0}")]
    Io(io::Error),
}

/// Reads the header that `stream` begins with, within `limit`; what follows stays unread.
///
/// # Errors
///
/// [`ReadError`]: no header, a wrong one, or not in time. Nothing is answered.
pub async fn read(stream: &mut TcpStream, limit: Duration) -> Result<Header, ReadError> {
    let mut bytes = Vec::new();
    let reading = timeout(limit, whole(stream, &mut bytes)).await;
    reading.unwrap_or(Err(ReadError::Deadline {
        bytes: bytes.len(),
        limit,
    }))
}

/// Looks at what is there, and takes no more of it than is the header's.
async fn whole(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<Header, ReadError> {
    loop {
        let taken = bytes.len();
        look(stream, bytes).await?;
        let progress = decode(bytes)?;
        if let Progress::Whole { length, .. } = &progress {
            bytes.truncate(*length);
        }
        let taking = stream.read_exact(&mut bytes[taken..]).await;
        taking.map_err(|error| broken(error, taken))?;
        if let Progress::Whole { header, .. } = progress {
            return Ok(header);
        }
    }
}

/// Adds what is there, or comes next, and leaves it unread.
async fn look(stream: &TcpStream, bytes: &mut Vec<u8>) -> Result<(), ReadError> {
    let taken = bytes.len();
    let mut seen = [0; LOOK];
    match stream.peek(&mut seen).await {
        Ok(0) => return Err(closed(taken)),
        Ok(count) => bytes.extend(&seen[..count]),
        Err(error) => return Err(broken(error, taken)),
    }
    Ok(())
}

fn closed(bytes: usize) -> ReadError {
    match bytes {
        0 => ReadError::Probe,
        bytes => ReadError::Closed { bytes },
    }
}

/// Health checks of load balancers often end with RST.
fn broken(error: io::Error, bytes: usize) -> ReadError {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => closed(bytes),
        _ => ReadError::Io(error),
    }
}
