//! What operators want of a pool.

use std::sync::Arc;

use axum::Json;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::order::{MaintenanceJson, Order};
use super::refusal::Refusal;
use super::{EventJson, NamedPool};
use crate::choice::{EndpointChange, State};
use crate::pool::{Done, Wish};
use crate::soupbin::bridge::ConsumerState;
use crate::{CommandError, Happened, Pool};

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommandJson {
    /// The pool's name.
    pub pool: String,
    /// What it serves.
    pub kind: String,
    /// The move; null if nothing had to move.
    pub moved: Option<EventJson>,
    /// What was done, in a sentence.
    pub message: String,
    /// What is left to worry about: a restart may forget what was done.
    pub warning: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Force {
    #[serde(default)]
    force: bool,
}

type Answer = Result<Json<CommandJson>, Refusal>;

pub(super) async fn failover(order: Order<IgnoredAny>) -> Answer {
    let named = order.named;
    let done = carry_out(Wish::Failover, &named).await?;
    let stays = match done.moved {
        Some(_) => "; it stays there until failback",
        None => "",
    };
    let message = format!("{}{stays}{}", went(&done, &named), led(&done, &named));
    Ok(answer(done, &named, &message))
}

pub(super) async fn failback(order: Order<Force>) -> Answer {
    let named = order.named;
    let force = order.force || order.body.unwrap_or_default().force;
    let done = carry_out(Wish::Failback { force }, &named).await?;
    let stays = match done.is_forced {
        true => "; it is not healthy, and stays active until it has been healthy once",
        false => "",
    };
    let message = format!("{}{stays}{}", went(&done, &named), led(&done, &named));
    Ok(answer(done, &named, &message))
}

pub(super) async fn maintenance(order: Order<MaintenanceJson>) -> Answer {
    let wanted = order.body.ok_or(Refusal::NotJson)?;
    let reason = match wanted.off {
        true => None,
        false => Some(wanted.given_reason()?),
    };
    maintain(&order.named, wanted.endpoint, reason).await
}

pub(super) async fn resume(order: Order<MaintenanceJson>) -> Answer {
    let wanted = order.body.ok_or(Refusal::NotJson)?;
    maintain(&order.named, wanted.endpoint, None).await
}

async fn maintain(named: &NamedPool, endpoint: String, reason: Option<String>) -> Answer {
    let wish = Wish::Maintenance {
        endpoint: endpoint.clone(),
        reason: reason.clone(),
    };
    // To its end as a whole, as what it consists of: no pool must be left without the others.
    let (all, name, why) = (named.clone(), endpoint.clone(), reason.clone());
    let wishes = async move {
        let done = carry_out(wish, &all).await?;
        Ok::<_, Refusal>((done, all.maintain_whole(&name, why.as_deref()).await))
    };
    let (done, whole) = match tokio::spawn(wishes).await {
        Ok(done) => done?,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    let what = became(done.endpoint, reason.as_deref());
    let also = match whole.is_empty() {
        true => String::new(),
        false => format!(", also for {}", whole.join(", ")),
    };
    let message = format!("{endpoint} {what}{also}; {}", went(&done, named));
    Ok(answer(done, named, &message))
}

/// What became of an endpoint that was to be in maintenance for this reason, or not to be.
fn became(change: Option<EndpointChange>, reason: Option<&str>) -> String {
    match (reason, change.map(|it| it.from)) {
        (Some(reason), None) => format!("was in maintenance already ({reason})"),
        (Some(reason), Some(State::Maintenance)) => {
            format!("was in maintenance already, and is now for another reason ({reason})")
        }
        (Some(reason), Some(_)) => format!("is in maintenance ({reason})"),
        (None, None) => "was not in maintenance".to_owned(),
        (None, Some(_)) => "is not in maintenance any more".to_owned(),
    }
}

/// Goes on to its end also if the client goes away: the state file must not be left behind what was
/// decided.
async fn carry_out(wish: Wish, named: &NamedPool) -> Result<Done, Refusal> {
    let pool = named.pool.clone();
    let done = match tokio::spawn(async move { pool.obey(wish).await }).await {
        Ok(done) => done,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    };
    let owner = || named.pool.name().to_string();
    match done {
        Ok(done) => Ok(done),
        Err(CommandError::NotKept(_)) => unreachable!("what is done is told, kept or not"),
        Err(CommandError::Refused(refusal)) => Err(Refusal::Command {
            pool: owner(),
            refusal,
        }),
        Err(CommandError::UnknownEndpoint { name, .. }) => Err(Refusal::UnknownEndpoint {
            pool: owner(),
            name,
            known: named
                .pool
                .endpoints()
                .iter()
                .map(ToString::to_string)
                .collect(),
        }),
    }
}

/// What moved, or who is active all the same.
fn went(done: &Done, named: &NamedPool) -> String {
    match done.moved.as_ref().map(|event| &event.what) {
        Some(Happened::Moved { from, to, .. }) => format!("moved from {from} to {to}"),
        _ => format!("nothing had to move, {} is active", active(&named.pool)),
    }
}

/// What becomes of a feed's consumers that are on other lines though the pool itself has nowhere to
/// move: an order is meant for them, too.
fn led(done: &Done, named: &NamedPool) -> String {
    let (None, Some(feed)) = (&done.moved, &named.feed) else {
        return String::new();
    };
    let active = active_names(&named.pool);
    let states = feed.consumers().into_iter().map(|it| it.state());
    let is_elsewhere = |state: &ConsumerState| {
        let line = state.joined();
        line.is_some_and(|line| !active.contains(&line.endpoint))
    };
    match states.filter(is_elsewhere).count() {
        0 => String::new(),
        1 => "; 1 consumer is on another line, and is led there".to_owned(),
        count => format!("; {count} consumers are on other lines, and are led there"),
    }
}

fn answer(done: Done, named: &NamedPool, message: &str) -> Json<CommandJson> {
    let name = named.pool.name();
    let moved = done.moved.as_ref();
    Json(CommandJson {
        pool: name.to_string(),
        kind: named.kind.to_owned(),
        moved: moved.map(|event| EventJson::of(event, named.kind)),
        message: format!("{name}: {message}"),
        warning: done
            .kept
            .err()
            .map(|error| CommandError::NotKept(error).to_string()),
    })
}

fn active(pool: &Pool) -> String {
    active_names(pool).join(", ")
}

fn active_names(pool: &Pool) -> Vec<Arc<str>> {
    let status = pool.status();
    let tier = status.tiers.get(status.active);
    let endpoints = tier.iter().flat_map(|tier| &tier.endpoints);
    endpoints.map(|it| Arc::clone(&it.name)).collect()
}
