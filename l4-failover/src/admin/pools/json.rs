//! A pool at one moment, in JSON: a part of `/status`, and all of `/clusters`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::event::rfc3339;
use super::feed::FeedJson;
use super::{EventJson, NamedPool};
use crate::choice::Failback;
use crate::{EndpointStatus, LastCheck, PoolStatus, TierStatus};

/// A pool at one moment. What does not apply is null. Times of day are RFC 3339, UTC.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PoolJson {
    /// Its name, unique within its kind.
    pub name: String,
    /// What it serves: `port`, `inbound`, `service`, `datacenter`.
    pub kind: String,
    /// What else is worth showing, such as `listen` and `protocol`.
    pub labels: BTreeMap<String, String>,
    /// The active tier; 0 is the primary.
    pub active_tier: usize,
    /// Since when.
    pub since: String,
    /// The same, in seconds since 1970.
    pub since_unix_seconds: u64,
    /// How long it has been active.
    pub active_seconds: f64,
    /// Whether an endpoint of any tier is healthy.
    pub healthy: bool,
    /// Who moves back to a better tier: `auto` or `manual`.
    pub failback: String,
    /// Whether an operator's failover holds.
    pub held: bool,
    /// Whether an operator's failback onto an unhealthy primary holds.
    #[serde(default)]
    pub forced: bool,
    /// The hold-down as things stand: longer with each flap.
    pub hold_down_seconds: f64,
    /// How long a better tier must stay healthy until it takes over by itself.
    pub hold_down_left_seconds: Option<f64>,
    /// Failovers soon after a return, within the flap window.
    pub flaps: usize,
    /// Moves since the start.
    pub moves: u64,
    /// Sessions that a dial put outside of the active tier since the start.
    pub spilled: u64,
    /// The last move since the start, or, where a state file remembers it, before.
    pub last_move: Option<EventJson>,
    /// Why decisions may not survive a restart.
    pub state_file_error: Option<String>,
    /// The tiers, the primary first.
    pub tiers: Vec<TierJson>,
    /// Of a feed: who consumes it, and by which lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feed: Option<FeedJson>,
}

/// A tier at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierJson {
    /// Its rank; 0 is the primary.
    pub tier: usize,
    /// Whether one of its endpoints is healthy.
    pub healthy: bool,
    /// Its endpoints.
    pub endpoints: Vec<EndpointJson>,
}

/// An endpoint at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointJson {
    /// Its name: `host:port`, or `host:port/server_name`.
    pub endpoint: String,
    /// `up`, `down` or `maintenance`.
    pub state: String,
    /// Why an operator took it out.
    pub maintenance: Option<String>,
    /// How long it has been up or down, or, if it is, in maintenance; null if it has not changed
    /// since the start, or nobody remembers.
    pub changed_seconds: Option<f64>,
    /// While up the failures in a row, while down the successes.
    pub streak: u32,
    /// Its share of the tier's sessions.
    pub weight: u32,
    /// Sessions that it may have at once.
    pub max_connections: Option<u64>,
    /// The addresses that its host stands for; none while they are unknown.
    pub addresses: Vec<SocketAddr>,
    /// Sessions open now.
    pub connections: u64,
    /// Attempts that ended in a connection.
    pub connects: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Why the last attempt failed; null if it did not.
    pub last_failure: Option<String>,
    /// What the last check said; null if there was none.
    pub last_check: Option<CheckJson>,
}

/// What the last check of an endpoint said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckJson {
    /// When it ended.
    pub at: String,
    /// How long ago that is, so that nobody need compare clocks.
    pub ago_seconds: f64,
    /// How long it took.
    pub took_ms: f64,
    /// Why it failed; null if it did not.
    pub error: Option<String>,
}

impl PoolJson {
    /// The pool at this moment.
    #[must_use]
    pub fn of(named: &NamedPool) -> Self {
        let labels = named.labels.clone();
        let status = Self::from_status(&named.pool.status(), named.kind, labels);
        Self {
            feed: named
                .feed
                .as_ref()
                .map(|feed| FeedJson::of(feed, named.fanout.as_ref())),
            ..status
        }
    }

    fn from_status(status: &PoolStatus, kind: &str, labels: BTreeMap<String, String>) -> Self {
        let last_move = status.last_move.as_ref();
        let since = status.since.duration_since(UNIX_EPOCH).unwrap_or_default();
        let tiers = status.tiers.iter().enumerate();
        Self {
            name: status.name.to_string(),
            kind: kind.to_owned(),
            labels,
            active_tier: status.active,
            since: rfc3339(status.since),
            since_unix_seconds: since.as_secs(),
            active_seconds: seconds(status.active_for),
            healthy: status.is_healthy(),
            failback: failback(status.failback).to_owned(),
            held: status.is_held,
            forced: status.is_forced,
            hold_down_seconds: seconds(status.hold_down),
            hold_down_left_seconds: status.hold_down_left.map(seconds),
            flaps: status.flaps,
            moves: status.moves,
            spilled: status.spilled,
            last_move: last_move.map(|event| EventJson::of(event, kind)),
            state_file_error: status.state_file_error.as_deref().map(str::to_owned),
            tiers: tiers.map(|(rank, tier)| TierJson::of(rank, tier)).collect(),
            feed: None,
        }
    }
}

impl TierJson {
    fn of(rank: usize, status: &TierStatus) -> Self {
        Self {
            tier: rank,
            healthy: status.is_healthy,
            endpoints: status.endpoints.iter().map(EndpointJson::of).collect(),
        }
    }
}

impl EndpointJson {
    fn of(status: &EndpointStatus) -> Self {
        Self {
            endpoint: status.name.to_string(),
            state: status.state.as_str().to_owned(),
            maintenance: status.maintenance.as_deref().map(str::to_owned),
            changed_seconds: status.changed_for.map(seconds),
            streak: status.streak,
            weight: status.weight,
            max_connections: status.max_connections,
            addresses: status.addresses.clone(),
            connections: status.connections,
            connects: status.connects,
            failures: status.failures,
            last_failure: status.last_failure.as_deref().map(str::to_owned),
            last_check: status.last_check.as_ref().map(CheckJson::of),
        }
    }
}

impl CheckJson {
    fn of(check: &LastCheck) -> Self {
        let ago = SystemTime::now().duration_since(check.at);
        Self {
            at: rfc3339(check.at),
            ago_seconds: seconds(ago.unwrap_or_default()),
            took_ms: milliseconds(check.took),
            error: check.result.as_ref().err().map(ToString::to_string),
        }
    }
}

fn failback(failback: Failback) -> &'static str {
    match failback {
        Failback::Auto => "auto",
        Failback::Manual => "manual",
    }
}

/// To the millisecond: nobody reads more.
pub(super) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
