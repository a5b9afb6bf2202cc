//! What operators are shown over HTTP, and what they may ask for.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use serde::Serialize;
use tracing::warn;

use super::{App, Listener};
use crate::admin::connections::{self, About};
use crate::admin::dump::{self, InForce};
use crate::admin::pools::{self, EventJson, NamedPool, PoolJson, Refused, ServedJson, Wanted};
use crate::admin::{Site, life, page};
use crate::port::Front;
use crate::settings::{Settings, Source};
use crate::socket::live::Entry;

impl App {
    /// Serves operators until `ended`, so that streams come to a proper end; without an address,
    /// nobody.
    pub(super) async fn serve_operators(&self, ended: impl Future<Output = ()>) {
        let admin = &self.0.admin;
        let bound = admin.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(bound) = bound {
            let site = Site {
                operators: self.router(),
                metrics: open().with_state(self.clone()),
                public_paths: page::paths(),
            };
            let served = tokio::select! {
                served = bound.serve(site, ended) => served,
                never = self.0.pools.remember() => match never {},
            };
            if let Err(error) = served {
                let error = error.to_string();
                warn!(error, "operators are no longer served");
            }
        }
    }

    fn router(&self) -> Router {
        let own = open().merge(closed()).with_state(self.clone());
        let life = life::router(self.clone());
        let connections = connections::router(Arc::clone(&self.0.context), about);
        let pools = pools::router(self.0.pools.clone());
        let whole = own.merge(life).merge(connections).merge(pools);
        whole.merge(page::router())
    }
}

/// What is known of an open connection.
fn about(entry: &Entry<Arc<Front>>) -> About {
    About {
        listener: entry.own.name.to_string(),
        route: Some(entry.own.name.to_string()),
        kind: Some(entry.own.kind()),
        ..About::default()
    }
}

/// What may be shown to anybody: metrics and health.
fn open() -> Router<App> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/service/{name}", get(service))
}

fn closed() -> Router<App> {
    Router::new()
        .route("/status", get(status))
        .route("/listeners", get(listeners))
        .route("/server_info", get(server_info))
        .route("/config_dump", get(config_dump))
}

async fn metrics(State(app): State<App>) -> impl IntoResponse {
    let text = app.0.context.render_metrics();
    ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text)
}

async fn live() -> &'static str {
    "live\n"
}

/// Bound, loaded and not draining; never an endpoint's health.
async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.0.context.is_draining() {
        false => (StatusCode::OK, "ready\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

/// Whether a port has a healthy endpoint, for a load balancer in front of it.
async fn service(State(app): State<App>, Path(name): Path<String>) -> (StatusCode, &'static str) {
    let view = app.0.view.load();
    let mut listeners = view.listeners.iter();
    match listeners.find(|it| *it.front.name == *name) {
        Some(it) if it.front.pool.is_healthy() => (StatusCode::OK, "healthy\n"),
        Some(_) => (StatusCode::SERVICE_UNAVAILABLE, "no endpoint is healthy\n"),
        None => (StatusCode::NOT_FOUND, "no such port is configured\n"),
    }
}

/// The whole at a glance.
#[derive(Serialize)]
struct Status {
    state: &'static str,
    generation: u64,
    uptime_seconds: f64,
    connections: usize,
    connections_max: usize,
    connections_accepted: u64,
    pools: Vec<ServedJson>,
    recent: Vec<EventJson>,
}

async fn status(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Status>, Refused> {
    let shared = &app.0;
    let wanted = Wanted::of(&shared.pools, wanted)?;
    shared.context.count_bytes();
    let view = shared.view.load();
    let fronts = view.listeners.iter().map(|it| &it.front);
    Ok(Json(Status {
        state: app.state(),
        generation: view.generation,
        uptime_seconds: shared.started.elapsed().as_secs_f64(),
        connections: shared.context.connections().len(),
        connections_max: shared.connections_max,
        connections_accepted: fronts.map(|it| it.series.accepted()).sum(),
        pools: app.served(&wanted),
        recent: shared.pools.recent(&wanted),
    }))
}

/// One listening address.
#[derive(Serialize)]
struct ListenerJson {
    name: String,
    kind: &'static str,
    address: SocketAddr,
}

async fn listeners(State(app): State<App>) -> Json<Vec<ListenerJson>> {
    let view = app.0.view.load();
    let listener = |it: &Listener| ListenerJson {
        name: it.front.name.to_string(),
        kind: it.front.kind(),
        address: it.address,
    };
    Json(view.listeners.iter().map(listener).collect())
}

/// What runs, and since when.
#[derive(Serialize)]
struct ServerInfo {
    program: &'static str,
    version: &'static str,
    state: &'static str,
    pid: u32,
    generation: u64,
    loaded_unix_seconds: u64,
    started_unix_seconds: u64,
    uptime_seconds: f64,
}

async fn server_info(State(app): State<App>) -> Json<ServerInfo> {
    let (shared, view) = (&app.0, app.0.view.load());
    Json(ServerInfo {
        program: "l4-failover",
        version: env!("CARGO_PKG_VERSION"),
        state: app.state(),
        pid: std::process::id(),
        generation: view.generation,
        loaded_unix_seconds: unix_seconds(view.loaded),
        started_unix_seconds: unix_seconds(shared.since),
        uptime_seconds: shared.started.elapsed().as_secs_f64(),
    })
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

async fn config_dump(State(app): State<App>) -> impl IntoResponse {
    let (shared, view) = (&app.0, app.0.view.load_full());
    let in_force = match (&shared.source, &view.text) {
        (Source::File(file), Some(text)) => Some(InForce {
            file,
            text: Arc::clone(text),
            generation: view.generation,
            loaded: view.loaded,
        }),
        _ => None,
    };
    dump::config_dump(in_force, Settings::effective).await
}

impl App {
    fn served(&self, wanted: &Wanted) -> Vec<ServedJson> {
        let (view, pools) = (self.0.view.load(), self.0.pools.list());
        let pools = pools.iter().filter(|it| wanted.is(it.pool.name(), it.kind));
        let served = |it: &NamedPool| {
            let mut fronts = view.listeners.iter().map(|it| &it.front);
            let front =
                fronts.find(|front| front.kind() == it.kind && *front.name == **it.pool.name());
            let bytes = front.map(|front| front.series.bytes());
            ServedJson::of(PoolJson::of(it), bytes.unwrap_or_default())
        };
        pools.map(served).collect()
    }

    fn state(&self) -> &'static str {
        match self.0.context.is_draining() {
            false => "live",
            true => "draining",
        }
    }
}
