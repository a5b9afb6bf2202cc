//! What happens to pools, as it happens: server-sent events.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream::{Stream, StreamExt, unfold};
use tokio::sync::OwnedSemaphorePermit;

use super::refusal::{Queried, Refusal, query};
use super::table::{Listener, Wanted};
use super::{EventJson, Shared};
use crate::admin::Stopping;

/// Whoever has the head of the answer hears everything from then on.
pub(super) async fn events(
    State(shared): State<Shared>,
    wanted: Queried<Wanted>,
    stopping: Option<Extension<Stopping>>,
) -> Result<Response, Refusal> {
    let wanted = query(wanted)?;
    shared.pools.wanted(&wanted)?;
    let place = Arc::clone(&shared.listeners)
        .try_acquire_owned()
        .map_err(|_| Refusal::TooManyListeners(shared.listeners_max))?;
    let listener = shared.pools.listen(wanted);
    let events = stream(listener, place).take_until(async {
        match stopping {
            Some(Extension(stopping)) => stopping.wait().await,
            None => std::future::pending().await,
        }
    });
    let keep_alive = KeepAlive::new().interval(shared.keep_alive);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

/// The place is free again when the stream is dropped.
fn stream(
    listener: Listener,
    place: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold((listener, place), async |(mut listener, place)| {
        let event = listener.next().await?;
        Some((Ok(framed(&event)), (listener, place)))
    })
}

/// Without a name of its own, so that a browser's `onmessage` hears all.
fn framed(event: &EventJson) -> Event {
    let event = serde_json::to_string(event).expect("strings and numbers have a form in JSON");
    Event::default().data(event)
}
