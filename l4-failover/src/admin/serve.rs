//! Serves HTTP/1 to a bounded number of clients, each within bounded time.

use super::guard::LocalIp;
use super::listener::{Accepted, Listener, Watched};
use super::places::{Asked, Place, Places};
use super::stopping::Stopping;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use axum::{Error, Router};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
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
    /// Connections at once.
    pub(super) connections: usize,
    /// For a TLS handshake, and then for the head of the first request.
    pub(super) head_timeout: Duration,
    /// From an answer to the end of the head of the next request: longer, as a browser or a
    /// scraper would rather ask again on the same connection.
    pub(super) idle_timeout: Duration,
    /// For requests in progress when the server stops.
    pub(super) stop_timeout: Duration,
}

impl Default for ServeLimits {
    /// A few operators with a few tabs each, and whoever scrapes.
    fn default() -> Self {
        Self {
            connections: 64,
            head_timeout: Duration::from_secs(2),
            idle_timeout: Duration::from_secs(10),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

/// Serves `router` on `listener` until `stop` says so.
pub(super) async fn serve(
    listener: Listener,
    router: Router,
    limits: ServeLimits,
    stop: Stopping,
) -> io::Result<()> {
    let listener = listener.watched()?;
    let places = Places::new(limits.connections);
    let mut connections = JoinSet::new();
    loop {
        let (client, place) = tokio::select! {
            biased;
            () = stop.wait() => break,
            client = next_client(&listener, &places) => client,
        };
        while connections.try_join_next().is_some() {}
        let conversation = converse(
            client,
            Arc::clone(&place),
            router.clone(),
            limits,
            stop.clone(),
        );
        connections.spawn(async move {
            tokio::select! {
                () = conversation => {}
                () = place.is_wanted() => {}
            }
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

/// The next client, once there is a place for it.
async fn next_client(listener: &Watched, places: &Arc<Places>) -> (Accepted, Arc<Place>) {
    // First the client: nobody gives up a place for one that does not come.
    let client = accept(listener).await;
    (client, places.take().await)
}

async fn accept(listener: &Watched) -> Accepted {
    let mut pause = PAUSE_MIN;
    loop {
        match listener.accept().await {
            Ok(client) => return client,
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
    place: Arc<Place>,
    router: Router,
    limits: ServeLimits,
    stop: Stopping,
) {
    let local = client.local_ip();
    match client {
        Accepted::Plain(stream) => answer(stream, local, &place, router, limits, stop).await,
        Accepted::Unix(stream) => answer(stream, local, &place, router, limits, stop).await,
        Accepted::Tls(stream, tls) => {
            if let Ok(Ok(stream)) = timeout(limits.head_timeout, tls.accept(stream)).await {
                answer(stream, local, &place, router, limits, stop).await;
            }
        }
    }
}

/// Answers the requests of a connection until it ends, or `stop` ends it after the current one.
async fn answer<S>(
    stream: S,
    local: Option<IpAddr>,
    place: &Arc<Place>,
    router: Router,
    limits: ServeLimits,
    stop: Stopping,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(LocalIp(local));
        request.extensions_mut().insert(stop.clone());
        respond(router.clone(), request, place.asked())
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle_timeout)
        .max_buf_size(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = place.is_silent_for(limits.head_timeout) => return,
        () = stop.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an operator's connection broke");
    }
}

async fn respond(
    router: Router,
    request: Request<Incoming>,
    asked: Asked,
) -> Result<Response<Answer>, Infallible> {
    let response = router.oneshot(request).await?;
    Ok(response.map(|body| Answer {
        body,
        _asked: asked,
    }))
}

/// The body of an answer, which is dropped when all of it was handed to the connection.
struct Answer {
    body: Body,
    _asked: Asked,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
