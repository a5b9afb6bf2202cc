//! Word that the server stops.

use tokio::sync::watch;

/// Word that the server stops, for answers that have no end of their own: each request carries it
/// as an extension.
///
/// ```
/// use axum::{Extension, Router, routing::get};
/// use l4_failover::admin::Stopping;
///
/// async fn until_the_end(Extension(stopping): Extension<Stopping>) -> &'static str {
///     stopping.wait().await;
///     "the end"
/// }
/// let operators: Router = Router::new().route("/end", get(until_the_end));
/// ```
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

impl Stopping {
    pub(super) fn new(stop: watch::Receiver<bool>) -> Self {
        Self(stop)
    }

    /// Done when the server stops; at once if it has begun to.
    pub async fn wait(&self) {
        // A stop whose sender is gone is a stop as well.
        let _ = self.0.clone().wait_for(|stop| *stop).await;
    }
}
