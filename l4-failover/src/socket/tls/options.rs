//! The files and names that TLS takes.

use std::path::PathBuf;

use super::San;

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

/// How to speak TLS to callers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TlsServerOptions {
    /// The certificate to show, and its key.
    pub identity: Identity,
    /// A PEM file with the authorities of callers.
    pub ca: PathBuf,
    /// Who is let in: a caller whose certificate carries one of these names. Empty: nobody.
    pub allow: Vec<San>,
    /// A PEM file with the lists of revoked certificates, one for each authority. `None`: none is
    /// revoked.
    pub crl_file: Option<PathBuf>,
}
