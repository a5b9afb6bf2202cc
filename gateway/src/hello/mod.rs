//! Reads a TLS ClientHello: what a client says before anything is encrypted.
//!
//! Records are put together by [`Reassembly`], the message inside is read by [`ClientHello`].
//! Both are pure: no socket, no clock. [`read`](fn@read) takes them to a connection.
//!
//! ```
//! use gateway::hello::{ClientHello, HelloBounds, Progress, Reassembly, SniField};
//! # let flight = include_bytes!("../../testdata/hello/openssl-tls13.bin");
//!
//! let mut reassembly = Reassembly::default();
//! let mut segments = flight.chunks(100);
//! while let Some(segment) = segments.next() {
//!     if reassembly.push(segment, &HelloBounds::default())? == Progress::Complete {
//!         break;
//!     }
//! }
//! let hello = ClientHello::parse(reassembly.message())?;
//! assert_eq!(hello.server_name, SniField::Name(b"currency.dc1"));
//! assert_eq!(hello.version(), 0x0304);
//! # Ok::<(), gateway::hello::HelloError>(())
//! ```

mod client_hello;
pub mod fingerprint;
mod offers;
mod read;
mod reader;
mod record;

pub use client_hello::{ClientHello, EXTENSIONS_MAX, RANDOM_BYTES, SniField, is_grease};
pub use read::{ALPN_TEXT_MAX, Hello, HelloLimits, ReadError, read};
pub(crate) use reader::Reader;
pub use record::{HelloBounds, Progress, Reassembly};

use thiserror::Error;

/// Why no hello could be read.
#[derive(Debug, Error)]
pub enum HelloError {
    /// The first bytes begin neither a TLS handshake record nor an SSLv2 hello.
    #[error("not TLS")]
    NotTls,
    /// A hello in the format of SSLv2, which TLS forbids (RFC 6176 §3).
    #[error("an SSLv2 hello")]
    SslV2,
    /// TLS, but not by its rules.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// More than [`HelloBounds`] allows.
    #[error("a hello of at least {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// What the hello takes at least, in bytes: of its message, or on the wire.
        bytes: usize,
        /// The bound that it broke, in bytes.
        limit: usize,
    },
}

impl HelloError {
    /// Every value of [`HelloError::reason`], so that metrics can be resolved once, at load.
    pub const REASONS: [&'static str; 4] = ["not_tls", "sslv2", "malformed", "too_long"];

    /// A stable label for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotTls => "not_tls",
            Self::SslV2 => "sslv2",
            Self::Malformed(_) => "malformed",
            Self::TooLong { .. } => "too_long",
        }
    }
}

/// What is wrong with bytes that began as TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// RFC 8446 §5.1 forbids handshake records without content.
    #[error("a record without content")]
    EmptyRecord,
    /// RFC 8446 §5.1 allows 2^14 bytes of content.
    #[error("a record of {0} bytes, where 16384 are allowed")]
    RecordTooLong(usize),
    /// RFC 8446 §5.1: records of other types must not interleave a handshake message.
    #[error("a record of content type {0} in the middle of the hello")]
    ForeignRecord(u8),
    /// The first handshake message must be a ClientHello (RFC 8446 §4).
    #[error("a handshake message of type {0} in place of a ClientHello")]
    NotClientHello(u8),
    /// The message, or the part around the named field, ends before the field does.
    #[error("a hello that ends within its {0}")]
    Truncated(&'static str),
    /// A length that the field cannot have (RFC 8446 §4.1.2).
    #[error("a hello with an impossible length of its {0}")]
    Length(&'static str),
    /// Bytes follow the last extension.
    #[error("a hello with bytes after its extensions")]
    TrailingBytes,
    /// RFC 8446 §4.2 allows one extension of a type.
    #[error("a hello with two extensions of type {0}")]
    DuplicateExtension(u16),
    /// More than [`EXTENSIONS_MAX`].
    #[error("a hello with more than {EXTENSIONS_MAX} extensions")]
    TooManyExtensions,
    /// RFC 6066 §3 wants at least one entry.
    #[error("a hello with an empty list of server names")]
    NoServerNames,
    /// RFC 6066 §3 wants at least one byte.
    #[error("a hello with an empty server name")]
    EmptyServerName,
    /// RFC 6066 §3 allows one name of a type.
    #[error("a hello with more than one server name")]
    SeveralServerNames,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_listed() {
        let errors = [
            HelloError::NotTls,
            HelloError::SslV2,
            HelloError::Malformed(Malformed::EmptyRecord),
            HelloError::TooLong { bytes: 2, limit: 1 },
        ];
        assert_eq!(errors.map(|error| error.reason()), HelloError::REASONS);
    }

    #[test]
    fn an_error_says_what_was_wrong() {
        let malformed = HelloError::from(Malformed::Truncated("session id"));
        assert_eq!(
            malformed.to_string(),
            "a hello that ends within its session id"
        );
        let too_long = HelloError::TooLong {
            bytes: 20_000,
            limit: 16_384,
        };
        assert_eq!(
            too_long.to_string(),
            "a hello of at least 20000 bytes; the limit is 16384"
        );
    }
}
