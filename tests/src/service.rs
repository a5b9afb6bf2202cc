//! A TLS service that says who it is, what it got, and gives as many bytes as asked for.
//!
//! The client sends the lengths of its upload and of the download, the download's seed (64 bits
//! each, big endian) and the upload. The service answers with its name (a length in a byte, then
//! the name), the SHA-256 of the upload and the download; the client closes first.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::payload::{Payload, receive};
use crate::process::PATIENCE;

/// A service that runs. Dropping it ends it, and its connections, at once.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    name: Arc<str>,
    accepting: JoinHandle<()>,
}

impl Service {
    /// Starts a service on a free port of loopback; `name` is what it calls itself, at most 255
    /// bytes.
    pub async fn start(name: &str, tls: Arc<ServerConfig>) -> io::Result<Self> {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self::start_at(anywhere, name, tls).await
    }

    /// Starts a service at this address, which one that was stopped may have had before.
    pub async fn start_at(
        address: SocketAddr,
        name: &str,
        tls: Arc<ServerConfig>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let (address, name) = (listener.local_addr()?, Arc::from(name));
        let acceptor = TlsAcceptor::from(tls);
        let accepting = tokio::spawn(accept(listener, acceptor, Arc::clone(&name)));
        Ok(Self {
            address,
            name,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and its connections, and waits until it has ended.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // It was cancelled.
        let _ = (&mut self.accepting).await;
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, name: Arc<str>) {
    // Ends with this task, and its connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let (acceptor, name) = (acceptor.clone(), Arc::clone(&name));
        connections.spawn(async move {
            // What goes wrong here, the client sees and says.
            let _ = timeout(PATIENCE, serve(stream, acceptor, &name)).await;
        });
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, name: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = acceptor.accept(stream).await?;
    let upload = stream.read_u64().await?;
    let length = stream.read_u64().await?;
    let seed = stream.read_u64().await?;
    let digest = receive(&mut stream, upload).await?;
    let name_length = u8::try_from(name.len()).map_err(io::Error::other)?;
    stream.write_u8(name_length).await?;
    stream.write_all(name.as_bytes()).await?;
    stream.write_all(&digest).await?;
    Payload { seed, length }.send(&mut stream).await?;
    // The client closes first, so that it is the client that knows whether all arrived.
    copy(&mut stream, &mut sink()).await?;
    stream.shutdown().await
}
