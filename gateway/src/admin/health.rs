//! `/health/*`: for load balancers and supervisors.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;

use super::Admin;
use crate::destination::Destination;
use crate::route::RouteKind;

pub(super) fn router() -> Router<Admin> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/service/{name}", get(service))
}

async fn live() -> &'static str {
    "live\n"
}

/// Bound, loaded and not stopping; never an upstream's health.
async fn ready(State(admin): State<Admin>) -> (StatusCode, &'static str) {
    match admin.0.context.is_stopping() {
        false => (StatusCode::OK, "ready\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
    }
}

/// Whether a service of this data centre can be reached: an endpoint is connected to, at most
/// once a second for each service, and the connection is closed again.
async fn service(State(admin): State<Admin>, Path(name): Path<String>) -> (StatusCode, String) {
    let context = &admin.0.context;
    let is_asked = |to: &&Destination| to.kind == RouteKind::Service && to.name == name;
    let service = context.routes.rules().map(|(_, to)| &**to).find(is_asked);
    let Some(service) = service else {
        return (
            StatusCode::NOT_FOUND,
            "no such service is configured\n".to_owned(),
        );
    };
    match service.pool.check(&context.dial, FRESH).await {
        Ok(()) => (StatusCode::OK, "reachable\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

/// An answer younger than this is given again.
const FRESH: Duration = Duration::from_secs(1);
