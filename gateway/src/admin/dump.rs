//! `/config_dump`: the configuration that is in force.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::get;
use l4_failover::admin::pools::rfc3339;
use l4_failover::config::Effective;
use serde::Serialize;
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::config::Config;

pub(super) fn router() -> Router<App> {
    Router::new().route("/config_dump", get(config_dump))
}

/// What is in force, and since when.
#[derive(Serialize)]
struct ConfigDump {
    generation: u64,
    loaded: String,
    file: String,
    config: Effective,
}

async fn config_dump(
    State(app): State<App>,
) -> Result<Json<ConfigDump>, (StatusCode, &'static str)> {
    let view = app.view();
    let source = view.source.clone();
    let source = source.ok_or((StatusCode::NOT_FOUND, "it was not read from a file\n"))?;
    let file = source.file.display().to_string();
    // Read again rather than kept: what is in force of ten thousand services is large.
    let config = spawn_blocking(move || Config::effective(&source.text)).await;
    let broken = (StatusCode::INTERNAL_SERVER_ERROR, "it cannot be shown\n");
    Ok(Json(ConfigDump {
        generation: view.generation,
        loaded: rfc3339(view.loaded),
        file,
        config: config.map_err(|_| broken)?,
    }))
}
