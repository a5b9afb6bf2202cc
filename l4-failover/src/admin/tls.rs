//! The certificate under which operators are served.

use super::options::TlsFiles;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate's file cannot be read as PEM.
    #[error("{} cannot be read as a PEM certificate", path.display())]
    Cert {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// There is no certificate in the file.
    #[error("{} holds no certificate", _0.display())]
    NoCert(PathBuf),
    /// The key's file cannot be read as PEM.
    #[error("{} cannot be read as a PEM private key", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// The two do not belong together, or the key's kind is not known.
    #[error("the key does not fit the certificate")]
    Mismatch(#[source] rustls::Error),
}

impl TlsError {
    /// The configuration key whose file is to blame.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Cert { .. } | Self::NoCert(_) => "cert",
            Self::Key { .. } | Self::Mismatch(_) => "key",
        }
    }
}

impl TlsFiles {
    /// Reads both files and proves that they fit each other.
    ///
    /// # Errors
    /// The file that is to blame, and why.
    pub fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let certs = certs(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|source| TlsError::Key {
            path: self.key.clone(),
            source,
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(certs, key))
            .map_err(TlsError::Mismatch)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

fn certs(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let broken = |source| TlsError::Cert {
        path: path.to_owned(),
        source,
    };
    let certs = CertificateDer::pem_file_iter(path).map_err(broken)?;
    let certs: Vec<_> = certs.collect::<Result<_, _>>().map_err(broken)?;
    match certs.is_empty() {
        true => Err(TlsError::NoCert(path.to_owned())),
        false => Ok(certs),
    }
}
