//! A consumer as others see it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::watch::{Place, Told};
use crate::socket::live::ConnectionId;
use crate::soupbin::join::{JoinStatus, LineStatus, Stage, TargetId};
use crate::soupbin::packet::SessionId;

/// A consumer, while it is connected.
#[derive(Debug)]
pub struct Watched {
    /// Its connection.
    pub id: ConnectionId,
    /// Its address.
    pub address: SocketAddr,
    next: AtomicU64,
    standing: Mutex<Standing>,
    user: OnceLock<Arc<str>>,
    is_catching_up: AtomicBool,
}

/// How a consumer and its lines stood when something happened to them last; where its lines stand is
/// that of now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerState {
    /// The session; empty until a line has named it.
    pub session: String,
    /// Whether its line has repeated enough messages to be trusted.
    pub is_verified: bool,
    /// Since when no line has been joined, though it is logged in.
    pub waiting_since: Option<Instant>,
    /// Its lines, and the endpoints whose last line failed or diverged.
    pub lines: Vec<LineState>,
}

/// A line, or an endpoint whose last line failed or diverged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineState {
    /// The endpoint's name.
    pub endpoint: Arc<str>,
    /// `dialling`, `asked`, `held`, `behind`, `standby`, `joined`; `failed` or `diverged` if there is
    /// no line.
    pub stage: &'static str,
    /// The number of the message that comes next on it, once its login was accepted.
    pub next: Option<u64>,
    /// How many messages it is behind the consumer; 0 for one that is ahead.
    pub lag: Option<u64>,
    /// Whether it has repeated enough messages to be trusted.
    pub is_verified: bool,
    /// The number under which it carries another message than the consumer got, where that is why it
    /// is out.
    pub diverged: Option<u64>,
    /// Why the last line failed, in one word and in a sentence.
    pub fault: Option<(&'static str, String)>,
}

impl Watched {
    pub(crate) fn new(id: ConnectionId, address: SocketAddr) -> Self {
        Self {
            id,
            address,
            next: AtomicU64::new(0),
            standing: Mutex::default(),
            user: OnceLock::new(),
            is_catching_up: AtomicBool::new(false),
        }
    }

    /// Its username, where the port itself knows it: with one login for many.
    #[must_use]
    pub fn user(&self) -> Option<&Arc<str>> {
        self.user.get()
    }

    /// Whether it gets, by a line of its own, what is older than the history.
    #[must_use]
    pub fn is_catching_up(&self) -> bool {
        self.is_catching_up.load(Relaxed)
    }

    pub(in crate::soupbin) fn called(&self, user: &str) {
        self.user.get_or_init(|| user.into());
    }

    pub(in crate::soupbin) fn catches_up(&self, now: bool) {
        self.is_catching_up.store(now, Relaxed);
    }

    pub(in crate::soupbin) fn admitted(&self, session: SessionId, next: u64) {
        self.lock().state.session = session.to_string();
        self.reached(next);
    }

    pub(in crate::soupbin) fn reached(&self, next: u64) {
        self.next.store(next, Relaxed);
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

    /// How it stood when something happened to it last, and where its lines stand now.
    #[must_use]
    pub fn state(&self) -> ConsumerState {
        // Before its lines: one that is level with it is not shown as behind.
        let next = self.next();
        self.lock().now(next)
    }

    fn lock(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn told(&self, told: Told<'_>) {
        let standing = Standing::of(told);
        *self.lock() = standing;
        self.next.store(told.status.next.unwrap_or(0), Relaxed);
    }
}

impl ConsumerState {
    /// The line that it gets its messages from; none while it waits for one.
    #[must_use]
    pub fn joined(&self) -> Option<&LineState> {
        self.at(Stage::Joined)
    }

    /// The line that stands by, where that is hot and there is one.
    #[must_use]
    pub fn standby(&self) -> Option<&LineState> {
        self.at(Stage::Standby)
    }

    /// Whether an endpoint is out because it carries another message.
    #[must_use]
    pub fn has_diverged(&self) -> bool {
        self.lines.iter().any(|line| line.diverged.is_some())
    }

    fn at(&self, stage: Stage) -> Option<&LineState> {
        let mut lines = self.lines.iter();
        lines.find(|line| line.stage == stage.as_str())
    }
}

/// How a consumer and its lines stood, and where to look for where the lines stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    state: ConsumerState,
    /// Of the first of the lines; the others are none any more.
    places: Vec<Option<Place>>,
}

impl Standing {
    pub(crate) fn of(told: Told<'_>) -> Self {
        let status = told.status;
        let lines = status
            .lines
            .iter()
            .filter_map(|line| Some((line, line.target?)));
        let places = lines.clone().map(|(_, target)| told.place(target).cloned());
        let (places, lines) = (places.collect(), lines.map(|(it, at)| line(it, at, told)));
        let is_there = |target| status.lines.iter().any(|line| line.target == Some(target));
        let diverged = status.diverged.iter().map(|(target, _)| *target);
        let failed = status.faults.iter().map(|(target, _)| *target);
        let failed = failed.filter(|it| diverged.clone().all(|out| out != *it));
        let gone = diverged.clone().chain(failed).filter(|it| !is_there(*it));
        let gone = gone.map(|target| no_line(target, told));
        let state = ConsumerState {
            session: status.session.to_string(),
            is_verified: status.is_verified,
            waiting_since: status.outage.and_then(|it| Instant::now().checked_sub(it)),
            lines: lines.chain(gone).collect(),
        };
        Self { state, places }
    }

    /// As it is now that `next` is the number of the consumer's next message.
    pub(crate) fn now(&self, next: Option<u64>) -> ConsumerState {
        let mut state = self.state.clone();
        for (line, place) in state.lines.iter_mut().zip(&self.places) {
            line.next = place.as_ref().and_then(Place::get).or(line.next);
            let behind = next.zip(line.next);
            line.lag = behind.map(|(next, at)| next.saturating_sub(at));
        }
        state
    }
}

fn line(line: &LineStatus, target: TargetId, told: Told<'_>) -> LineState {
    LineState {
        endpoint: Arc::clone(told.names.of(target)),
        stage: line.stage.as_str(),
        next: line.next,
        lag: None,
        is_verified: line.is_verified,
        diverged: diverged(told.status, target),
        fault: fault(told.status, target),
    }
}

/// An endpoint that has no line, since its last one failed.
fn no_line(target: TargetId, told: Told<'_>) -> LineState {
    let diverged = diverged(told.status, target);
    LineState {
        endpoint: Arc::clone(told.names.of(target)),
        stage: match diverged {
            Some(_) => "diverged",
            None => "failed",
        },
        next: None,
        lag: None,
        is_verified: false,
        diverged,
        fault: fault(told.status, target),
    }
}

/// The number under which it carries another message.
fn diverged(status: &JoinStatus, target: TargetId) -> Option<u64> {
    let mut diverged = status.diverged.iter();
    let found = diverged.find(|(it, _)| *it == target);
    found.map(|(_, sequence)| *sequence)
}

/// Why its last line failed, in one word and in a sentence.
fn fault(status: &JoinStatus, target: TargetId) -> Option<(&'static str, String)> {
    let mut faults = status.faults.iter();
    let found = faults.find(|(failed, _)| *failed == target);
    found.map(|(_, fault)| (fault.as_str(), fault.to_string()))
}
