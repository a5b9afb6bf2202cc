//! The files and names that TLS takes.

use std::path::PathBuf;

/// How to speak TLS to a target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsOptions {
    /// The name that is sent and that the certificate must carry.
    pub server_name: String,
    /// A PEM file with the authorities that are trusted. `None`: those of the system.
    pub ca: Option<PathBuf>,
    /// The certificate to show, and its key.
    pub identity: Option<Identity>,
}

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// A PEM file: the certificate, then those that lead to its authority.
    pub cert: PathBuf,
    /// A PEM file with the certificate's private key.
    pub key: PathBuf,
}
