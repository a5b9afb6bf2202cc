//! The socket on which operators connect.

use super::error::AdminError;
use super::options::Address;
use super::unix::SocketFile;
use crate::socket::listen::ListenError;
use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsAcceptor;

/// How long a peer may leave bytes unacknowledged, or be silent when probed.
const PEER_TIMEOUT: Duration = Duration::from_secs(60);

/// A bound socket that no runtime watches yet.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(std::net::TcpListener, Option<Arc<ServerConfig>>),
    Unix(std::os::unix::net::UnixListener, SocketFile),
}

impl Listener {
    /// Binds `address`; the one returned has the port that the system chose.
    pub(super) fn bind(
        address: &Address,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<(Address, Self), AdminError> {
        match address {
            Address::Tcp(tcp) => {
                let (bound, listener) = Self::bind_tcp(*tcp, tls)?;
                Ok((Address::Tcp(bound), listener))
            }
            Address::Unix(path) => {
                let (listener, file) = SocketFile::bind(path)?;
                Ok((address.clone(), Self::Unix(listener, file)))
            }
        }
    }

    pub(super) fn bind_tcp(
        address: SocketAddr,
        tls: Option<Arc<ServerConfig>>,
    ) -> Result<(SocketAddr, Self), AdminError> {
        let (bound, listener) =
            listen(address).map_err(|source| ListenError::new(address, source))?;
        Ok((bound, Self::Tcp(listener, tls)))
    }

    /// The same socket, watched by the current runtime.
    pub(super) fn watched(self) -> io::Result<Watched> {
        match self {
            Self::Tcp(listener, tls) => {
                let listener = TcpListener::from_std(listener)?;
                Ok(Watched::Tcp(listener, tls.map(TlsAcceptor::from)))
            }
            Self::Unix(listener, file) => {
                Ok(Watched::Unix(UnixListener::from_std(listener)?, file))
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(SocketAddr, std::net::TcpListener)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok((listener.local_addr()?, listener))
}

/// A socket that accepts.
pub(super) enum Watched {
    Tcp(TcpListener, Option<TlsAcceptor>),
    /// The file goes when the socket does.
    Unix(
        UnixListener,
        #[expect(dead_code, reason = "held for its drop")] SocketFile,
    ),
}

/// A client, before any byte was read.
pub(super) enum Accepted {
    Plain(TcpStream),
    Tls(TcpStream, TlsAcceptor),
    Unix(UnixStream),
}

impl Watched {
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener, tls) => {
                let (stream, _) = listener.accept().await?;
                bound_silence(&stream);
                Ok(match tls {
                    Some(tls) => Accepted::Tls(stream, tls.clone()),
                    None => Accepted::Plain(stream),
                })
            }
            Self::Unix(listener, _) => Ok(Accepted::Unix(listener.accept().await?.0)),
        }
    }
}

impl Accepted {
    /// The address that the client reached us by, if it has one.
    pub(super) fn local_ip(&self) -> Option<IpAddr> {
        match self {
            Self::Plain(stream) | Self::Tls(stream, _) => stream
                .local_addr()
                .ok()
                .map(|local| local.ip().to_canonical()),
            Self::Unix(_) => None,
        }
    }
}

/// A client that vanished, or never reads, must not keep its place for ever.
///
/// These fail only if the client is gone already, which the first read will tell.
fn bound_silence(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let _ = socket.set_tcp_nodelay(true);
    let _ = socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(PEER_TIMEOUT));
    let _ = socket.set_tcp_user_timeout(Some(PEER_TIMEOUT));
}
