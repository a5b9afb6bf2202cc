//! `/status`, `/listeners`, `/server_info`: JSON for operators and their tools.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::Json;
use axum::routing::get;
use l4_failover::admin::pools::{EventJson, NamedPool, PoolJson, Refused, ServedJson, Wanted};
use serde::Serialize;

use crate::app::App;
use crate::destination::Destination;
use crate::live;
use crate::route::RouteKind;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/status", get(status))
        .route("/listeners", get(listeners))
        .route("/server_info", get(server_info))
}

/// The whole at a glance.
#[derive(Serialize)]
struct Status {
    datacenter: String,
    state: &'static str,
    generation: u64,
    uptime_seconds: f64,
    connections: usize,
    connections_max: usize,
    connections_accepted: u64,
    services: Vec<ServedJson>,
    adoptions: Vec<ServedJson>,
    datacenters: Vec<ServedJson>,
    recent: Vec<EventJson>,
}

async fn status(
    State(app): State<App>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Status>, Refused> {
    let wanted = Wanted::of(app.pools(), wanted)?;
    let (context, view) = (app.context(), app.view());
    live::report(&context.live);
    let of = |kind: RouteKind| {
        let of_kind = view.tables.destinations().filter(|to| to.kind == kind);
        let of_kind = of_kind.filter(|to| wanted.is(&to.name, kind.as_str()));
        let mut of_kind: Vec<_> = of_kind.map(|to| served(to)).collect();
        of_kind.sort_by(|one, other| one.pool.name.cmp(&other.pool.name));
        of_kind
    };
    Ok(Json(Status {
        datacenter: view.datacenter.clone(),
        state: state(&app),
        generation: view.generation,
        uptime_seconds: app.uptime().as_secs_f64(),
        connections: context.live.len(),
        connections_max: app.connections_max(),
        connections_accepted: view.fronts.iter().map(|it| it.accepted.get()).sum(),
        services: of(RouteKind::Service),
        adoptions: of(RouteKind::Adoption),
        datacenters: of(RouteKind::Datacenter),
        recent: app.pools().recent(&wanted),
    }))
}

fn served(to: &Destination) -> ServedJson {
    let pool = PoolJson::of(&NamedPool::new(to.pool.clone(), to.kind.as_str()));
    ServedJson::of(pool, to.series.bytes())
}

fn state(app: &App) -> &'static str {
    match app.context().is_stopping() {
        false => "live",
        true => "draining",
    }
}

#[derive(Serialize)]
struct ListenerStatus {
    name: String,
    address: SocketAddr,
}

async fn listeners(State(app): State<App>) -> Json<Vec<ListenerStatus>> {
    let view = app.view();
    let status = |(name, address): &(Arc<str>, SocketAddr)| ListenerStatus {
        name: name.to_string(),
        address: *address,
    };
    Json(view.listeners.iter().map(status).collect())
}

/// What runs, and since when.
#[derive(Serialize)]
struct ServerInfo {
    program: &'static str,
    version: &'static str,
    state: &'static str,
    datacenter: String,
    pid: u32,
    workers: usize,
    generation: u64,
    loaded_unix_seconds: u64,
    started_unix_seconds: u64,
    uptime_seconds: f64,
}

async fn server_info(State(app): State<App>) -> Json<ServerInfo> {
    let view = app.view();
    Json(ServerInfo {
        program: "mesh-gateway",
        version: env!("CARGO_PKG_VERSION"),
        state: state(&app),
        datacenter: view.datacenter.clone(),
        pid: std::process::id(),
        workers: app.workers(),
        generation: view.generation,
        loaded_unix_seconds: unix_seconds(view.loaded),
        started_unix_seconds: unix_seconds(app.since()),
        uptime_seconds: app.uptime().as_secs_f64(),
    })
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
