//! `/tap`: connections as they open and close, as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use axum::{Extension, Router};
use futures_util::stream::{Stream, StreamExt, unfold};
use l4_failover::admin::pools::RefusalJson;
use l4_failover::admin::{Stopping, mistake};

use crate::app::App;
use crate::tap::{Asked, Seen, SightingJson, WATCHERS_MAX, Wanted, Watch};

/// A stream on which nothing happens shows after this time that it is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) fn router() -> Router<App> {
    Router::new().route("/tap", get(tap))
}

/// Whoever has the head of the answer sees everything from then on.
async fn tap(
    State(app): State<App>,
    asked: Result<Query<Asked>, QueryRejection>,
    Extension(stopping): Extension<Stopping>,
) -> Result<Response, Response> {
    let mistaken = |sentence: String| refusal(StatusCode::BAD_REQUEST, sentence);
    let Query(asked) = asked.map_err(|rejection| mistaken(mistake(&rejection)))?;
    let wanted = asked
        .wanted()
        .map_err(|mistake| mistaken(mistake.to_string()))?;
    let watch = app.context().tap.watch().ok_or_else(|| {
        let sentence = format!(
            "{WATCHERS_MAX} watch the connections already, and no more may; end one of them"
        );
        refusal(StatusCode::SERVICE_UNAVAILABLE, sentence)
    })?;
    let events = events(watch, wanted).take_until(async move { stopping.wait().await });
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

fn refusal(status: StatusCode, error: String) -> Response {
    let known = Vec::new();
    (status, Json(RefusalJson { error, known })).into_response()
}

/// What `watch` sees of what is `wanted`, and how much it was too slow for.
fn events(watch: Watch, wanted: Wanted) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((watch, wanted), async |(mut watch, wanted)| {
        loop {
            let seen = watch.next().await;
            if let Seen::Sighting(it) = &seen
                && !wanted.has(it)
            {
                continue;
            }
            return Some((Ok(framed(&seen)), (watch, wanted)));
        }
    })
}

/// Without a name of its own, so that a browser's `onmessage` hears all.
fn framed(seen: &Seen) -> Event {
    let json = serde_json::to_string(&SightingJson::of(seen));
    Event::default().data(json.expect("strings and numbers have a form in JSON"))
}
