//! `/config_dump`: the configuration that is in force.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use l4_failover::admin::dump::{self, InForce};

use crate::app::App;
use crate::config::Config;

pub(super) fn router() -> Router<App> {
    Router::new().route("/config_dump", get(config_dump))
}

async fn config_dump(State(app): State<App>) -> impl IntoResponse {
    let view = app.view();
    let in_force = view.source.as_ref().map(|source| InForce {
        file: &source.file,
        text: Arc::clone(&source.text),
        generation: view.generation,
        loaded: view.loaded,
    });
    dump::config_dump(in_force, Config::effective).await
}
