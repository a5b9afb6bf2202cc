//! Why operators cannot be served.

use super::options::{Address, AdminOptions};
use super::token::TokenError;
use crate::socket::listen::ListenError;
use crate::socket::tls::TlsError;
use std::io;

/// Why operators cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Others than this machine's processes could reach the address, and too little protects it.
    #[error(
        "{0} can be reached from other machines, so it needs both [admin.tls] and token_file; \
         add them, or listen on a loopback address or a unix socket"
    )]
    Exposed(Address),
    /// The TCP address cannot be had.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The unix socket cannot be had.
    #[error("cannot listen on {address}")]
    Bind {
        /// The address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// Another process listens there.
    #[error("cannot listen on {0}: a process is serving there")]
    Live(Address),
    /// Something that is not a socket is in the way.
    #[error("cannot listen on {0}: a file that is not a socket has that name")]
    NotASocket(Address),
    /// There is no token to compare with.
    #[error("the admin address has no token")]
    Token(#[from] TokenError),
    /// There is nothing to serve TLS with.
    #[error("the admin address has no certificate")]
    Tls(#[from] TlsError),
}

impl AdminOptions {
    /// Refuses an address that others can reach, unless both TLS and a token protect it.
    ///
    /// # Errors
    /// [`AdminError::Exposed`], whose sentence says what to add.
    pub fn check_exposure(&self) -> Result<(), AdminError> {
        let protected = self.tls.is_some() && self.token_file.is_some();
        match self.address.is_private() || protected {
            true => Ok(()),
            false => Err(AdminError::Exposed(self.address.clone())),
        }
    }
}
