//! `/health/*`: for load balancers and supervisors.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use l4_failover::EndpointStatus;

use crate::app::App;
use crate::destination::Destination;
use crate::route::RouteKind;

pub(super) fn router() -> Router<App> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/service/{name}", get(service))
}

async fn live() -> &'static str {
    "live\n"
}

/// Bound, loaded and not draining; never an upstream's health.
async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    match app.context().is_stopping() {
        false => (StatusCode::OK, "ready\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}

/// Whether a service of this data centre has a healthy endpoint.
async fn service(State(app): State<App>, Path(name): Path<String>) -> (StatusCode, String) {
    let view = app.view();
    let routes = &view.tables.clients;
    let is_asked = |to: &&Destination| to.kind == RouteKind::Service && to.name == name;
    let service = routes.rules().map(|(_, to)| &**to).find(is_asked);
    let Some(service) = service else {
        return (
            StatusCode::NOT_FOUND,
            "no such service is configured\n".to_owned(),
        );
    };
    match service.pool.is_healthy() {
        true => (StatusCode::OK, "healthy\n".to_owned()),
        false => (StatusCode::SERVICE_UNAVAILABLE, why_not(service)),
    }
}

/// A line for each endpoint, none of which is healthy.
fn why_not(service: &Destination) -> String {
    let line = |it: &EndpointStatus| {
        let check = it.last_check.as_ref();
        let check = check.and_then(|check| check.result.as_ref().err());
        let reason = it.maintenance.as_ref().or(check);
        let reason = reason.or(it.last_failure.as_ref());
        let reason = reason.map(|reason| format!(": {reason}"));
        format!(
            "{} {}{}\n",
            it.name,
            it.state.as_str(),
            reason.unwrap_or_default()
        )
    };
    service.pool.status().endpoints().map(line).collect()
}
