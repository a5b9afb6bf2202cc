//! `/reload` and `/drain`, which every program answers alike.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Json;
use axum::routing::post;
use serde::Serialize;

use super::pools::RefusalJson;
use crate::life::Process;

/// What came of a command, in a sentence.
#[derive(Serialize)]
struct Done {
    message: String,
    generation: u64,
}

/// What operators may ask of the whole of `process`.
pub fn router<P: Process>(process: P) -> Router {
    Router::new()
        .route("/reload", post(reload::<P>))
        .route("/drain", post(drain::<P>))
        .with_state(process)
}

async fn reload<P: Process>(
    State(process): State<P>,
) -> Result<Json<Done>, (StatusCode, Json<RefusalJson>)> {
    match process.reload().await {
        Ok(reloaded) => Ok(Json(Done {
            message: "the configuration was reloaded".to_owned(),
            generation: reloaded.generation,
        })),
        Err(error) => {
            let refused = RefusalJson {
                error: error.sentence(),
                known: Vec::new(),
            };
            Err((StatusCode::CONFLICT, Json(refused)))
        }
    }
}

async fn drain<P: Process>(State(process): State<P>) -> (StatusCode, Json<Done>) {
    process.drain();
    let done = Done {
        message: format!("draining; {} sessions are open", process.sessions()),
        generation: process.generation(),
    };
    (StatusCode::ACCEPTED, Json(done))
}
