//! `/status`, `/routes`, `/listeners`, `/server_info`: JSON for operators and their tools.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::response::Json;
use axum::routing::get;
use l4_failover::Endpoint;
use serde::Serialize;

use super::Admin;
use crate::destination::Destination;
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
    datacenters: Vec<DestinationStatus>,
}

#[derive(Serialize)]
struct DestinationStatus {
    name: String,
    connections: u64,
    from_client_bytes: u64,
    from_upstream_bytes: u64,
    endpoints: Vec<EndpointStatus>,
}

#[derive(Serialize)]
struct EndpointStatus {
    endpoint: String,
    addresses: Vec<SocketAddr>,
    connections: u64,
    connects: u64,
    failures: u64,
    last_failure: Option<String>,
}

async fn status(State(admin): State<Admin>) -> Json<Status> {
    let context = &admin.0.context;
    live::report(&context.live);
    // By name: a destination has as many rules as there are forms of its name.
    let mut destinations = BTreeMap::new();
    for (_, to) in context.routes.rules() {
        destinations.insert((to.kind.as_str(), to.name.as_str()), &**to);
    }
    let of = |kind: RouteKind| {
        let of_kind = destinations.values().filter(|to| to.kind == kind);
        of_kind.map(|to| DestinationStatus::of(to)).collect()
    };
    Json(Status {
        datacenter: admin.0.info.datacenter.clone(),
        state: state(&admin),
        uptime_seconds: admin.0.started.elapsed().as_secs_f64(),
        connections: context.live.len(),
        connections_max: admin.0.info.connections_max,
        services: of(RouteKind::Service),
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
        let endpoints = to.pool.endpoints();
        let (from_client_bytes, from_upstream_bytes) = to.series.bytes();
        Self {
            name: to.name.clone(),
            connections: endpoints.iter().map(|it| it.active()).sum(),
            from_client_bytes,
            from_upstream_bytes,
            endpoints: endpoints.iter().map(|it| EndpointStatus::of(it)).collect(),
        }
    }
}

impl EndpointStatus {
    fn of(endpoint: &Endpoint) -> Self {
        let addresses = endpoint.addresses();
        Self {
            endpoint: endpoint.name().to_string(),
            addresses: addresses.map_or_else(|_| Vec::new(), |found| found.to_vec()),
            connections: endpoint.active(),
            connects: endpoint.connects(),
            failures: endpoint.failures(),
            last_failure: endpoint.last_failure().map(|why| why.to_string()),
        }
    }
}

/// One rule of the route table.
#[derive(Serialize)]
struct RouteStatus {
    rule: &'static str,
    name: String,
    kind: &'static str,
    route: String,
    endpoints: Vec<String>,
}

async fn routes(State(admin): State<Admin>) -> Json<Vec<RouteStatus>> {
    let mut rules: Vec<_> = admin.0.context.routes.rules().collect();
    rules.sort_by_key(|(rule, _)| *rule);
    Json(
        rules
            .into_iter()
            .map(|(rule, to)| RouteStatus::of(rule, to))
            .collect(),
    )
}

impl RouteStatus {
    fn of(rule: Rule<'_>, to: &Destination) -> Self {
        let kind = match rule {
            Rule::Exact(_) => "exact",
            Rule::Suffix(_) => "suffix",
            Rule::Default { .. } => "default",
        };
        let endpoints = to.pool.endpoints();
        Self {
            rule: kind,
            name: rule.to_string(),
            kind: to.kind.as_str(),
            route: to.name.clone(),
            endpoints: endpoints.iter().map(|it| it.name().to_string()).collect(),
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
