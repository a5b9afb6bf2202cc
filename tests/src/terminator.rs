//! What stands before a feed that speaks no TLS: it takes TLS, and passes on what is inside.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

/// Passes on to one address for as long as it lives.
#[derive(Debug)]
pub struct Terminator {
    address: SocketAddr,
    /// Where it lives.
    _runtime: Runtime,
}

impl Terminator {
    /// Takes TLS as `tls` says, before whoever listens at `target`.
    pub fn before(target: SocketAddr, tls: Arc<ServerConfig>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(serve(listener, target, TlsAcceptor::from(tls)));
        Self {
            address,
            _runtime: runtime,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // What goes wrong here, both sides see.
            let (Ok(mut outer), Ok(mut inner)) = (
                acceptor.accept(stream).await,
                TcpStream::connect(target).await,
            ) else {
                return;
            };
            let _ = copy_bidirectional(&mut outer, &mut inner).await;
        });
    }
}
