//! What operators are shown over HTTP.

mod health;
mod status;

use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use l4_failover::admin::{self, Site};
use tracing::warn;

use crate::context::Context;
use crate::live;
use crate::metrics::Snapshot;

/// What operators are told of the process.
#[derive(Clone, Debug)]
pub struct Info {
    /// The data centre.
    pub datacenter: String,
    /// The number of workers.
    pub workers: usize,
    /// The listeners' names and addresses.
    pub listeners: Vec<(String, SocketAddr)>,
    /// Connections that may be open at once.
    pub connections_max: usize,
}

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

    /// Serves operators until it is dropped; without an address, nobody.
    pub(crate) async fn serve(self, bound: Option<admin::Bound>) {
        if let Some(bound) = bound {
            let site = Site {
                operators: self.router(),
                metrics: self.open_router(),
                public_paths: Vec::new(),
            };
            if let Err(error) = bound.serve(site, pending()).await {
                warn!(%error, "operators are no longer served");
            }
        }
        pending::<()>().await;
    }

    /// Everything.
    pub fn router(&self) -> Router {
        self.open().merge(status::router()).with_state(self.clone())
    }

    /// What may be shown to anybody: metrics and health.
    pub fn open_router(&self) -> Router {
        self.open().with_state(self.clone())
    }

    fn open(&self) -> Router<Self> {
        health::router().route("/metrics", get(metrics))
    }
}

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    let context = &admin.0.context;
    live::report(&context.live);
    let now = Snapshot {
        owned_bytes: context.relay.owned_bytes(),
        pipes_lent: context.relay.pipes_lent(),
        log_lost: context.lost.count(),
    };
    let text = context.metrics.render(context.live.loads(), now);
    ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
