//! The form of a state file.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::Remembered;
use crate::choice::{Cause, Memory, MoveKind, Out};
use crate::pool::event::{Happened, PoolEvent, TierName};

/// The whole file. What older versions did not write may be absent.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Content {
    /// The endpoints of the active tier.
    active: Vec<String>,
    /// Whether an operator's failover holds.
    held: bool,
    /// Whether an operator's failback onto an unhealthy primary holds.
    #[serde(default)]
    forced: bool,
    maintenance: Vec<Maintenance>,
    /// How the active tier became what it is.
    #[serde(default)]
    last_move: Option<LastMove>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Maintenance {
    endpoint: String,
    reason: String,
    #[serde(default)]
    since: Option<String>,
}

/// Words and times as `/events` has them.
#[derive(Debug, Serialize, Deserialize)]
struct LastMove {
    time: String,
    event: String,
    cause: String,
    from: Tier,
    to: Tier,
    since_last_seconds: f64,
    reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Tier {
    tier: usize,
    endpoints: Vec<String>,
}

/// One moment by both clocks: the process counts in one, the file in the other.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) now: Instant,
    pub(super) time: SystemTime,
}

impl Moment {
    fn time_of(self, at: Instant) -> SystemTime {
        let ago = self.now.saturating_duration_since(at);
        self.time.checked_sub(ago).unwrap_or(self.time)
    }

    /// None if the process cannot count so far back.
    fn instant_of(self, at: SystemTime) -> Option<Instant> {
        // The clock may have been set back since.
        let ago = self.time.duration_since(at).unwrap_or_default();
        self.now.checked_sub(ago)
    }
}

impl Content {
    pub(super) fn of(remembered: &Remembered, moment: Moment) -> Self {
        let memory = &remembered.memory;
        let out = |out: &Out| Maintenance {
            endpoint: out.endpoint.clone(),
            reason: out.reason.clone(),
            since: out.since.map(|at| written(moment.time_of(at))),
        };
        Self {
            active: memory.active.clone(),
            held: memory.is_held,
            forced: memory.is_forced,
            maintenance: memory.maintenance.iter().map(out).collect(),
            last_move: remembered.last_move.as_ref().and_then(LastMove::of),
        }
    }

    /// What was remembered of `pool`.
    pub(super) fn remembered(self, pool: &Arc<str>, moment: Moment) -> Remembered {
        let out = |out: Maintenance| Out {
            since: out.since.and_then(|at| moment.instant_of(read(&at)?)),
            endpoint: out.endpoint,
            reason: out.reason,
        };
        let last_move = self.last_move.and_then(|it| it.event(pool));
        let moved = last_move.as_ref();
        Remembered {
            memory: Memory {
                active: self.active,
                since: moved.and_then(|event| moment.instant_of(event.at)),
                is_held: self.held,
                is_forced: self.forced,
                maintenance: self.maintenance.into_iter().map(out).collect(),
            },
            last_move,
        }
    }
}

impl LastMove {
    fn of(event: &PoolEvent) -> Option<Self> {
        let Happened::Moved {
            kind,
            cause,
            from,
            to,
            after,
            reason,
        } = &event.what
        else {
            return None;
        };
        Some(Self {
            time: written(event.at),
            event: kind.as_str().to_owned(),
            cause: cause.as_str().to_owned(),
            from: from.into(),
            to: to.into(),
            since_last_seconds: after.as_secs_f64(),
            reason: reason.as_deref().map(str::to_owned),
        })
    }

    /// None if it tells of what is not known here: decisions count, and are not lost for it.
    fn event(self, pool: &Arc<str>) -> Option<PoolEvent> {
        let Self { event, cause, .. } = &self;
        let kind = MoveKind::ALL.into_iter().find(|it| it.as_str() == event)?;
        let cause = Cause::ALL.into_iter().find(|it| it.as_str() == cause)?;
        Some(PoolEvent {
            at: read(&self.time)?,
            pool: Arc::clone(pool),
            what: Happened::Moved {
                kind,
                cause,
                from: self.from.into(),
                to: self.to.into(),
                after: Duration::try_from_secs_f64(self.since_last_seconds).ok()?,
                reason: self.reason.map(Arc::from),
            },
        })
    }
}

impl From<&TierName> for Tier {
    fn from(name: &TierName) -> Self {
        Self {
            tier: name.tier,
            endpoints: name.endpoints.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Tier> for TierName {
    fn from(tier: Tier) -> Self {
        Self {
            tier: tier.tier,
            endpoints: tier.endpoints.into_iter().map(Arc::from).collect(),
        }
    }
}

fn written(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

fn read(at: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(at).ok()
}
