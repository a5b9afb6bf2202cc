//! `/config_dump`: the configuration that is in force.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use axum::http::StatusCode;
use axum::response::Json;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::pools::rfc3339;
use crate::config::Effective;

/// What is in force, and since when.
#[derive(Debug, Serialize)]
pub struct ConfigDump {
    generation: u64,
    loaded: String,
    file: String,
    config: Effective,
}

/// A file as it was when it was read.
#[derive(Clone, Debug)]
pub struct InForce<'f> {
    /// Where it was read.
    pub file: &'f Path,
    /// What it said.
    pub text: Arc<str>,
    /// How often it was read again.
    pub generation: u64,
    /// When it was read last.
    pub loaded: SystemTime,
}

/// Answers with all that is in force, which `effective` reads from the text.
///
/// # Errors
///
/// That there is no file, or that it cannot be shown.
pub async fn config_dump(
    in_force: Option<InForce<'_>>,
    effective: fn(&str) -> Effective,
) -> Result<Json<ConfigDump>, (StatusCode, &'static str)> {
    let no_file = (StatusCode::NOT_FOUND, "it was not read from a file\n");
    let broken = (StatusCode::INTERNAL_SERVER_ERROR, "it cannot be shown\n");
    let InForce {
        file,
        text,
        generation,
        loaded,
    } = in_force.ok_or(no_file)?;
    // Read again rather than kept: what is in force of ten thousand services is large.
    let config = spawn_blocking(move || effective(&text)).await;
    Ok(Json(ConfigDump {
        generation,
        loaded: rfc3339(loaded),
        file: file.display().to_string(),
        config: config.map_err(|_| broken)?,
    }))
}
