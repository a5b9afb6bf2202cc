//! The PROXY protocol: a header before a connection's own bytes that says whose connection it is.
//!
//! Who passes a connection on is, to the next, its peer; the header carries the client's address,
//! and an id, past it. Version 2 is written; versions 1 and 2 are read, and only from who is known
//! to send them: anybody else could claim any address.
//!
//! ```
//! use l4_failover::socket::proxy::{Header, Origin, Progress, UniqueId, decode};
//!
//! let source = "192.0.2.1:5000".parse()?;
//! let destination = "198.51.100.1:443".parse()?;
//! let header = Header {
//!     origin: Origin::Client { source, destination },
//!     unique_id: UniqueId::new(b"7f3a"),
//! };
//! let mut sent = header.encode();
//! let length = sent.len();
//! sent.extend(b"what the client says");
//! assert_eq!(decode(&sent[..20])?, Progress::Partial);
//! assert_eq!(decode(&sent)?, Progress::Whole { header, length });
//! assert!(decode(b"GET / HTTP/1.1\r\n").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod encode;
mod error;
mod header;
mod read;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

pub use error::HeaderError;
pub use header::{Header, Origin, UNIQUE_ID_MAX, UniqueId};
pub use read::{ReadError, read};
pub use v1::LENGTH_MAX as V1_LENGTH_MAX;
pub use v2::LENGTH_MAX as V2_LENGTH_MAX;

/// How much of a header is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Not all of it: every byte so far is the header's, and more are.
    Partial,
    /// All of it.
    Whole {
        /// What it says.
        header: Header,
        /// How many of the bytes are the header's; what follows is the connection's own.
        length: usize,
    },
}

/// Reads a header from the first bytes of a connection, as many as there are yet.
///
/// A header is told to be wrong as soon as its bytes show it, and never needs more than
/// [`V2_LENGTH_MAX`] bytes, or [`V1_LENGTH_MAX`] of version 1.
///
/// # Errors
///
/// [`HeaderError`]: these bytes begin no header, or one that is wrong.
pub fn decode(bytes: &[u8]) -> Result<Progress, HeaderError> {
    if is_beginning(bytes, &v2::SIGNATURE) {
        v2::decode(bytes)
    } else if is_beginning(bytes, v1::PREFIX) {
        v1::decode(bytes)
    } else {
        Err(HeaderError::Absent)
    }
}

/// Whether `bytes` begin with `mark`, or are themselves its beginning.
fn is_beginning(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.iter().zip(mark).all(|(byte, marked)| byte == marked)
}
