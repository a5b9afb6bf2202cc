//! TLS towards a target.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, TlsStream};

use super::files::{Contents, provider};
use super::handshake::Parties;
use super::{HandshakeError, TlsError, TlsFile, TlsOptions};
use crate::socket::Stream;

/// Speaks TLS 1.2 and 1.3 to a target, and accepts no certificate that is not for its name.
///
/// Every handshake is a whole one: a resumed session would not look at the certificate again.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct TlsClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: ServerName<'static>,
    options: TlsOptions,
    config: Arc<ClientConfig>,
}

impl TlsClient {
    /// Reads the files that `options` name.
    ///
    /// # Errors
    ///
    /// The file or the name that is to blame, and why.
    pub fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let name = options.parsed_name()?;
        let config = options.config(&Contents::read(options.files())?)?;
        Ok(Self(Arc::new(Inner {
            name,
            options: options.clone(),
            config,
        })))
    }

    /// The name that is sent and that the certificate must carry.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.0.options.server_name
    }

    /// Shakes hands over `tcp` within `limit`.
    ///
    /// With TLS 1.3 a server that asks for a certificate looks at it only after the handshake has
    /// finished here: that it refuses, the first read tells.
    ///
    /// # Errors
    ///
    /// [`HandshakeError`]; `tcp` is closed.
    pub async fn connect(&self, tcp: TcpStream, limit: Duration) -> Result<Stream, HandshakeError> {
        let connector = TlsConnector::from(Arc::clone(&self.0.config));
        let shaking = connector.connect(self.0.name.clone(), tcp);
        match timeout(limit, shaking).await {
            Ok(Ok(tls)) => Ok(Stream::from(TlsStream::from(tls))),
            Ok(Err(error)) => Err(HandshakeError::new(error, &self.0.options.parties())),
            Err(_) => Err(HandshakeError::TimedOut(limit)),
        }
    }
}

impl TlsOptions {
    fn parsed_name(&self) -> Result<ServerName<'static>, TlsError> {
        ServerName::try_from(self.server_name.clone())
            .map_err(|_| TlsError::ServerName(self.server_name.clone()))
    }

    fn files(&self) -> impl Iterator<Item = (TlsFile, &Path)> {
        let ca = self.ca.as_deref().map(|path| (TlsFile::Ca, path));
        let identity = self.identity.iter().flat_map(|identity| identity.files());
        ca.into_iter().chain(identity)
    }

    fn config(&self, contents: &Contents) -> Result<Arc<ClientConfig>, TlsError> {
        let roots = Arc::new(contents.authorities()?);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider())
            .build()
            .expect("there are authorities, and no lists of the revoked");
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has suites for both versions")
            .with_webpki_verifier(verifier);
        let mut config = match contents.identity()? {
            Some(identity) => {
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
            }
            None => builder.with_no_client_auth(),
        };
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }

    fn parties(&self) -> Parties {
        Parties {
            certificate: format!("the certificate shown for {}", self.server_name),
            authorities: match &self.ca {
                Some(path) => format!("the authorities in {}", path.display()),
                None => "the system's authorities".to_owned(),
            },
        }
    }
}
