//! A consumer as others see it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::watch::Told;
use crate::socket::live::ConnectionId;
use crate::soupbin::join::{JoinStatus, Stage};

/// A consumer, while it is connected.
#[derive(Debug)]
pub struct Watched {
    /// Its connection.
    pub id: ConnectionId,
    /// Its address.
    pub address: SocketAddr,
    next: AtomicU64,
    state: Mutex<ConsumerState>,
}

/// How a consumer and its lines stood when something happened to them last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerState {
    /// The session; empty until a line has named it.
    pub session: String,
    /// Whether its line has repeated enough messages to be trusted.
    pub is_verified: bool,
    /// Since when no line has been joined, though it is logged in.
    pub waiting_since: Option<Instant>,
    /// Its lines, and the endpoints whose last line failed.
    pub lines: Vec<LineState>,
}

/// A line, or an endpoint whose last line failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineState {
    /// The endpoint's name.
    pub endpoint: Arc<str>,
    /// `dialling`, `asked`, `held`, `behind`, `joined`; `failed` if there is no line.
    pub stage: &'static str,
    /// The number of the message that came next on it when something happened last.
    pub next: Option<u64>,
    /// Why the last line failed, in one word and in a sentence.
    pub fault: Option<(&'static str, String)>,
}

impl Watched {
    pub(crate) fn new(id: ConnectionId, address: SocketAddr) -> Self {
        Self {
            id,
            address,
            next: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// Where the number of its next message is kept.
    pub(crate) fn progress(&self) -> &AtomicU64 {
        &self.next
    }

    /// The number of its next message; none before its login was accepted.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        Some(self.next.load(Relaxed)).filter(|next| *next > 0)
    }

    /// How it stood when something happened to it last.
    #[must_use]
    pub fn state(&self) -> ConsumerState {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, ConsumerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn told(&self, told: Told<'_>) {
        let state = ConsumerState::of(told.status, told);
        *self.lock() = state;
        self.next.store(told.status.next.unwrap_or(0), Relaxed);
    }
}

impl ConsumerState {
    /// The line that it gets its messages from; none while it waits for one.
    #[must_use]
    pub fn joined(&self) -> Option<&LineState> {
        let stage = Stage::Joined.as_str();
        self.lines.iter().find(|line| line.stage == stage)
    }

    pub(crate) fn of(status: &JoinStatus, told: Told<'_>) -> Self {
        let fault = |target| {
            let mut faults = status.faults.iter();
            let found = faults.find(|(failed, _)| *failed == target);
            found.map(|(_, fault)| (fault.as_str(), fault.to_string()))
        };
        let lines = status.lines.iter().filter_map(|line| {
            let target = line.target?;
            Some(LineState {
                endpoint: Arc::clone(told.names.of(target)),
                stage: line.stage.as_str(),
                next: line.next,
                fault: fault(target),
            })
        });
        let is_there = |target| status.lines.iter().any(|line| line.target == Some(target));
        let failed = status
            .faults
            .iter()
            .filter(|(target, _)| !is_there(*target));
        let failed = failed.map(|(target, _)| LineState {
            endpoint: Arc::clone(told.names.of(*target)),
            stage: "failed",
            next: None,
            fault: fault(*target),
        });
        Self {
            session: status.session.to_string(),
            is_verified: status.is_verified,
            waiting_since: status.outage.and_then(|it| Instant::now().checked_sub(it)),
            lines: lines.chain(failed).collect(),
        }
    }
}
