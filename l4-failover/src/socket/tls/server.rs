//! TLS from callers, who have to show who they are.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::expiry::{self, Expiry};
use super::files::{Contents, provider};
use super::gate::{self, Gate};
use super::handshake::Parties;
use super::reload::{Live, Material, Reload, WatchedFiles};
use super::{Caller, HandshakeError, TlsError, TlsFile, TlsServerOptions};
use crate::socket::Stream;

/// A caller that is turned away gets this long, and may send this much more, before the connection
/// is closed: were it closed with bytes unread, the kernel would send a RST that can overtake the
/// alert.
const DRAIN_TIME: Duration = Duration::from_secs(1);
const DRAIN_BYTES: u64 = 256 * 1024;

/// Speaks TLS 1.2 and 1.3 to callers, and lets in those that show a certificate with an allowed
/// name.
///
/// Every handshake is a whole one: a resumed session would not look at the certificate again.
///
/// With a `crl_file`, every authority between a caller and `ca` must have a list in it, `ca` itself
/// included; a caller of whom no list speaks is refused. A list that is past its `nextUpdate` goes
/// on being used: whom it names stays out, nobody else is refused for its age, and that it is old
/// is said in the log and by [`crl_expires`](TlsServer::crl_expires). An authority that is late by
/// an hour would otherwise end every service at once.
///
/// Cheap to clone; when the files are read anew, all clones use them.
#[derive(Clone, Debug)]
pub struct TlsServer(Arc<Live<TlsServerOptions>>);

/// Why a caller was not let in.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The certificate is good, and none of its names is allowed. The caller got the alert
    /// `access_denied`.
    #[error("the caller is not allowed in: its certificate carries {0}")]
    NotAllowed(Caller),
    /// There was no certificate.
    #[error("the caller showed no certificate")]
    NoCertificate,
    /// The handshake did not come that far.
    #[error(transparent)]
    Handshake(HandshakeError),
}

impl TlsServer {
    /// Reads the files that `options` name.
    ///
    /// # Errors
    ///
    /// The file that is to blame, and why.
    pub fn load(options: &TlsServerOptions) -> Result<Self, TlsError> {
        Live::load(options.clone()).map(|live| Self(Arc::new(live)))
    }

    /// Shakes hands with a caller within `limit`; who it is.
    ///
    /// A caller that is refused is told why by an alert and given a second to read it, so that this
    /// may take `limit` and a second.
    ///
    /// # Errors
    ///
    /// [`AcceptError`]; `tcp` is closed.
    pub async fn accept(
        &self,
        tcp: TcpStream,
        limit: Duration,
    ) -> Result<(Stream, Caller), AcceptError> {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.0.made().config));
        let shaking = timeout(limit, acceptor.accept(tcp).into_fallible());
        match gate::watch(shaking).await {
            (Ok(Ok(tls)), Some(caller)) => Ok((Stream::from(TlsStream::from(tls)), caller)),
            // Without resumption there is no handshake without a verified certificate.
            (Ok(Ok(_)), None) => Err(AcceptError::NoCertificate),
            (Ok(Err((error, tcp))), seen) => {
                let error = HandshakeError::new(error, &self.0.material.parties());
                // Boxed: it is rare, and would make every handshake larger.
                Box::pin(turn_away(tcp)).await;
                Err(AcceptError::new(error, seen))
            }
            (Err(_), _) => Err(AcceptError::Handshake(HandshakeError::TimedOut(limit))),
        }
    }

    /// Reads the files anew if they have changed; what cannot be used changes nothing.
    pub fn reload(&self) -> Reload {
        self.0.reload()
    }

    /// Why the files as they are now cannot be used, if they cannot; those before are in use.
    #[must_use]
    pub fn last_error(&self) -> Option<Arc<TlsError>> {
        self.0.last_error()
    }

    /// When the certificate that is shown to callers expires.
    #[must_use]
    pub fn expires(&self) -> Option<SystemTime> {
        expiry::first(&self.0.made().expiries, TlsFile::Cert)
    }

    /// When the first of the lists of the revoked is due to be replaced.
    #[must_use]
    pub fn crl_expires(&self) -> Option<SystemTime> {
        expiry::first(&self.0.made().expiries, TlsFile::Crl)
    }

    /// Its files, for a [`Watcher`](super::Watcher).
    #[must_use]
    pub fn files(&self) -> WatchedFiles {
        WatchedFiles::from(&self.0)
    }
}

/// The alert is on its way; gives the caller the time to read it.
async fn turn_away(mut tcp: TcpStream) {
    let draining = async {
        tcp.shutdown().await?;
        let mut rest = tcp.take(DRAIN_BYTES);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    };
    // A caller that is gone needs no time.
    let _ = timeout(DRAIN_TIME, draining).await;
}

impl AcceptError {
    fn new(error: HandshakeError, seen: Option<Caller>) -> Self {
        match (error, seen) {
            (HandshakeError::Certificate(fault), Some(caller))
                if fault.reason() == &gate::DENIED =>
            {
                Self::NotAllowed(caller)
            }
            (HandshakeError::Protocol(rustls::Error::NoCertificatesPresented), _) => {
                Self::NoCertificate
            }
            (error, _) => Self::Handshake(error),
        }
    }
}

/// What was made of the files.
#[derive(Debug)]
pub(super) struct Made {
    config: Arc<ServerConfig>,
    expiries: Vec<Expiry>,
}

impl Material for TlsServerOptions {
    type Made = Made;

    fn files(&self) -> Vec<(TlsFile, &Path)> {
        let crl = self.crl_file.as_deref().map(|path| (TlsFile::Crl, path));
        let ca = [(TlsFile::Ca, self.ca.as_path())];
        self.identity
            .files()
            .into_iter()
            .chain(ca)
            .chain(crl)
            .collect()
    }

    fn make(&self, contents: &Contents) -> Result<Made, TlsError> {
        let identity = contents.identity()?.expect("both files are named");
        let roots = Arc::new(contents.authorities()?);
        let chain = self.chain_verifier(contents, roots)?;
        let gate = Gate::new(chain, self.allow.clone());
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring has suites for both versions")
            .with_client_cert_verifier(Arc::new(gate))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity)));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Made {
            config: Arc::new(config),
            expiries: contents.expiries()?,
        })
    }

    fn expiries(made: &Made) -> &[Expiry] {
        &made.expiries
    }
}

impl TlsServerOptions {
    fn chain_verifier(
        &self,
        contents: &Contents,
        roots: Arc<RootCertStore>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        WebPkiClientVerifier::builder_with_provider(roots, provider())
            .with_crls(contents.revoked()?)
            .build()
            .map_err(|error| self.crl_unusable(error))
    }

    /// That there are authorities is known: only a list can be wrong.
    fn crl_unusable(&self, error: VerifierBuilderError) -> TlsError {
        TlsError::Unusable {
            file: TlsFile::Crl,
            path: self.crl_file.clone().unwrap_or_default(),
            source: match error {
                VerifierBuilderError::InvalidCrl(error) => error.into(),
                other => rustls::Error::General(other.to_string()),
            },
        }
    }

    fn parties(&self) -> Parties {
        Parties {
            certificate: "the caller's certificate".to_owned(),
            authorities: format!("the authorities in {}", self.ca.display()),
        }
    }
}
