//! TLS on either side of a port: towards targets, and from callers.

mod alert;
mod client;
mod error;
pub(crate) mod files;
mod handshake;
mod options;

pub use alert::Alert;
pub use client::TlsClient;
pub use error::{TlsError, TlsFile};
pub use handshake::{CertificateFault, HandshakeError};
pub use options::{Identity, TlsOptions};
