//! What happens to a pool, for logs, operators and whoever listens.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::choice::{Cause, MoveKind, State};

/// Something that happened to a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolEvent {
    /// When.
    pub at: SystemTime,
    /// The pool's name.
    pub pool: Arc<str>,
    /// What.
    pub what: Happened,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happened {
    /// The active tier moved.
    Moved {
        /// Away, or back.
        kind: MoveKind,
        /// Why.
        cause: Cause,
        /// The tier that was left.
        from: TierName,
        /// The tier that is active now.
        to: TierName,
        /// Time since the last move, or since the start.
        after: Duration,
        /// Why an endpoint of the tier that was left went down last, if one did.
        reason: Option<Arc<str>>,
    },
    /// An operator's failback onto a primary that is not healthy holds from now on, or no longer.
    Forced {
        /// The primary tier.
        tier: TierName,
        /// Whether it holds: the tier stays active, healthy or not, until it has been healthy
        /// once.
        holds: bool,
        /// Why an endpoint of the tier is not in use, where somebody said.
        reason: Option<Arc<str>>,
    },
    /// An endpoint went up or down, or in or out of maintenance, or stays in it for another reason.
    Endpoint {
        /// Which one.
        endpoint: Arc<str>,
        /// What it was.
        from: State,
        /// What it is.
        to: State,
        /// Why, where somebody said.
        reason: Option<Arc<str>>,
    },
    /// The checks of an endpoint in maintenance turned good, or bad: it is out all the same.
    Out {
        /// Which one.
        endpoint: Arc<str>,
        /// Whether it would count as up.
        is_healthy: bool,
        /// Why not, where somebody said.
        reason: Option<Arc<str>>,
    },
    /// Something happened to the lines of a consumer of a feed.
    Line(Box<LineNews>),
    /// Events that this listener was too slow for.
    Missed(u64),
}

/// What happened to the lines of one consumer of a feed. What does not apply is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineNews {
    /// What: `line_down`, `line_lost`, `line_joined`, `line_standby`, `line_verified`,
    /// `line_unverified`, `line_diverged`, `truncated`, `gap`, `unsequenced_dropped` or
    /// `end_of_session`.
    pub event: &'static str,
    /// The id of the consumer's connection; none where all share the port's own line.
    pub id: Option<String>,
    /// The consumer's address, likewise.
    pub consumer: Option<SocketAddr>,
    /// The endpoint that the line leads to.
    pub line: Option<Arc<str>>,
    /// The endpoint that the line before led to.
    pub from: Option<Arc<str>>,
    /// The number of the consumer's next message; of a line that stands by that of its own, and of
    /// one that diverged that of the message that differs.
    pub sequence: Option<u64>,
    /// Why, in one word.
    pub word: Option<&'static str>,
    /// Why, in a sentence.
    pub reason: Option<String>,
    /// Whether the line has repeated enough messages to be trusted.
    pub is_verified: Option<bool>,
    /// Where the time went.
    pub times: Option<LineTimes>,
}

/// Where the time went from one line to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTimes {
    /// From the last byte of the line before to its failure.
    pub detect: Duration,
    /// From there to the connection.
    pub connect: Duration,
    /// From there to the accepted login.
    pub login: Duration,
    /// From there to the message that was waited for.
    pub catch_up: Duration,
}

impl LineNews {
    /// News of which nothing more is said.
    pub(crate) fn new(
        event: &'static str,
        id: Option<String>,
        consumer: Option<SocketAddr>,
    ) -> Self {
        Self {
            event,
            id,
            consumer,
            line: None,
            from: None,
            sequence: None,
            word: None,
            reason: None,
            is_verified: None,
            times: None,
        }
    }
}

/// A tier, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierName {
    /// Its rank; 0 is the primary.
    pub tier: usize,
    /// The names of its endpoints.
    pub endpoints: Vec<Arc<str>>,
}

impl std::fmt::Display for TierName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (nth, name) in self.endpoints.iter().enumerate() {
            write!(f, "{}{name}", if nth == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
