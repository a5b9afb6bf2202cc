//! `/status`, `/routes`, `/listeners`, `/server_info`: JSON for operators and their tools.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;
use l4_failover::admin::pools::{NamedPool, PoolJson};
use serde::Serialize;

use super::Admin;
use crate::destination::Destination;
use crate::front::Face;
use crate::live;
use crate::route::{RouteKind, Rule};

pub(super) fn router() -> Router<Admin> {
    Router::new()
        .route("/status", get(status))
        .route("/routes", get(routes))
        .route("/listeners", get(listeners))
        .route("/server_info", get(server_info))
}

/// The whole at a glance.
#[derive(Serialize)]
struct Status {
    datacenter: String,
    state: &'static str,
    uptime_seconds: f64,
    connections: usize,
    connections_max: usize,
    services: Vec<DestinationStatus>,
    adoptions: Vec<DestinationStatus>,
    datacenters: Vec<DestinationStatus>,
}

#[derive(Serialize)]
struct DestinationStatus {
    connections: u64,
    from_client_bytes: u64,
    from_upstream_bytes: u64,
    #[serde(flatten)]
    pool: PoolJson,
}

async fn status(State(admin): State<Admin>) -> Json<Status> {
    let context = &admin.0.context;
    live::report(&context.live);
    let of = |kind: RouteKind| {
        let of_kind = admin.0.tables.destinations().filter(|to| to.kind == kind);
        let mut of_kind: Vec<_> = of_kind.map(|to| DestinationStatus::of(to)).collect();
        of_kind.sort_by(|one, other| one.pool.name.cmp(&other.pool.name));
        of_kind
    };
    Json(Status {
        datacenter: admin.0.info.datacenter.clone(),
        state: state(&admin),
        uptime_seconds: admin.0.started.elapsed().as_secs_f64(),
        connections: context.live.len(),
        connections_max: admin.0.info.connections_max,
        services: of(RouteKind::Service),
        adoptions: of(RouteKind::Adoption),
        datacenters: of(RouteKind::Datacenter),
    })
}

fn state(admin: &Admin) -> &'static str {
    match admin.0.context.is_stopping() {
        false => "live",
        true => "stopping",
    }
}

impl DestinationStatus {
    fn of(to: &Destination) -> Self {
        let pool = PoolJson::of(&NamedPool::new(to.pool.clone(), to.kind.as_str()));
        let (from_client_bytes, from_upstream_bytes) = to.series.bytes();
        let endpoints = pool.tiers.iter().flat_map(|tier| &tier.endpoints);
        Self {
            connections: endpoints.map(|it| it.connections).sum(),
            from_client_bytes,
            from_upstream_bytes,
            pool,
        }
    }
}

/// One rule of the route table.
#[derive(Serialize)]
struct RouteStatus {
    face: &'static str,
    rule: &'static str,
    name: String,
    kind: &'static str,
    route: String,
    endpoints: Vec<String>,
}

async fn routes(State(admin): State<Admin>) -> Json<Vec<RouteStatus>> {
    let rules = admin.0.tables.rules().into_iter();
    Json(
        rules
            .map(|(face, rule, to)| RouteStatus::of(face, rule, to))
            .collect(),
    )
}

impl RouteStatus {
    fn of(face: Face, rule: Rule<'_>, to: &Destination) -> Self {
        let kind = match rule {
            Rule::Exact(_) => "exact",
            Rule::Suffix(_) => "suffix",
            Rule::Default { .. } => "default",
        };
        Self {
            face: face.as_str(),
            rule: kind,
            name: rule.to_string(),
            kind: to.kind.as_str(),
            route: to.name.clone(),
            endpoints: to.endpoints(face),
        }
    }
}

#[derive(Serialize)]
struct ListenerStatus {
    name: String,
    address: SocketAddr,
}

async fn listeners(State(admin): State<Admin>) -> Json<Vec<ListenerStatus>> {
    let listeners = admin.0.info.listeners.iter().cloned();
    let status = |(name, address)| ListenerStatus { name, address };
    Json(listeners.map(status).collect())
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
    started_unix_seconds: u64,
    uptime_seconds: f64,
}

async fn server_info(State(admin): State<Admin>) -> Json<ServerInfo> {
    let info = &admin.0.info;
    Json(ServerInfo {
        program: "mesh-gateway",
        version: env!("CARGO_PKG_VERSION"),
        state: state(&admin),
        datacenter: info.datacenter.clone(),
        pid: std::process::id(),
        workers: info.workers,
        started_unix_seconds: unix_seconds(admin.0.since),
        uptime_seconds: admin.0.started.elapsed().as_secs_f64(),
    })
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
