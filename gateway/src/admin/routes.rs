//! `/routes`: where names lead, and why one leads there.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use l4_failover::admin::mistake;
use l4_failover::admin::pools::RefusalJson;
use serde::{Deserialize, Serialize};

use crate::app::{App, View};
use crate::destination::Destination;
use crate::explain::{ExplanationJson, Ground, Question, explain};
use crate::front::Face;
use crate::route::Rule;

pub(super) fn router() -> Router<App> {
    Router::new().route("/routes", get(routes))
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

/// All rules, or, of a name, what they say.
async fn routes(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Response> {
    let asked = asked.map_err(|rejection| mistaken(mistake(&rejection)))?;
    let is_wanted = asked.0.faces();
    let question = asked.0.question().map_err(mistaken)?;
    let view = app.view();
    Ok(match question {
        Some(question) => Json(explained(&view, &question)).into_response(),
        None => {
            let rules = view.tables.rules().into_iter();
            let rules = rules.filter(|(face, _, _)| is_wanted(*face));
            let rules = rules.map(|(face, rule, to)| RouteStatus::of(face, rule, to));
            Json(rules.collect::<Vec<_>>()).into_response()
        }
    })
}

fn mistaken(error: String) -> Response {
    let known = Vec::new();
    (StatusCode::BAD_REQUEST, Json(RefusalJson { error, known })).into_response()
}

/// What is asked of a name, as it is written: what is wrong with it is said in our words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    name: Option<String>,
    #[serde(default)]
    nameless: bool,
    from: Option<String>,
    #[serde(default)]
    peer: bool,
}

const BOTH: &str =
    "name and nameless: a hello has a server name or it has none; ask for one of them";
const NOTHING: &str = "from says who asks, and nothing says for what: add name, or nameless=true";

impl Asked {
    /// Whose rules are listed: with `peer` those for gateways of other data centres.
    fn faces(&self) -> impl Fn(Face) -> bool + use<> {
        let only_peers = self.peer;
        move |face| !only_peers || face == Face::Peers
    }

    fn question(self) -> Result<Option<Question>, String> {
        let from = self.from.map(|from| {
            let parsed = from.parse();
            parsed.map_err(|_| format!("from: {from:?} is no address"))
        });
        let from = from.transpose()?;
        match (&self.name, self.nameless, from) {
            (Some(_), true, _) => return Err(BOTH.to_owned()),
            (None, false, Some(_)) => return Err(NOTHING.to_owned()),
            (None, false, None) => return Ok(None),
            _ => {}
        }
        Ok(Some(Question {
            name: self.name.map(String::into_bytes),
            from,
            face: match self.peer {
                true => Face::Peers,
                false => Face::Clients,
            },
        }))
    }
}

fn explained(view: &View, question: &Question) -> ExplanationJson {
    let fronts = view.fronts.iter().map(|it| (it, it.front()));
    let listeners = fronts.map(|(it, front)| (it.name.clone(), it.face, front.access.clone()));
    let doors = view.fronts.first().map(|it| Arc::clone(&it.front().doors));
    explain(
        &Ground {
            here: &view.datacenter,
            patterns: &view.patterns,
            tables: &view.tables,
            doors: &doors.unwrap_or_default(),
            listeners: listeners.collect(),
            is_running: true,
        },
        question,
    )
}

impl RouteStatus {
    fn of(face: Face, rule: Rule<'_>, to: &Destination) -> Self {
        Self {
            face: face.as_str(),
            rule: rule.kind().as_str(),
            name: rule.to_string(),
            kind: to.kind.as_str(),
            route: to.name.clone(),
            endpoints: to.endpoints(face),
        }
    }
}
