//! `/connections`: the open connections, the oldest first, and the end of one of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{delete, get, post};
use axum::{Router, extract::rejection::QueryRejection};
use serde::{Deserialize, Serialize};

use super::mistake;
use super::pools::{RefusalJson, rfc3339};
use crate::socket::live::{ConnectionId, Entry};
use crate::socket::workers::Serve;

/// How many are shown if nothing else is said, and at most.
const SHOWN: usize = 100;
const SHOWN_MAX: usize = 10_000;

/// Some of the open connections.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionsJson {
    /// The oldest ones, the oldest first.
    pub connections: Vec<ConnectionJson>,
    /// How many others are open.
    pub left_out: usize,
}

/// An open connection. What does not apply, or is not known yet, is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConnectionJson {
    /// Its id, as in the log.
    pub id: String,
    /// The configured name of the listener, port or inbound.
    pub listener: String,
    /// The client's address and port.
    pub client: String,
    /// The server name as sent, escaped as in the log.
    pub sni: Option<String>,
    /// What it was led to: the configured name.
    pub route: Option<String>,
    /// What that is: `port`, `inbound`, `service`, `adoption`, `datacenter`.
    pub kind: Option<String>,
    /// The endpoint as configured.
    pub endpoint: Option<String>,
    /// The username of a consumer that shares a login with others; of others there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How far it has come.
    pub phase: String,
    /// When it was accepted.
    pub since: String,
    /// How long ago that was.
    pub seconds: f64,
    /// Bytes read from the client so far.
    pub from_client_bytes: u64,
    /// Bytes read from the endpoint so far.
    pub from_upstream_bytes: u64,
}

/// What only the program knows of an open connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// See [`ConnectionJson`]; the same for the others.
    pub listener: String,
    /// Where another than the socket's peer is the client.
    pub client: Option<String>,
    /// The server name, escaped.
    pub sni: Option<String>,
    /// What it was led to.
    pub route: Option<String>,
    /// What that is.
    pub kind: Option<&'static str>,
}

/// The connections of `service`, of each of which the program says what it knows.
pub fn router<S: Serve>(service: Arc<S>, about: fn(&Entry<S::Entry>) -> About) -> Router {
    Router::new()
        .route("/connections", get(show::<S>))
        .route("/connections/{id}", delete(end::<S>))
        .route("/connections/{id}/end", post(end::<S>))
        .with_state(Shared { service, about })
}

struct Shared<S: Serve> {
    service: Arc<S>,
    about: fn(&Entry<S::Entry>) -> About,
}

impl<S: Serve> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self {
            service: Arc::clone(&self.service),
            about: self.about,
        }
    }
}

#[derive(Deserialize)]
struct Limit {
    /// As it was written: what is wrong with it is said in our words.
    limit: Option<String>,
}

impl Limit {
    fn shown(self) -> Result<usize, String> {
        let Some(limit) = self.limit else {
            return Ok(SHOWN);
        };
        let shown = limit.parse::<usize>();
        shown.map(|shown| shown.min(SHOWN_MAX)).map_err(|_| {
            format!("limit: {limit:?} is not how many to show, a number; at most {SHOWN_MAX} are")
        })
    }
}

async fn show<S: Serve>(
    State(shared): State<Shared<S>>,
    wanted: Result<Query<Limit>, QueryRejection>,
) -> Result<Json<ConnectionsJson>, Response> {
    let wanted = wanted.map_err(|rejection| mistake(&rejection));
    let limit = wanted.and_then(|Query(limit)| limit.shown());
    let limit = limit.map_err(|mistake| refusal(StatusCode::BAD_REQUEST, mistake))?;
    let live = shared.service.live();
    // Ids ascend with time; no more than are wanted are held at once.
    let (mut oldest, mut seen) = (BTreeMap::new(), 0);
    live.for_each(|entry| {
        seen += 1;
        oldest.insert(entry.id, Arc::clone(entry));
        if oldest.len() > limit {
            oldest.pop_last();
        }
    });
    let connections = oldest.values();
    let connections: Vec<_> = connections.map(|it| shared.json(it)).collect();
    Ok(Json(ConnectionsJson {
        left_out: seen - connections.len(),
        connections,
    }))
}

impl<S: Serve> Shared<S> {
    fn json(&self, entry: &Entry<S::Entry>) -> ConnectionJson {
        let (about, open) = ((self.about)(entry), entry.opened.elapsed());
        let stage = entry.stage();
        ConnectionJson {
            id: entry.id.to_string(),
            listener: about.listener,
            client: about.client.unwrap_or_else(|| entry.client.to_string()),
            sni: about.sni,
            route: about.route,
            kind: about.kind.map(str::to_owned),
            endpoint: stage.endpoint.map(|endpoint| endpoint.to_string()),
            user: stage.user.map(|user| user.to_string()),
            phase: stage.phase.to_owned(),
            since: rfc3339(SystemTime::now() - open),
            seconds: open.as_secs_f64(),
            from_client_bytes: entry.tally.from_client(),
            from_upstream_bytes: entry.tally.from_upstream(),
        }
    }
}

/// What came of it.
#[derive(Serialize)]
struct Done {
    message: String,
}

async fn end<S: Serve>(
    State(shared): State<Shared<S>>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let parsed: Result<ConnectionId, _> = id.parse();
    let found = parsed.ok().and_then(|id| shared.service.live().find(id));
    let entry = found.ok_or_else(|| {
        let sentence = format!("no connection {id:?} is open; /connections shows which are");
        refusal(StatusCode::NOT_FOUND, sentence)
    })?;
    entry.end();
    let message = format!("connection {id} from {} is reset", entry.client);
    Ok((StatusCode::ACCEPTED, Json(Done { message })).into_response())
}

fn refusal(status: StatusCode, error: String) -> Response {
    let known = Vec::new();
    (status, Json(RefusalJson { error, known })).into_response()
}
