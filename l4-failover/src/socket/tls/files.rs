//! What is in the files: certificates, keys, authorities, lists of the revoked.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::expiry::{self, Expiry};
use super::{Identity, TlsError, TlsFile};
use crate::process::file;

/// The most that is read of one file: the largest lists of the revoked that public authorities
/// keep have half of this.
const FILE_MAX: u64 = 32 << 20;

/// The files' bytes as they were at one time.
///
/// They are read before any is looked into, so that what is loaded and what is compared with later
/// are the same bytes.
#[derive(Debug)]
pub(crate) struct Contents(Vec<Content>);

#[derive(Debug, Hash)]
struct Content {
    file: TlsFile,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Contents {
    pub(crate) fn read<'a>(
        files: impl IntoIterator<Item = (TlsFile, &'a Path)>,
    ) -> Result<Self, TlsError> {
        let contents = files
            .into_iter()
            .map(|(file, path)| Content::read(file, path));
        contents.collect::<Result<_, _>>().map(Self)
    }

    /// Tells other bytes from these. Whoever writes the files is trusted with the keys themselves,
    /// so that the hash need not stand up to an adversary.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn of(&self, file: TlsFile) -> Option<&Content> {
        self.0.iter().find(|content| content.file == file)
    }

    /// The certificate to show, and its key, if both files were named.
    pub(crate) fn identity(&self) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
        match (self.of(TlsFile::Cert), self.of(TlsFile::Key)) {
            (Some(cert), Some(key)) => identity(cert, key).map(Some),
            _ => Ok(None),
        }
    }

    /// The authorities of the file; those of the system if none was named.
    pub(super) fn authorities(&self) -> Result<RootCertStore, TlsError> {
        let Some(content) = self.of(TlsFile::Ca) else {
            return system_authorities();
        };
        let mut roots = RootCertStore::empty();
        for certificate in content.items()? {
            roots
                .add(certificate)
                .map_err(|source| content.unusable(source))?;
        }
        Ok(roots)
    }

    /// The lists of the revoked; none if no file was named.
    pub(super) fn revoked(&self) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
        self.of(TlsFile::Crl).map_or(Ok(Vec::new()), Content::items)
    }

    /// Until when the certificate to show, and each list of the revoked, are good.
    pub(super) fn expiries(&self) -> Result<Vec<Expiry>, TlsError> {
        let mut expiries = Vec::new();
        if let Some(content) = self.of(TlsFile::Cert) {
            let chain: Vec<CertificateDer<'static>> = content.items()?;
            let at = expiry::of_certificate(&chain[0]);
            expiries.push(content.expiry(at.map_err(|source| content.unusable(source))?));
        }
        if let Some(content) = self.of(TlsFile::Crl) {
            for list in self.revoked()? {
                let at = expiry::of_list(&list).map_err(|source| content.unusable(source))?;
                expiries.extend(at.map(|at| content.expiry(at)));
            }
        }
        Ok(expiries)
    }
}

impl Content {
    fn read(file: TlsFile, path: &Path) -> Result<Self, TlsError> {
        let unreadable = |source| TlsError::Unreadable {
            file,
            path: path.to_owned(),
            source,
        };
        let bytes = read(path).map_err(unreadable)?;
        if bytes.len() as u64 > FILE_MAX {
            return Err(TlsError::TooLarge {
                file,
                path: path.to_owned(),
                max: FILE_MAX,
            });
        }
        Ok(Self {
            file,
            path: path.to_owned(),
            bytes,
        })
    }

    /// Everything of its kind in the file, at least one.
    fn items<T: PemObject>(&self) -> Result<Vec<T>, TlsError> {
        let items = T::pem_slice_iter(&self.bytes).collect::<Result<Vec<_>, _>>();
        let items = items.map_err(|source| self.malformed(source))?;
        match items.is_empty() {
            true => Err(TlsError::Empty {
                file: self.file,
                path: self.path.clone(),
            }),
            false => Ok(items),
        }
    }

    fn expiry(&self, at: SystemTime) -> Expiry {
        Expiry {
            file: self.file,
            path: self.path.clone(),
            at,
        }
    }

    fn malformed(&self, source: pem::Error) -> TlsError {
        TlsError::Malformed {
            file: self.file,
            path: self.path.clone(),
            source,
        }
    }

    fn unusable(&self, source: rustls::Error) -> TlsError {
        TlsError::Unusable {
            file: self.file,
            path: self.path.clone(),
            source,
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    file::bytes(path, FILE_MAX + 1)
}

fn identity(cert: &Content, key: &Content) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain: Vec<CertificateDer<'static>> = cert.items()?;
    let secret =
        PrivateKeyDer::from_pem_slice(&key.bytes).map_err(|source| key.malformed(source))?;
    let secret = provider()
        .key_provider
        .load_private_key(secret)
        .map_err(|source| key.unusable(source))?;
    let identity = CertifiedKey::new(chain, secret);
    match identity.keys_match() {
        Ok(()) => Ok(Arc::new(identity)),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch {
            cert: cert.path.clone(),
            key: key.path.clone(),
        }),
        // It looks into the certificate for its public key.
        Err(source) => Err(cert.unusable(source)),
    }
}

fn system_authorities() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    // Systems carry certificates that are no X.509 v3; the others do.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(TlsError::NoSystemAuthorities),
        false => Ok(roots),
    }
}

/// The cryptography of all TLS here: ring, which builds with a C compiler alone.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Identity {
    pub(crate) fn files(&self) -> [(TlsFile, &Path); 2] {
        [(TlsFile::Cert, &self.cert), (TlsFile::Key, &self.key)]
    }

    /// Reads both files and proves that they fit each other.
    ///
    /// # Errors
    ///
    /// The file that is to blame, and why.
    pub fn load(&self) -> Result<Arc<CertifiedKey>, TlsError> {
        let [cert, key] = self.files().map(|(file, path)| Content::read(file, path));
        identity(&cert?, &key?)
    }
}
