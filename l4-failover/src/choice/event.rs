//! What the choice is told, and what comes of it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::endpoint::State;

/// Something that happened. Endpoints are given by their place in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A check of the endpoint ended.
    Checked {
        /// Which one.
        endpoint: usize,
        /// Whether it succeeded.
        good: bool,
    },
    /// A dial did not get a connection.
    Refused {
        /// Which one.
        endpoint: usize,
    },
    /// A dial got a connection.
    Answered {
        /// Which one.
        endpoint: usize,
    },
    /// What the endpoint leads on to answered a dial.
    LedOn {
        /// Which one.
        endpoint: usize,
    },
    /// The endpoint connected, and what it leads on to did not answer: whatever checks say of itself,
    /// it is of no use to this pool.
    LedNowhere {
        /// Which one.
        endpoint: usize,
    },
    /// Time has passed.
    Tick,
}

/// What an operator wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Leave the active tier for the next healthy one after it, and stay until [`Failback`](Self::Failback).
    Failover,
    /// Return to the primary tier at once.
    Failback {
        /// Even if no endpoint of it is healthy.
        force: bool,
    },
    /// Take an endpoint out, for this reason.
    Maintain {
        /// Which one.
        endpoint: usize,
        /// Why.
        reason: Arc<str>,
    },
    /// Put an endpoint back.
    Resume {
        /// Which one.
        endpoint: usize,
    },
}

/// Why a command was refused; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No tier after the active one has a healthy endpoint.
    #[error(
        "no tier after the active one, {active}, has a healthy endpoint to fail over to; \
         it stays active"
    )]
    NoBackup {
        /// The endpoints of the active tier.
        active: String,
    },
    /// The primary tier has no healthy endpoint.
    #[error(
        "the primary tier, {primary}, has no healthy endpoint; --force returns to it all the same"
    )]
    Unhealthy {
        /// The endpoints of the primary tier.
        primary: String,
    },
}

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Endpoints that went up, down, or in or out of maintenance, or stay in it for another reason.
    pub endpoints: Vec<EndpointChange>,
    /// Endpoints whose health went down, those in maintenance included.
    pub fell: Vec<usize>,
    /// Endpoints in maintenance whose checks turned good, or bad.
    pub out: Vec<OutChange>,
    /// The active tier moved.
    pub moved: Option<Move>,
    /// An operator's failback onto an unhealthy primary holds from now on, or no longer.
    pub forced: Option<bool>,
    /// All new sessions have returned from this tier, which was left by a failback.
    pub ramped: Option<usize>,
}

impl Changes {
    /// Whether nothing did.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self {
            endpoints,
            fell,
            out,
            moved,
            forced,
            ramped,
        } = self;
        let nobody = endpoints.is_empty() && fell.is_empty() && out.is_empty();
        nobody && moved.is_none() && forced.is_none() && ramped.is_none()
    }
}

/// An endpoint counts as something else, or is in maintenance for another reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointChange {
    /// Which one.
    pub endpoint: usize,
    /// What it was.
    pub from: State,
    /// What it is.
    pub to: State,
}

/// What the checks of an endpoint in maintenance say now: it is out all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutChange {
    /// Which one.
    pub endpoint: usize,
    /// Whether it would count as up.
    pub is_healthy: bool,
}

/// The active tier moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Move {
    /// Away, or back.
    pub kind: MoveKind,
    /// Why.
    pub cause: Cause,
    /// The tier that was left.
    pub from: usize,
    /// The tier that is active now.
    pub to: usize,
    /// When.
    pub at: Instant,
    /// Time since the last move, or since the start.
    pub after: Duration,
}

/// The direction of a move, as policies see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MoveKind {
    /// The tier that was left could not stay active, or an operator wanted it left.
    Failover,
    /// A better tier took over from one that could have stayed.
    Failback,
}

/// Why the active tier moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// No endpoint of the tier that was left was healthy.
    Unhealthy,
    /// The last healthy endpoint of the tier that was left went into maintenance.
    Maintenance,
    /// The better tier was healthy for the hold-down.
    Recovered,
    /// An operator said so.
    Operator,
    /// The configuration was changed.
    Reload,
}

impl MoveKind {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Failover, Self::Failback];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Failback => "failback",
        }
    }
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Unhealthy,
        Self::Maintenance,
        Self::Recovered,
        Self::Operator,
        Self::Reload,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Maintenance => "maintenance",
            Self::Recovered => "recovered",
            Self::Operator => "operator",
            Self::Reload => "reload",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
