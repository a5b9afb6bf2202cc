//! A connection to a running process.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::address::server_name;
use super::{Address, ClientError};
use crate::admin::Token;
use crate::socket::tls::{TlsClient, TlsOptions};
use crate::{Host, Target};

/// For the look-up of a name and a connection, and again for the TLS handshake: a process that is
/// alive accepts at once, over any distance.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Which process is meant, and what it asks for.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Where the process serves its operators: HOST:PORT, https://HOST:PORT or unix:/PATH.
    /// [default: the one that the program has without other configuration]
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<Address>,
    /// The file that holds the process's token.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// With https://, the file with the authorities to trust. [default: those of the system]
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
}

/// Bytes in both directions.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Bytes for S {}

/// A running process, which can be asked.
#[derive(Debug)]
pub struct Peer {
    pub(super) address: Address,
    /// What its requests say that they are for.
    pub(super) host: String,
    pub(super) token: Option<Token>,
    pub(super) token_file: Option<PathBuf>,
    pub(super) program: &'static str,
    tls: Option<TlsClient>,
}

impl Peer {
    /// Reads the files that `connection` names; `address` is meant where it names none.
    pub(super) fn new(
        connection: &Connection,
        address: Address,
        program: &'static str,
    ) -> Result<Self, ClientError> {
        let address = connection.admin.clone().unwrap_or(address);
        let token_file = connection.token_file.clone();
        let token = token_file.as_deref().map(Token::load).transpose()?;
        let tls = match &address {
            Address::Tls(target) => Some(TlsClient::load(&TlsOptions {
                server_name: server_name(target),
                ca: connection.ca.clone(),
                identity: None,
            })?),
            Address::Tcp(_) | Address::Unix(_) => None,
        };
        Ok(Self {
            host: address.host(),
            address,
            token,
            token_file,
            program,
            tls,
        })
    }

    pub(super) async fn connect(&self) -> Result<Box<dyn Bytes>, ClientError> {
        match (&self.address, &self.tls) {
            (Address::Unix(path), _) => {
                let stream = self.within(UnixStream::connect(path)).await?;
                Ok(Box::new(stream))
            }
            (Address::Tcp(target) | Address::Tls(target), None) => {
                let stream = self.within(dial(target)).await?;
                self.keep_token_secret(&stream)?;
                Ok(Box::new(stream))
            }
            (Address::Tcp(target) | Address::Tls(target), Some(tls)) => {
                let tcp = self.within(dial(target)).await?;
                let stream = tls.connect(tcp, CONNECT_TIMEOUT).await;
                let stream = stream.map_err(|source| ClientError::Handshake {
                    address: self.address.clone(),
                    source: Box::new(source),
                })?;
                Ok(Box::new(stream))
            }
        }
    }

    async fn within<S>(
        &self,
        connecting: impl Future<Output = io::Result<S>>,
    ) -> Result<S, ClientError> {
        match timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(connected) => connected.map_err(|error| self.unreachable(error)),
            Err(_) => Err(ClientError::Silent {
                address: self.address.clone(),
                limit: CONNECT_TIMEOUT,
            }),
        }
    }

    fn unreachable(&self, source: io::Error) -> ClientError {
        let address = self.address.clone();
        match source.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                ClientError::NobodyListens {
                    address,
                    program: self.program,
                }
            }
            _ => ClientError::Unreachable { address, source },
        }
    }

    fn keep_token_secret(&self, stream: &TcpStream) -> Result<(), ClientError> {
        let is_here = stream
            .peer_addr()
            .is_ok_and(|peer| peer.ip().to_canonical().is_loopback());
        match self.token.is_none() || is_here {
            true => Ok(()),
            false => Err(ClientError::TokenInClear(self.address.clone())),
        }
    }
}

async fn dial(target: &Target) -> io::Result<TcpStream> {
    match &target.host {
        Host::Ip(ip) => TcpStream::connect((*ip, target.port)).await,
        Host::Name(name) => TcpStream::connect((name.as_str(), target.port)).await,
    }
}
