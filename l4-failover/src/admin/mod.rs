//! Serves operators over HTTP, and nobody else.

mod options;
mod tls;
mod token;

// The public interface is:
pub use options::{Address, AdminOptions, TlsFiles};
pub use tls::TlsError;
pub use token::{Token, TokenError};

/// Why operators cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Others than this machine's processes could reach the address, and too little protects it.
    #[error(
        "{0} can be reached from other machines, so it needs both [admin.tls] and token_file; \
         add them, or listen on a loopback address or a unix socket"
    )]
    Exposed(Address),
}
