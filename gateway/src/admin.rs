//! What operators are shown over HTTP, and what they may ask for.

mod dump;
mod health;
mod named;
mod routes;
mod status;
mod tap;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use l4_failover::admin::connections::{self, About};
use l4_failover::admin::pools::{self, NamedPool, Pools};
use l4_failover::admin::{Site, life, page};
use l4_failover::metrics::{Labelled, Snapshot};
use tracing::warn;

use crate::app::App;
use crate::live;
use crate::log::shown_name;
use crate::metrics::Metrics;

pub(crate) use named::named_pools;

/// The metrics of the pools, read when somebody asks.
///
/// # Errors
///
/// When they are counted already.
pub(crate) fn count_pools(metrics: &Metrics, pools: &Pools) -> prometheus::Result<()> {
    let pools = pools.clone();
    let labelled = |it: &NamedPool| Labelled {
        labels: vec![it.kind.to_owned(), it.pool.name().to_string()],
        pool: it.pool.clone(),
    };
    metrics.add_pools(move || pools.list().iter().map(labelled).collect())
}

impl App {
    /// Serves operators until `ended`, so that streams come to a proper end; without an address,
    /// nobody.
    pub(crate) async fn serve_operators(&self, ended: impl Future<Output = ()>) {
        if let Some(bound) = self.take_admin() {
            let site = Site {
                operators: self.router(),
                metrics: open().with_state(self.clone()),
                public_paths: page::paths(),
            };
            let served = tokio::select! {
                served = bound.serve(site, ended) => served,
                never = self.pools().remember() => match never {},
            };
            if let Err(error) = served {
                let error = error.to_string();
                warn!(error, "operators are no longer served");
            }
        }
    }

    fn router(&self) -> Router {
        let own = open()
            .merge(status::router())
            .merge(dump::router())
            .merge(routes::router())
            .merge(tap::router())
            .with_state(self.clone());
        let life = life::router(self.clone());
        let connections = connections::router(Arc::clone(self.context()), about);
        let pools = pools::router(self.pools().clone());
        let whole = own.merge(life).merge(connections).merge(pools);
        whole.merge(page::router())
    }
}

/// What may be shown to anybody: metrics and health.
fn open() -> Router<App> {
    health::router().route("/metrics", get(metrics))
}

/// What is known of an open connection.
fn about(entry: &live::Entry) -> About {
    let (course, destination) = (&entry.own, entry.own.destination.get());
    About {
        listener: course.listener.name.clone(),
        client: course.introduced().map(|(client, _)| client.to_string()),
        sni: course.server_name.get().map(|name| shown_name(name)),
        route: destination.map(|to| to.name.clone()),
        kind: destination.map(|to| to.kind.as_str()),
    }
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let context = app.context();
    live::report(&context.live);
    let now = Snapshot {
        owned_bytes: context.relay.owned_bytes(),
        pipes_lent: context.relay.pipes_lent(),
        log_lost: context.lost.count(),
    };
    context.metrics.half_read(context.half_read.len());
    let text = context.metrics.render(context.live.loads(), now);
    ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}
