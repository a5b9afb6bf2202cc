//! Why TLS cannot be had from what the configuration names.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::pem;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFile {
    /// The authorities that are trusted.
    Ca,
    /// The certificate to show.
    Cert,
    /// The certificate's private key.
    Key,
    /// The certificates that were revoked.
    Crl,
}

impl TlsFile {
    /// The configuration key that names the file.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Ca => "ca",
            Self::Cert => "cert",
            Self::Key => "key",
            Self::Crl => "crl_file",
        }
    }

    /// What the file holds.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Ca | Self::Cert => "certificate",
            Self::Key => "private key",
            Self::Crl => "certificate revocation list",
        }
    }
}

/// Why TLS cannot be had from what the configuration names.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// What it is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is larger than any that is meant.
    #[error("{} has more than {max} bytes: this cannot be the file that is meant", path.display())]
    TooLarge {
        /// What it is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        max: u64,
    },
    /// The file is not the PEM that it should be, or only a part of it.
    #[error("{} cannot be read as a PEM {}", path.display(), file.noun())]
    Malformed {
        /// What it is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// There is nothing of the kind in the file.
    #[error("{} holds no {}", path.display(), file.noun())]
    Empty {
        /// What it is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
    },
    /// What is in the file cannot be used: its kind is not known, or it is no X.509.
    #[error("the {} in {} cannot be used", file.noun(), path.display())]
    Unusable {
        /// What it is for.
        file: TlsFile,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: rustls::Error,
    },
    /// The two do not belong together.
    #[error(
        "the key does not fit the certificate: {} is not the key of the first certificate in {}",
        key.display(),
        cert.display()
    )]
    Mismatch {
        /// The file with the certificate.
        cert: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// No file was named, and the system trusts nobody.
    #[error("the system has no trusted authorities; name a file of them with `ca`")]
    NoSystemAuthorities,
    /// A certificate cannot carry such a name.
    #[error("{0:?} is neither a DNS name nor an IP address, so no certificate can be for it")]
    ServerName(String),
}

impl TlsError {
    /// The configuration key that is to blame.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Unreadable { file, .. }
            | Self::TooLarge { file, .. }
            | Self::Malformed { file, .. }
            | Self::Empty { file, .. }
            | Self::Unusable { file, .. } => file.key(),
            Self::Mismatch { .. } => TlsFile::Key.key(),
            Self::NoSystemAuthorities => TlsFile::Ca.key(),
            Self::ServerName(_) => "server_name",
        }
    }
}
