//! Peers: TLS as rustls alone speaks it, so that both ends are not the same code.

use std::sync::Arc;
use std::time::Duration;

use l4_failover::socket::tls::Identity;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// Nothing here takes longer, even on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Two connected sockets.
pub(crate) async fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (outer, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    (outer.unwrap(), accepted.unwrap().0)
}

pub(crate) fn chain(identity: &Identity) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let certs = CertificateDer::pem_file_iter(&identity.cert).unwrap();
    let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
    (certs.map(Result::unwrap).collect(), key)
}

pub(crate) fn roots(ca: &std::path::Path) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(ca).unwrap())
        .unwrap();
    Arc::new(roots)
}

/// A server that shows `identity`, in these versions of TLS.
pub(crate) fn server(
    identity: &Identity,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let (certs, key) = chain(identity);
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certs, key);
    Arc::new(config.unwrap())
}

/// A caller that shows `identity`, in this version of TLS.
pub(crate) fn caller(
    ca: &std::path::Path,
    identity: Option<&Identity>,
    version: &'static SupportedProtocolVersion,
) -> TlsConnector {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots(ca));
    let config = match identity.map(chain) {
        Some((certs, key)) => builder.with_client_auth_cert(certs, key).unwrap(),
        None => builder.with_no_client_auth(),
    };
    TlsConnector::from(Arc::new(config))
}
