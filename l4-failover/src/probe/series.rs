//! One series of checks: who watches it, and the task that runs it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::ask::Outcome;
use super::checker::Shared;
use super::phase::{Pace, Past, Phase};
use super::subject::{Key, Subject};

/// A series that nobody watches keeps its phase for this long: a reload drops and re-creates
/// everything within it, and causes no check out of turn.
const GRACE: Duration = Duration::from_secs(5);

/// A check that was due this long ago may be about to start: a timer, and a busy runtime, are late
/// by a few milliseconds. One that was due earlier is left out when somebody begins to watch.
const LATE_MAX: Duration = Duration::from_millis(10);

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Why it failed, in one sentence, if it did.
    pub result: Result<(), Arc<str>>,
    /// From the first attempt to connect to the answer. Over [`Probe::Tls`](super::Probe::Tls)
    /// with the farewell, in which a peer may still refuse: up to 250 ms if it does not close.
    pub took: Duration,
}

/// Whoever is told of verdicts.
pub(super) type Observer = Arc<dyn Fn(&Verdict) + Send + Sync>;

/// The checks of one subject, one after the other.
pub(super) struct Series {
    pub(super) key: Key,
    phase: Phase,
    /// Times are counted from here.
    origin: Instant,
    state: Mutex<State>,
    /// The state is another: what is due must be reckoned again.
    changed: Notify,
}

#[derive(Default)]
struct State {
    /// By their ids, which grow: the newest is the last. Thousands of services may share an endpoint,
    /// and a reload has all of them come and go.
    watchers: BTreeMap<u64, Watcher>,
    last_id: u64,
    started: Option<Duration>,
    watched: Duration,
    /// A check waits for its turn or for its answer.
    is_running: bool,
    /// A check is wanted at once.
    is_asked: bool,
}

struct Watcher {
    subject: Subject,
    observer: Observer,
    is_doubtful: bool,
    /// It wanted a check at once.
    has_asked: bool,
    /// When the check started that it was last told of.
    told: Option<Duration>,
}

impl Watcher {
    /// Whether a check that started then is one of its own pace: others may want the subject
    /// checked more often than its count of failures is meant for.
    fn wants(&self, started: Duration) -> bool {
        let pace = self.subject.pace();
        let period = match self.is_doubtful {
            true => pace.fast_interval,
            false => pace.interval,
        };
        // Three quarters: a check that was a little early is not left out.
        let is_due = |told: Duration| started.saturating_sub(told) >= period * 3 / 4;
        self.has_asked || self.told.is_none_or(is_due)
    }
}

impl Series {
    pub(super) fn new(key: Key, origin: Instant) -> Self {
        Self {
            phase: Phase::of(&key),
            key,
            origin,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Adds a watcher, and tells which it is.
    pub(super) fn join(&self, subject: Subject, observer: Observer) -> u64 {
        let mut state = self.lock();
        state.last_id += 1;
        state.watched = self.origin.elapsed().saturating_sub(LATE_MAX);
        let watcher = Watcher {
            subject,
            observer,
            is_doubtful: false,
            has_asked: false,
            told: None,
        };
        let id = state.last_id;
        state.watchers.insert(id, watcher);
        self.changed.notify_one();
        id
    }

    pub(super) fn leave(&self, id: u64) {
        let left = self.lock().watchers.remove(&id);
        self.changed.notify_one();
        // Not under the lock: what the observer holds may be the last of other watches.
        drop(left);
    }

    pub(super) fn doubt(&self, id: u64, is_doubtful: bool) {
        let mut state = self.lock();
        let watcher = state.watchers.get_mut(&id);
        if let Some(watcher) = watcher.filter(|it| it.is_doubtful != is_doubtful) {
            watcher.is_doubtful = is_doubtful;
            self.changed.notify_one();
        }
    }

    /// Wants a check at once, unless there is one, or just was.
    pub(super) fn ask(&self, id: u64) {
        let mut state = self.lock();
        if let Some(watcher) = state.watchers.get_mut(&id) {
            watcher.has_asked = true;
        }
        let Some(pace) = state.pace() else { return };
        let now = self.origin.elapsed();
        let is_recent = |at: Duration| now.saturating_sub(at) < pace.fast_interval;
        if !state.is_running && !state.started.is_some_and(is_recent) {
            state.is_asked = true;
            self.changed.notify_one();
        }
    }

    pub(super) fn is_watched(&self) -> bool {
        !self.lock().watchers.is_empty()
    }

    /// Checks for as long as anybody watches, and a little longer.
    pub(super) async fn run(self: Arc<Self>, shared: Arc<Shared>) {
        loop {
            match self.due() {
                Some(due) => {
                    let changed = timeout_at(due, self.changed.notified()).await;
                    if changed.is_err() {
                        self.check(&shared).await;
                    }
                }
                None => {
                    let changed = timeout(GRACE, self.changed.notified()).await;
                    if changed.is_err() && shared.forget(&self) {
                        return;
                    }
                }
            }
        }
    }

    /// When the next check is due; none while nobody watches.
    fn due(&self) -> Option<Instant> {
        let state = self.lock();
        let pace = state.pace()?;
        let past = Past {
            started: state.started,
            watched: state.watched,
        };
        match state.is_asked {
            true => Some(self.origin),
            false => Some(self.origin + self.phase.due(past, pace)),
        }
    }

    async fn check(&self, shared: &Shared) {
        self.lock().is_running = true;
        // The wait is ours: the endpoint's time starts after it.
        let _turn = shared.turn().await;
        let Some(subject) = self.start() else { return };
        let started = Instant::now();
        let asked = shared.probe(subject).await;
        let took = started.elapsed();
        let observers = self.finish(started.saturating_duration_since(self.origin));
        match &asked.outcome {
            Outcome::Verdict(result) => {
                let result = result.clone();
                let verdict = Verdict { result, took };
                observers.iter().for_each(|observer| observer(&verdict));
            }
            Outcome::NotAsked(shortage) => shared.lacking(&self.key, shortage),
        }
        asked.part().await;
    }

    /// The subject as the newest watcher knows it: the cells of those who are about to leave are
    /// looked up no longer. One whose name has no address yet stands back.
    fn start(&self) -> Option<Subject> {
        let mut state = self.lock();
        let has_address = |it: &&Watcher| it.subject.addresses.get().is_ok();
        let known = state.watchers.values().rev().find(has_address);
        let chosen = known.or_else(|| state.watchers.values().next_back());
        let subject = chosen.map(|watcher| watcher.subject.clone());
        state.is_running = subject.is_some();
        state.is_asked = false;
        if subject.is_some() {
            state.started = Some(self.origin.elapsed());
        }
        subject
    }

    /// Those who are to be told of the check that started then.
    fn finish(&self, started: Duration) -> Vec<Observer> {
        let mut state = self.lock();
        state.is_running = false;
        let wanting = state.watchers.values_mut();
        let wanting = wanting.filter(|it| it.wants(started));
        let told = wanting.map(|watcher| {
            (watcher.has_asked, watcher.told) = (false, Some(started));
            Arc::clone(&watcher.observer)
        });
        told.collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The shortest intervals that anybody wants; anybody's doubt counts for all.
    fn pace(&self) -> Option<Pace> {
        let paces = self.watchers.values().map(|watcher| Pace {
            is_doubtful: watcher.is_doubtful,
            ..watcher.subject.pace()
        });
        paces.reduce(|one, other| Pace {
            interval: one.interval.min(other.interval),
            fast_interval: one.fast_interval.min(other.fast_interval),
            is_doubtful: one.is_doubtful || other.is_doubtful,
        })
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series").field("key", &self.key).finish()
    }
}
