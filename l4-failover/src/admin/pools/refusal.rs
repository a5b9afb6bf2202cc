//! Why a request about pools comes to nothing.

use axum::Json;
use axum::extract::Query;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::admin::mistake;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalJson {
    /// The sentence.
    pub error: String,
    /// The names that are known, where one was not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<String>,
}

/// A query that may not be one.
pub(super) type Queried<T> = Result<Query<T>, QueryRejection>;

pub(super) fn query<T>(query: Queried<T>) -> Result<T, Refusal> {
    match query {
        Ok(Query(query)) => Ok(query),
        Err(rejection) => Err(Refusal::Malformed(mistake(&rejection))),
    }
}

/// Why a request comes to nothing; nothing has changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is no {} \"{name}\"; there are: {}", kind.as_deref().unwrap_or("pool"), list(known))]
    UnknownPool {
        name: String,
        /// The only kind that was asked about.
        kind: Option<String>,
        known: Vec<String>,
    },
    #[error(
        "there is no pool of the kind \"{kind}\"; the kinds are: {}",
        list(known)
    )]
    UnknownKind { kind: String, known: Vec<String> },
    #[error("there are several pools \"{name}\": choose one by its kind ({})", kinds.join(", "))]
    Ambiguous {
        name: String,
        kinds: Vec<&'static str>,
    },
    #[error("{pool} has no endpoint \"{name}\"; it has: {}", list(known))]
    UnknownEndpoint {
        pool: String,
        name: String,
        known: Vec<String>,
    },
    #[error("{pool}: {refusal}")]
    Command {
        pool: String,
        refusal: crate::choice::Refusal,
    },
    #[error("{0} listeners follow the events already, and no more may; end one of them")]
    TooManyListeners(usize),
    #[error("the body must be JSON, and say so: \"Content-Type: application/json\"")]
    NotJson,
    #[error("{0}")]
    Malformed(String),
    #[error("{}", _0.body_text())]
    Body(BytesRejection),
}

fn list(known: &[String]) -> String {
    match known {
        [] => "none".to_owned(),
        known => known.join(", "),
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::UnknownPool { .. } | Self::UnknownEndpoint { .. } => StatusCode::NOT_FOUND,
            Self::Ambiguous { .. } | Self::Command { .. } => StatusCode::CONFLICT,
            Self::TooManyListeners(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnknownKind { .. } | Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Body(rejection) => rejection.status(),
        }
    }

    fn known(&self) -> Vec<String> {
        match self {
            Self::UnknownPool { known, .. }
            | Self::UnknownKind { known, .. }
            | Self::UnknownEndpoint { known, .. } => known.clone(),
            Self::Ambiguous { kinds, .. } => kinds.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        }
    }
}

/// A refusal as it is answered.
pub type Refused = (StatusCode, Json<RefusalJson>);

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let json = RefusalJson {
            error: refusal.to_string(),
            known: refusal.known(),
        };
        (refusal.status(), Json(json))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        Refused::from(self).into_response()
    }
}
