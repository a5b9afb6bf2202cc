//! All checks of a process: shared, spread, and bounded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tracing::warn;

use super::Probe;
use super::ask::{Asked, ask};
use super::series::{Observer, Series, Verdict};
use super::shortage::Quiet;
use super::subject::{Key, Subject};

/// Checks under way at once: with a timeout of 1 s, all of 64 endpoints may hang and others are
/// still asked every second; and no more descriptors than that are ever taken from connections.
const AT_ONCE_MAX: usize = 64;

/// Checks subjects for whoever watches them; one is enough for a process, and its clones are it.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use l4_failover::probe::{CheckOptions, Checker, Probe, Subject};
/// use l4_failover::{Addresses, Target};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let target: Target = listener.local_addr()?.to_string().parse()?;
/// let CheckOptions { interval, fast_interval, timeout, .. } = CheckOptions::default();
/// let subject = Subject {
///     addresses: Arc::new(Addresses::new(&target)),
///     target,
///     probe: Probe::Tcp,
///     tls: None,
///     port: None,
///     proxy: false,
///     interval,
///     fast_interval,
///     timeout,
/// };
///
/// let (verdicts, mut heard) = tokio::sync::mpsc::channel(1);
/// let tell = move |verdict: &_| _ = verdicts.try_send(Clone::clone(verdict));
/// let watch = Checker::new().watch(subject, tell);
/// watch.now();
/// assert_eq!(heard.recv().await.ok_or("dropped")?.result, Ok(()));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Checker(Arc<Shared>);

/// What all series share.
pub(super) struct Shared {
    runtime: Handle,
    origin: Instant,
    turns: Semaphore,
    series: Mutex<HashMap<Key, Arc<Series>>>,
    probe: Box<Ask>,
    quiet: Quiet,
}

/// A check of a subject, from connecting to the answer.
type Ask = dyn Fn(Subject) -> Pin<Box<dyn Future<Output = Asked> + Send>> + Send + Sync;

/// One subject that is watched, until this is dropped.
///
/// A series of checks that has lost its last watch goes on after a few seconds' silence if
/// somebody watches again, as if nothing had been; otherwise it ends.
#[derive(Debug)]
pub struct Watch {
    /// None where nothing is asked.
    of: Option<(Arc<Series>, u64)>,
}

impl Checker {
    /// A checker whose tasks run on the current tokio runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn new() -> Self {
        Self::asking(Box::new(|subject| Box::pin(ask(subject))))
    }

    /// A checker that asks in its own way.
    pub(super) fn asking(probe: Box<Ask>) -> Self {
        Self(Arc::new(Shared {
            runtime: Handle::current(),
            origin: Instant::now(),
            turns: Semaphore::new(AT_ONCE_MAX),
            series: Mutex::default(),
            probe,
            quiet: Quiet::default(),
        }))
    }

    /// Tells `observer` of verdicts about `subject`, each of them or, where others want it checked
    /// more often, as many as its own interval makes, on the checker's runtime, until the watch
    /// is dropped. The observer must not block, and must not panic; it may use its watch.
    ///
    /// A new subject is checked within a second, or within its interval if that is shorter. One
    /// that is checked already goes on in its turn. Of [`Probe::None`] nothing is ever heard. Where
    /// this process lacks descriptors, ports or memory there is no verdict, but a line in the log.
    #[must_use = "dropping the watch ends it"]
    pub fn watch(
        &self,
        subject: Subject,
        observer: impl Fn(&Verdict) + Send + Sync + 'static,
    ) -> Watch {
        let of = match subject.probe {
            Probe::None => None,
            _ => Some(self.join(subject, Arc::new(observer))),
        };
        Watch { of }
    }

    /// How many series there are.
    #[cfg(test)]
    pub(super) fn series(&self) -> usize {
        lock(&self.0.series).len()
    }

    fn join(&self, subject: Subject, observer: Observer) -> (Arc<Series>, u64) {
        // Held until the watcher is there: a series is forgotten only under it.
        let mut series = lock(&self.0.series);
        let joined = match series.entry(Key::of(&subject)) {
            Entry::Occupied(found) => Arc::clone(found.get()),
            Entry::Vacant(free) => {
                let new = Arc::new(Series::new(free.key().clone(), self.0.origin));
                let run = Arc::clone(&new).run(Arc::clone(&self.0));
                self.0.runtime.spawn(run);
                Arc::clone(free.insert(new))
            }
        };
        let id = joined.join(subject, observer);
        (joined, id)
    }
}

impl Default for Checker {
    /// [`Checker::new`].
    fn default() -> Self {
        Self::new()
    }
}

impl Watch {
    /// Whether the subject is to be checked at its fast interval; one watcher's doubt is enough.
    pub fn doubt(&self, is_doubtful: bool) {
        if let Some((series, id)) = &self.of {
            series.doubt(*id, is_doubtful);
        }
    }

    /// Asks for a check at once. One that is under way, or that started within the fast interval,
    /// is this one: a thousand refused dials ask once.
    pub fn now(&self) {
        if let Some((series, id)) = &self.of {
            series.ask(*id);
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((series, id)) = &self.of {
            series.leave(*id);
        }
    }
}

impl Shared {
    /// One of the places for checks that are under way, first come, first served.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.turns.acquire().await.ok()
    }

    pub(super) async fn probe(&self, subject: Subject) -> Asked {
        (self.probe)(subject).await
    }

    /// Says that a check could not be made.
    pub(super) fn lacking(&self, key: &Key, shortage: &str) {
        if let Some(left_out) = self.quiet.admit(self.origin.elapsed()) {
            warn!(left_out, "no verdict on {}: {shortage}", key.target());
        }
    }

    /// Lets a series go that nobody watches; false if somebody does after all.
    pub(super) fn forget(&self, gone: &Series) -> bool {
        let mut series = lock(&self.series);
        let is_over = !gone.is_watched();
        if is_over {
            series.remove(&gone.key);
        }
        is_over
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series = lock(&self.series).len();
        f.debug_struct("Shared").field("series", &series).finish()
    }
}
