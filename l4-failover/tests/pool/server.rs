//! Endpoints that can be taken away, and pools that look often.

use std::future::Future;
use std::time::Duration;

use l4_failover::choice::{MoveKind, Policy};
use l4_failover::probe::CheckOptions;
use l4_failover::{Events, Happened, Pool, PoolBuilder};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Nothing that a test waits for takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// What `happening` comes to, which must be soon.
pub(crate) async fn soon<T>(happening: impl Future<Output = T>) -> T {
    let waited = tokio::time::timeout(PATIENCE, happening).await;
    waited.expect("it takes too long")
}

/// A server that holds every connection, until it is stopped.
pub(crate) struct Server {
    pub(crate) address: String,
    accepting: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::at("127.0.0.1:0").await
    }

    /// Starts again where it was.
    pub(crate) async fn at(address: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address.parse().unwrap()).unwrap();
        let listener = socket.listen(128).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let accepting = tokio::spawn(hold(listener));
        Self { address, accepting }
    }

    /// Refuses from now on, and drops what it held. Its address.
    pub(crate) async fn stop(self) -> String {
        self.accepting.abort();
        let _ = self.accepting.await;
        self.address
    }
}

async fn hold(listener: TcpListener) {
    let mut held = Vec::new();
    loop {
        held.extend(listener.accept().await);
    }
}

/// Checks every 20 ms; three failures, two successes.
pub(crate) fn often() -> CheckOptions {
    CheckOptions {
        interval: Duration::from_millis(20),
        fast_interval: Duration::from_millis(20),
        timeout: Duration::from_millis(19),
        rise: 2,
        ..CheckOptions::default()
    }
}

/// A pool of these two that looks often and returns quickly.
pub(crate) fn pair(primary: &str, backup: &str, policy: Policy) -> PoolBuilder {
    Pool::builder()
        .name("pair")
        .primary(primary)
        .backup(backup)
        .check(often())
        .policy(policy)
}

/// Waits for a move of this kind; the tier that is active now.
pub(crate) async fn moved(events: &mut Events, wanted: MoveKind) -> usize {
    soon(async {
        loop {
            let event = events.next().await.expect("the pool is there");
            match event.what {
                Happened::Moved { kind, to, .. } if kind == wanted => return to.tier,
                _ => {}
            }
        }
    })
    .await
}

/// Receives what the task sends first.
pub(crate) async fn first<T>(receiver: &mut mpsc::UnboundedReceiver<T>) -> T {
    soon(receiver.recv()).await.expect("the sender is there")
}
