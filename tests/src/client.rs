//! A client that believes nothing: it asks a [`service`](mod@crate::service) by name, wherever its
//! connection leads, and checks the certificate and every byte.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::counted::{Counted, Counters, Wire};
use crate::payload::{Digest, Payload, receive, receive_to_end};
use crate::process::PATIENCE;

/// What is sent and asked for. Made beforehand, so that it costs the measured time nothing.
#[derive(Clone, Debug)]
pub struct Request {
    upload: Payload,
    upload_digest: Digest,
    download: Payload,
    download_digest: Digest,
}

impl Request {
    /// Uploads and downloads this many bytes; both are made from `seed`, and differ.
    pub fn new(seed: u64, upload: u64, download: u64) -> Self {
        let (upload, download) = (
            Payload {
                seed,
                length: upload,
            },
            Payload {
                seed: !seed,
                length: download,
            },
        );
        Self {
            upload,
            upload_digest: upload.digest(),
            download,
            download_digest: download.digest(),
        }
    }

    /// How many bytes are sent.
    pub fn upload(&self) -> u64 {
        self.upload.length
    }

    /// How many bytes are asked for.
    pub fn download(&self) -> u64 {
        self.download.length
    }
}

/// How a question ended.
#[derive(Debug)]
pub struct Asked {
    /// What the service that answered calls itself, or what went wrong.
    pub result: Result<String, AskError>,
    /// How long it took, from dialling to the last byte.
    pub took: Duration,
    /// What passed on the wire.
    pub wire: Wire,
}

/// Why there is no answer, or none to be believed.
#[derive(Debug, Error)]
pub enum AskError {
    /// The peer sent a TLS alert, of this number.
    #[error("TLS alert {0}")]
    Alert(u8),
    /// TLS failed on this side; a certificate that is not the name's, for example.
    #[error(transparent)]
    Tls(rustls::Error),
    /// The connection failed.
    #[error(transparent)]
    Io(io::Error),
    /// The connection failed after so many bytes of a download whose length is not known.
    #[error("cut after {0} bytes of the download: {1}")]
    Cut(u64, io::Error),
    /// The service got other bytes than were sent.
    #[error("the upload's SHA-256 is wrong: other bytes arrived than were sent")]
    Upload,
    /// Other bytes came than the service sends.
    #[error("the download's SHA-256 is wrong: other bytes arrived than were sent")]
    Download,
    /// More bytes came than were asked for.
    #[error("more bytes arrived than were asked for")]
    More,
    /// It took too long.
    #[error("no complete answer within {0:?}")]
    Late(Duration),
}

impl From<io::Error> for AskError {
    fn from(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|source| source.downcast_ref());
        match tls {
            Some(rustls::Error::AlertReceived(alert)) => Self::Alert((*alert).into()),
            Some(other) => Self::Tls(other.clone()),
            None => Self::Io(error),
        }
    }
}

/// A client that trusts one authority.
#[derive(Clone, Debug)]
pub struct Client {
    tls: Arc<ClientConfig>,
    patience: Duration,
}

impl Client {
    /// A client that waits for `patience` at most, for an answer as a whole.
    pub fn new(tls: Arc<ClientConfig>, patience: Duration) -> Self {
        Self { tls, patience }
    }

    /// Asks for `name` at `address`.
    pub async fn ask(&self, address: SocketAddr, name: &str, request: &Request) -> Asked {
        let counters = Arc::new(Counters::default());
        let started = Instant::now();
        let asking = self.try_ask(address, name, request, &counters);
        let result = timeout(self.patience, asking).await;
        Asked {
            result: result.unwrap_or(Err(AskError::Late(self.patience))),
            took: started.elapsed(),
            wire: counters.wire(),
        }
    }

    async fn try_ask(
        &self,
        address: SocketAddr,
        name: &str,
        request: &Request,
        counters: &Arc<Counters>,
    ) -> Result<String, AskError> {
        let mut stream = self.connect(address, name, counters).await?;
        // An end without close_notify is an error already.
        converse(&mut stream, request).await
    }

    async fn connect(
        &self,
        address: SocketAddr,
        name: &str,
        counters: &Arc<Counters>,
    ) -> Result<TlsStream<Counted>, AskError> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = Counted::new(stream, Arc::clone(counters));
        let connector = TlsConnector::from(Arc::clone(&self.tls));
        Ok(connector.connect(name, stream).await?)
    }

    /// Downloads `wanted` from the service `name` at `address` as a client does that does not know
    /// how long it is: what ends with close_notify is whole.
    ///
    /// # Errors
    ///
    /// [`AskError`]: it did not end so, or came to something else than `wanted`.
    pub async fn fetch(
        &self,
        address: SocketAddr,
        name: &str,
        wanted: &Request,
    ) -> Result<(), AskError> {
        let fetching = self.try_fetch(address, name, wanted);
        let fetched = timeout(self.patience, fetching).await;
        fetched.unwrap_or(Err(AskError::Late(self.patience)))
    }

    async fn try_fetch(
        &self,
        address: SocketAddr,
        name: &str,
        wanted: &Request,
    ) -> Result<(), AskError> {
        let mut stream = self.connect(address, name, &Arc::default()).await?;
        send(&mut stream, wanted).await?;
        stream.shutdown().await?;
        identify(&mut stream, wanted).await?;
        let mut length = 0;
        let received = receive_to_end(&mut stream, &mut length).await;
        let digest = received.map_err(|error| AskError::Cut(length, error))?;
        match (length, digest) == (wanted.download.length, wanted.download_digest) {
            true => Ok(()),
            false => Err(AskError::Download),
        }
    }
}

/// Asks a service without TLS, or whoever speaks TLS for it, at `address`.
///
/// # Errors
///
/// [`AskError`]: no complete answer, or a wrong one.
pub async fn ask_plain(address: SocketAddr, request: &Request) -> Result<String, AskError> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let asking = timeout(PATIENCE, converse(&mut stream, request)).await;
    asking.unwrap_or(Err(AskError::Late(PATIENCE)))
}

async fn converse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &Request,
) -> Result<String, AskError> {
    send(stream, request).await?;
    let by = check(stream, request).await?;
    stream.shutdown().await?;
    match stream.read(&mut [0]).await? {
        0 => Ok(by),
        _ => Err(AskError::More),
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), request: &Request) -> io::Result<()> {
    stream.write_u64(request.upload.length).await?;
    stream.write_u64(request.download.length).await?;
    stream.write_u64(request.download.seed).await?;
    request.upload.send(stream).await
}

async fn check(
    stream: &mut (impl AsyncRead + Unpin),
    request: &Request,
) -> Result<String, AskError> {
    let by = identify(stream, request).await?;
    if receive(stream, request.download.length).await? != request.download_digest {
        return Err(AskError::Download);
    }
    Ok(by)
}

/// Who answers, and that it got what was sent.
async fn identify(
    stream: &mut (impl AsyncRead + Unpin),
    request: &Request,
) -> Result<String, AskError> {
    let mut by = vec![0; stream.read_u8().await?.into()];
    stream.read_exact(&mut by).await?;
    let mut digest = Digest::default();
    stream.read_exact(&mut digest).await?;
    if digest != request.upload_digest {
        return Err(AskError::Upload);
    }
    String::from_utf8(by).map_err(|error| io::Error::other(error).into())
}
