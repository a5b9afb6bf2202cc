//! A pool at one moment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::choice::{self, Choice, Failback, State};
use crate::socket::tls::{TlsClient, TlsError};

use super::event::PoolEvent;
use super::inner::Inner;
use super::{Endpoint, LastCheck, wall_clock};

/// A pool at one moment.
#[derive(Clone, Debug)]
pub struct PoolStatus {
    /// Its name.
    pub name: Arc<str>,
    /// The active tier; 0 is the primary.
    pub active: usize,
    /// Since when.
    pub since: SystemTime,
    /// How long it has been active.
    pub active_for: Duration,
    /// Who moves back to a better tier.
    pub failback: Failback,
    /// Whether an operator's failover holds.
    pub is_held: bool,
    /// Whether an operator's failback onto an unhealthy primary holds: it stays active, healthy or
    /// not, until it has been healthy once.
    pub is_forced: bool,
    /// The hold-down as things stand: longer with each flap.
    pub hold_down: Duration,
    /// How long a better tier must stay healthy until it takes over by itself; none if none waits.
    pub hold_down_left: Option<Duration>,
    /// Failovers soon after a return, within the flap window.
    pub flaps: usize,
    /// Moves since the start.
    pub moves: u64,
    /// Sessions that a dial put outside of the active tier since the start.
    pub spilled: u64,
    /// The last move since the start, or, where a state file remembers it, before.
    pub last_move: Option<PoolEvent>,
    /// Why decisions may not survive a restart: the state file could not be written.
    pub state_file_error: Option<Arc<str>>,
    /// The tiers, the primary first.
    pub tiers: Vec<TierStatus>,
}

impl PoolStatus {
    /// Whether an endpoint of any tier is healthy.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.tiers.iter().any(|tier| tier.is_healthy)
    }

    /// All endpoints, tier by tier.
    pub fn endpoints(&self) -> impl Iterator<Item = &EndpointStatus> {
        self.tiers.iter().flat_map(|tier| &tier.endpoints)
    }
}

/// A tier at one moment.
#[derive(Clone, Debug)]
pub struct TierStatus {
    /// Whether one of its endpoints is healthy.
    pub is_healthy: bool,
    /// Its endpoints.
    pub endpoints: Vec<EndpointStatus>,
}

/// An endpoint at one moment.
#[derive(Clone, Debug)]
pub struct EndpointStatus {
    /// Its name.
    pub name: Arc<str>,
    /// What it counts as.
    pub state: State,
    /// Whether its checks, or its dials, are good; in maintenance too.
    pub is_up: bool,
    /// Why an operator took it out.
    pub maintenance: Option<Arc<str>>,
    /// How long it has been up or down, or, if it is, in maintenance; none if it has not changed
    /// since the start, or nobody remembers.
    pub changed_for: Option<Duration>,
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
    /// Why the last attempt failed; none if it did not.
    pub last_failure: Option<Arc<str>>,
    /// What the last check said.
    pub last_check: Option<LastCheck>,
    /// When the certificate expires that it is shown; none if it is shown none.
    pub certificate_expires: Option<SystemTime>,
    /// Why the certificate files as they are now cannot be used, so that older ones are.
    pub tls_error: Option<Arc<TlsError>>,
}

impl Inner {
    /// The pool at this moment.
    pub(super) fn status(&self) -> PoolStatus {
        let state = self.state();
        let (choice, now) = (&state.choice, Instant::now().into_std());
        let tier = |tier: usize| TierStatus {
            is_healthy: choice.is_healthy(tier),
            endpoints: choice
                .tier(tier)
                .iter()
                .zip(state.endpoints.iter().skip(first_of(choice, tier)))
                .map(|(counted, endpoint)| endpoint_status(counted, endpoint, now))
                .collect(),
        };
        let moves = self.moves.iter().flatten();
        PoolStatus {
            name: Arc::clone(&self.name),
            active: choice.active(),
            since: wall_clock(choice.since()),
            active_for: now.saturating_duration_since(choice.since()),
            failback: choice.policy().failback,
            is_held: choice.is_held(),
            is_forced: choice.is_forced(),
            hold_down: choice.hold_down(now),
            hold_down_left: choice.hold_down_left(now),
            flaps: choice.flaps(now),
            moves: moves.map(|count| count.load(Relaxed)).sum(),
            spilled: self.spilled.load(Relaxed),
            last_move: state.last_move.clone(),
            state_file_error: state.state_file_error.clone(),
            tiers: (0..choice.tiers()).map(tier).collect(),
        }
    }
}

fn first_of(choice: &Choice, tier: usize) -> usize {
    (0..tier).map(|before| choice.tier(before).len()).sum()
}

fn endpoint_status(
    counted: &choice::Endpoint,
    endpoint: &Endpoint,
    now: std::time::Instant,
) -> EndpointStatus {
    let health = counted.health();
    let addresses = endpoint.addresses();
    EndpointStatus {
        name: Arc::clone(endpoint.name()),
        state: counted.state(),
        is_up: health.is_up(),
        maintenance: counted.maintenance().cloned(),
        changed_for: counted.since().map(|at| now.saturating_duration_since(at)),
        streak: health.streak(),
        weight: counted.weight(),
        max_connections: counted.max_connections(),
        addresses: addresses.map_or_else(|_| Vec::new(), |found| found.to_vec()),
        connections: endpoint.active(),
        connects: endpoint.connects(),
        failures: endpoint.failures(),
        last_failure: endpoint.last_failure(),
        last_check: endpoint.last_check(),
        certificate_expires: endpoint.tls().and_then(TlsClient::expires),
        tls_error: endpoint.tls().and_then(TlsClient::last_error),
    }
}
