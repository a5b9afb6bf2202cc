//! Serves HTTP/1 to a bounded number of clients, each within bounded time.

use super::guard::LocalIp;
use super::listener::{Accepted, Listener, Watched};
use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

/// The longest head of a request; browsers send a few kilobytes.
const HEAD_MAX: usize = 64 * 1024;
/// The pause after a failure to accept, at first and at most; it doubles in between.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What one address grants to all clients together, and to each.
#[derive(Clone, Copy, Debug)]
pub(super) struct ServeLimits {
    /// Connections at once; others wait to be accepted.
    pub(super) connections: usize,
    /// For a TLS handshake, and then for the head of each request.
    pub(super) head_timeout: Duration,
    /// For requests in progress when the server stops.
    pub(super) stop_timeout: Duration,
}

impl Default for ServeLimits {
    /// A few operators with a few tabs each, and whoever scrapes.
    fn default() -> Self {
        Self {
            connections: 64,
            head_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

/// Serves `router` on `listener` until `stop` says so.
pub(super) async fn serve(
    listener: Listener,
    router: Router,
    limits: ServeLimits,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = listener.watched()?;
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let (client, place) = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            client = next_client(&listener, &places) => client,
        };
        while connections.try_join_next().is_some() {}
        let conversation = converse(client, router.clone(), limits, stop.clone());
        connections.spawn(async move {
            conversation.await;
            drop(place);
        });
    }
    drop(listener);
    // What is left after the timeout ends as the set is dropped.
    let _ = timeout(limits.stop_timeout, async {
        while connections.join_next().await.is_some() {}
    })
    .await;
    Ok(())
}

/// A stop whose sender is gone is a stop as well.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The next client, once there is a place for it.
async fn next_client(
    listener: &Watched,
    places: &Arc<Semaphore>,
) -> (Accepted, Option<OwnedSemaphorePermit>) {
    let place = places.clone().acquire_owned().await.ok();
    let mut pause = PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok(client) => return (client, place),
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                tracing::warn!(%error, ?pause, "cannot accept an operator");
                sleep(pause).await;
                pause = PAUSE_MAX.min(pause * 2);
            }
        }
    }
}

/// Whether the next accept may succeed at once: only this client is gone.
fn is_the_clients(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionReset)
}

async fn converse(
    client: Accepted,
    router: Router,
    limits: ServeLimits,
    stop: watch::Receiver<bool>,
) {
    let local = client.local_ip();
    match client {
        Accepted::Plain(stream) => answer(stream, local, router, limits, stop).await,
        Accepted::Unix(stream) => answer(stream, local, router, limits, stop).await,
        Accepted::Tls(stream, tls) => {
            if let Ok(Ok(stream)) = timeout(limits.head_timeout, tls.accept(stream)).await {
                answer(stream, local, router, limits, stop).await;
            }
        }
    }
}

/// Answers the requests of a connection until it ends, or `stop` ends it after the current one.
async fn answer<S>(
    stream: S,
    local: Option<IpAddr>,
    router: Router,
    limits: ServeLimits,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(LocalIp(local));
        request
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an operator's connection broke");
    }
}
