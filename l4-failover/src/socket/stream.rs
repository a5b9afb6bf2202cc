//! A connection as the rest of the process sees it: its bytes, whether or not TLS carries them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// What a relay passes bytes between: a socket, or TLS over one.
///
/// `poll_flush` is ready when the kernel has everything that was written.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + private::Sealed {
    /// The socket underneath.
    fn tcp(&self) -> &TcpStream;

    /// The socket, if its bytes are the connection's: then they may be spliced.
    fn raw(&self) -> Option<&TcpStream>;
}

/// A relay has to know how a connection holds bytes back, and how it ends.
mod private {
    pub trait Sealed {}
    impl Sealed for tokio::net::TcpStream {}
    impl Sealed for super::Stream {}
}

impl Connection for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }

    fn raw(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Connection for Stream {
    fn tcp(&self) -> &TcpStream {
        self.tcp()
    }

    fn raw(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(tcp) => Some(tcp),
            Self::Tls(_) => None,
        }
    }
}

/// A TCP connection, or TLS over one.
///
/// Over TLS, bytes that were written may wait inside until they are flushed, and a shutdown says
/// `close_notify` before FIN. A dropped stream says neither: its peer sees that it was cut.
#[derive(Debug)]
pub enum Stream {
    /// Bytes as they are.
    Tcp(TcpStream),
    /// Bytes within TLS, on either side of it. Boxed: it is twenty times the size.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// The socket underneath, whose bytes are not these if they go over TLS.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Tcp(tcp) => tcp,
            Self::Tls(tls) => tls.get_ref().0,
        }
    }

    /// The socket, if its bytes are the connection's.
    ///
    /// # Errors
    ///
    /// The stream itself, if it is TLS.
    pub fn into_tcp(self) -> Result<TcpStream, Self> {
        match self {
            Self::Tcp(tcp) => Ok(tcp),
            Self::Tls(_) => Err(self),
        }
    }

    /// Whether its bytes go over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl From<TcpStream> for Stream {
    fn from(tcp: TcpStream) -> Self {
        Self::Tcp(tcp)
    }
}

impl From<TlsStream<TcpStream>> for Stream {
    fn from(tls: TlsStream<TcpStream>) -> Self {
        Self::Tls(Box::new(tls))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_read(cx, buffer),
            Self::Tls(tls) => Pin::new(tls).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write(cx, bytes),
            Self::Tls(tls) => Pin::new(tls).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_write_vectored(cx, pieces),
            Self::Tls(tls) => Pin::new(tls).poll_write_vectored(cx, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(tcp) => tcp.is_write_vectored(),
            Self::Tls(tls) => tls.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(tls) => Pin::new(tls).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(tls) => Pin::new(tls).poll_shutdown(cx),
        }
    }
}
