//! What operators are shown over HTTP.

mod health;
mod status;

use std::future::{Future, pending};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use axum::{Router, http};
use l4_failover::admin;
use tokio::sync::watch;
use tracing::warn;

use crate::app::Info;
use crate::connection::Context;
use crate::metrics::Snapshot;

/// The process as operators see it.
#[derive(Clone, Debug)]
pub struct Admin(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    context: Arc<Context>,
    info: Info,
    started: Instant,
    since: SystemTime,
}

impl Admin {
    /// A view of `context`.
    #[must_use]
    pub fn new(context: Arc<Context>, info: Info) -> Self {
        Self(Arc::new(Shared {
            context,
            info,
            started: Instant::now(),
            since: SystemTime::now(),
        }))
    }

    /// Serves operators until `end`; without an address, nobody.
    pub(crate) async fn serve(self, bound: Option<admin::Bound>, end: watch::Receiver<()>) {
        if let Some(bound) = bound {
            bound.serve(self.router(), self.open_router(), ended(end)).await;
        }
        pending::<()>().await;
    }

    /// Everything.
    #[must_use]
    pub fn router(&self) -> Router {
        self.open().merge(status::router()).with_state(self.clone())
    }

    /// What may be shown to anybody: metrics and health.
    #[must_use]
    pub fn open_router(&self) -> Router {
        self.open().with_state(self.clone())
    }

    fn open(&self) -> Router<Self> {
        health::router().route("/metrics", get(metrics))
    }
}

async fn ended(mut end: watch::Receiver<()>) {
    // An error means that the sender is gone: that is the end.
    let _ = end.changed().await;
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let context = &admin.0.context;
    context.live.report();
    let now = Snapshot {
        owned_bytes: context.relay.owned_bytes(),
        pipes_lent: context.relay.pipes_lent(),
        log_lost: context.lost.count(),
    };
    let text = context.metrics.render(context.live.loads(), now);
    ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
