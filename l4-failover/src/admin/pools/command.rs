//! What operators want of a pool.

use axum::Json;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::order::{MaintenanceJson, Order};
use super::refusal::Refusal;
use super::{EventJson, NamedPool};
use crate::{CommandError, Happened, Pool, PoolEvent};

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
    let done = Wish::Failover.carry_out(&named).await?;
    let stays = match done.moved {
        Some(_) => "; it stays there until failback",
        None => "",
    };
    Ok(done.answer(&named, &format!("{}{stays}", done.went(&named))))
}

pub(super) async fn failback(order: Order<Force>) -> Answer {
    let named = order.named;
    let force = order.force || order.body.unwrap_or_default().force;
    let done = Wish::Failback { force }.carry_out(&named).await?;
    let stays = match named.pool.status().is_forced {
        true => "; it is not healthy, and stays active until it has been healthy once",
        false => "",
    };
    Ok(done.answer(&named, &format!("{}{stays}", done.went(&named))))
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
    let what = match &reason {
        Some(reason) => format!("{endpoint} is in maintenance ({reason})"),
        None => format!("{endpoint} is not in maintenance any more"),
    };
    let wish = Wish::Maintenance { endpoint, reason };
    let done = wish.carry_out(named).await?;
    Ok(done.answer(named, &format!("{what}; {}", done.went(named))))
}

/// What an operator wants.
enum Wish {
    Failover,
    Failback {
        force: bool,
    },
    Maintenance {
        endpoint: String,
        reason: Option<String>,
    },
}

impl Wish {
    /// Goes on to its end also if the client goes away: the state file must not be left behind
    /// what was decided.
    async fn carry_out(self, named: &NamedPool) -> Result<Done, Refusal> {
        let pool = named.pool.clone();
        let before = pool.status().last_move;
        let result = match tokio::spawn(async move { self.ask(&pool).await }).await {
            Ok(result) => result,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let moved = || {
            named
                .pool
                .status()
                .last_move
                .filter(|it| Some(it) != before.as_ref())
        };
        Done::from_result(result, &named.pool, moved)
    }

    async fn ask(self, pool: &Pool) -> Result<Option<PoolEvent>, CommandError> {
        match self {
            Self::Failover => pool.failover().await,
            Self::Failback { force } => pool.failback(force).await,
            Self::Maintenance { endpoint, reason } => {
                pool.maintenance(&endpoint, reason.as_deref()).await
            }
        }
    }
}

/// A command that was carried out.
struct Done {
    moved: Option<PoolEvent>,
    warning: Option<String>,
}

impl Done {
    fn from_result(
        result: Result<Option<PoolEvent>, CommandError>,
        pool: &Pool,
        moved: impl FnOnce() -> Option<PoolEvent>,
    ) -> Result<Self, Refusal> {
        let owner = || pool.name().to_string();
        match result {
            Ok(moved) => Ok(Self {
                moved,
                warning: None,
            }),
            Err(error @ CommandError::NotKept(_)) => Ok(Self {
                moved: moved(),
                warning: Some(error.to_string()),
            }),
            Err(CommandError::Refused(refusal)) => Err(Refusal::Command {
                pool: owner(),
                refusal,
            }),
            Err(CommandError::UnknownEndpoint { name, .. }) => Err(Refusal::UnknownEndpoint {
                pool: owner(),
                name,
                known: pool.endpoints().iter().map(ToString::to_string).collect(),
            }),
        }
    }

    /// What moved, or who is active all the same.
    fn went(&self, named: &NamedPool) -> String {
        match self.moved.as_ref().map(|event| &event.what) {
            Some(Happened::Moved { from, to, .. }) => format!("moved from {from} to {to}"),
            _ => format!("nothing had to move, {} is active", active(&named.pool)),
        }
    }

    fn answer(&self, named: &NamedPool, message: &str) -> Json<CommandJson> {
        let name = named.pool.name();
        let moved = self.moved.as_ref();
        Json(CommandJson {
            pool: name.to_string(),
            kind: named.kind.to_owned(),
            moved: moved.map(|event| EventJson::of(event, named.kind)),
            message: format!("{name}: {message}"),
            warning: self.warning.clone(),
        })
    }
}

fn active(pool: &Pool) -> String {
    let status = pool.status();
    let tier = status.tiers.get(status.active);
    let names = tier.iter().flat_map(|tier| &tier.endpoints);
    names.map(|it| &*it.name).collect::<Vec<_>>().join(", ")
}
