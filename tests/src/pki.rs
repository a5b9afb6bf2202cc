//! Certificates made for one test: an authority, and what it issues.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    IsCa, KeyIdMethod, KeyPair, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A certificate authority that nobody else trusts.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
#[derive(Debug)]
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
    serial: SerialNumber,
}

impl Default for Authority {
    fn default() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "an authority for tests");
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }
}

impl Authority {
    /// A certificate for these DNS names and URIs.
    pub fn issue(&self, names: &[&str]) -> Identity {
        let mut params = CertificateParams::default();
        params.subject_alt_names = names.iter().map(|name| san(name)).collect();
        // What a list of the revoked names it by; the same again is as good as never.
        let serial = SerialNumber::from(RandomState::new().hash_one(names) >> 1);
        params.serial_number = Some(serial.clone());
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificate,
            key,
            serial,
        }
    }

    /// What a client needs that trusts this authority, and no other.
    pub fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        Arc::new(config.with_no_client_auth())
    }

    /// What a client needs that is somebody, and trusts this authority.
    pub fn client_as(&self, identity: &Identity) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let (chain, key) = identity.parts();
        Arc::new(config.with_client_auth_cert(chain, key).unwrap())
    }

    /// Writes the list of those that are revoked to `crl.pem` in `directory`.
    pub fn write_revoked(&self, directory: &Path, revoked: &[&Identity]) -> PathBuf {
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: identity.serial.clone(),
            revocation_time: date_time_ymd(2024, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2024, 1, 1),
            next_update: date_time_ymd(4000, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = params.signed_by(&self.0).unwrap();
        write(directory, "crl.pem", &list.pem().unwrap())
    }

    /// Writes the authority's certificate to `ca.pem` in `directory`.
    pub fn write(&self, directory: &Path) -> PathBuf {
        write(directory, "ca.pem", &self.0.pem())
    }
}

fn san(name: &str) -> SanType {
    match name.contains("://") {
        true => SanType::URI(name.try_into().unwrap()),
        false => SanType::DnsName(name.try_into().unwrap()),
    }
}

/// At once: a reader sees the file before or the one after.
fn write(directory: &Path, name: &str, text: &str) -> PathBuf {
    let (file, next) = (directory.join(name), directory.join(format!("{name}.next")));
    std::fs::write(&next, text).unwrap();
    std::fs::rename(next, &file).unwrap();
    file
}

impl Identity {
    /// What a server needs to be this.
    pub fn server(&self) -> Arc<ServerConfig> {
        let (chain, key) = self.parts();
        let config = ServerConfig::builder().with_no_client_auth();
        Arc::new(config.with_single_cert(chain, key).unwrap())
    }

    fn parts(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = PrivatePkcs8KeyDer::from(self.key.serialize_der());
        (vec![self.certificate.der().clone()], key.into())
    }

    /// Writes `NAME.pem` and `NAME.key` to `directory`; the certificate's and the key's file.
    pub fn write(&self, directory: &Path, name: &str) -> (PathBuf, PathBuf) {
        let pem = self.certificate.pem();
        let certificate = write(directory, &format!("{name}.pem"), &pem);
        let key = write(directory, &format!("{name}.key"), &self.key.serialize_pem());
        (certificate, key)
    }
}
