//! TLS towards a target.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ClientConfig;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, TlsStream};

use super::expiry::{self, Expiry};
use super::files::{Contents, provider};
use super::handshake::Parties;
use super::reload::{Live, Material, Reload, WatchedFiles};
use super::{HandshakeError, Identity, TlsError, TlsFile, TlsOptions};
use crate::socket::Stream;

/// Speaks TLS 1.2 and 1.3 to a target, and accepts no certificate that is not for its name.
///
/// Every handshake is a whole one: a resumed session would not look at the certificate again.
///
/// Cheap to clone; when the files are read anew, all clones use them. The system's authorities are
/// read with the others, and not watched.
#[derive(Clone, Debug)]
pub struct TlsClient {
    name: ServerName<'static>,
    live: Arc<Live<TlsOptions>>,
}

impl TlsClient {
    /// Reads the files that `options` name.
    ///
    /// # Errors
    ///
    /// The file or the name that is to blame, and why.
    pub fn load(options: &TlsOptions) -> Result<Self, TlsError> {
        let name = options.parsed_name()?;
        let live = Arc::new(Live::load(options.clone())?);
        Ok(Self { name, live })
    }

    /// The name that is sent and that the certificate must carry.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.live.material.server_name
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
        let connector = TlsConnector::from(Arc::clone(&self.live.made().config));
        let shaking = connector.connect(self.name.clone(), tcp);
        match timeout(limit, shaking).await {
            Ok(Ok(tls)) => Ok(Stream::from(TlsStream::from(tls))),
            Ok(Err(error)) => Err(HandshakeError::new(error, &self.live.material.parties())),
            Err(_) => Err(HandshakeError::TimedOut(limit)),
        }
    }

    /// Reads the files anew if they have changed; what cannot be used changes nothing.
    pub fn reload(&self) -> Reload {
        self.live.reload()
    }

    /// Why the files as they are now cannot be used, if they cannot; those before are in use.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<TlsError>> {
        self.live.last_error()
    }

    /// When the certificate that is shown to servers expires, if there is one.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        expiry::first(&self.live.made().expiries, TlsFile::Cert)
    }

    /// Its files, for a [`Watcher`](super::Watcher).
    #[must_use]
    pub fn files(&self) -> WatchedFiles {
        WatchedFiles::from(&self.live)
    }
}

/// What was made of the files.
#[derive(Debug)]
pub(super) struct Made {
    config: Arc<ClientConfig>,
    expiries: Vec<Expiry>,
}

impl Material for TlsOptions {
    type Made = Made;

    fn files(&self) -> Vec<(TlsFile, &Path)> {
        let ca = self.ca.as_deref().map(|path| (TlsFile::Ca, path));
        let identity = self.identity.iter().flat_map(Identity::files);
        ca.into_iter().chain(identity).collect()
    }

    fn make(&self, contents: &Contents) -> Result<Made, TlsError> {
        Ok(Made {
            config: config(contents)?,
            expiries: contents.expiries()?,
        })
    }

    fn expiries(made: &Made) -> &[Expiry] {
        &made.expiries
    }
}

impl TlsOptions {
    fn parsed_name(&self) -> Result<ServerName<'static>, TlsError> {
        ServerName::try_from(self.server_name.clone())
            .map_err(|_| TlsError::ServerName(self.server_name.clone()))
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

fn config(contents: &Contents) -> Result<Arc<ClientConfig>, TlsError> {
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
