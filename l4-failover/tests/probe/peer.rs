//! Endpoints that do one thing, and see how the check leaves.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::PATIENCE;

/// An endpoint, and how each of its connections came out.
pub(crate) struct Endpoint<T> {
    pub(crate) address: SocketAddr,
    results: UnboundedReceiver<T>,
    _server: JoinHandle<()>,
}

impl<T: Send + 'static> Endpoint<T> {
    /// One that serves each of its connections by `serve`.
    pub(crate) async fn new<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = T> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, results) = unbounded_channel();
        let server = async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let served = serve(connection);
                let sender = sender.clone();
                tokio::spawn(async move { sender.send(served.await) });
            }
        };
        Self {
            address,
            results,
            _server: tokio::spawn(server),
        }
    }

    /// How the next connection came out.
    pub(crate) async fn result(&mut self) -> T {
        timeout(PATIENCE, self.results.recv())
            .await
            .unwrap()
            .unwrap()
    }
}

/// One that accepts and then neither says nor reads anything.
pub(crate) async fn hanging() -> Endpoint<()> {
    Endpoint::new(|connection| async move {
        std::future::pending::<()>().await;
        drop(connection);
    })
    .await
}

/// What the peer sends until it closes; an error if it was cut off.
pub(crate) async fn rest(connection: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).await?;
    Ok(rest)
}

/// Closes with RST.
pub(crate) fn reset(connection: TcpStream) {
    SockRef::from(&connection)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
}

/// An address where nobody listens.
pub(crate) fn nobody() -> SocketAddr {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    gone.local_addr().unwrap()
}

/// An address that never answers: its queue is full, so that the kernel drops what comes.
pub(crate) async fn silent() -> (SocketAddr, impl Sized) {
    /// More than the shortest queue that Linux has.
    const QUEUED: usize = 3;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let queued = [(); QUEUED].map(|()| TcpStream::connect(address));
    let queued = queued.map(|it| Box::pin(timeout(Duration::from_millis(100), it)));
    let mut waiting = Vec::new();
    for it in queued {
        waiting.push(it.await);
    }
    assert!(waiting.iter().any(Result::is_err), "the queue is not full");
    (address, (listener, waiting))
}
