//! The certificate under which operators are served.

use crate::socket::tls::files::provider;
use crate::socket::tls::{Identity, TlsError};
use rustls::ServerConfig;
use rustls::sign::SingleCertAndKey;
use std::sync::Arc;

/// Reads the certificate and its key.
pub(super) fn load(identity: &Identity) -> Result<Arc<ServerConfig>, TlsError> {
    let identity = SingleCertAndKey::from(identity.load()?);
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("ring has suites for both versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(identity));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
