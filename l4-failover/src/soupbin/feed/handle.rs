//! A feed as others than its consumer see it, and move it.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use super::event::{EVENTS_MAX, FeedEvent, FeedEvents};
use crate::pool::{CommandError, Pool, PoolEvent, PoolStatus};
use crate::soupbin::bridge::{ConsumerState, LineState, Standing, Told};
use crate::soupbin::packet::SessionId;

/// A feed as others than its consumer see it, and move it. Clones are the same feed; it may outlive
/// the [`Feed`](super::Feed), of which then nothing more is heard.
#[derive(Clone, Debug)]
pub struct FeedHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pool: Pool,
    session: OnceLock<SessionId>,
    next: Arc<AtomicU64>,
    standing: Mutex<Standing>,
    listeners: Mutex<Listeners>,
}

/// Who hears what happens.
#[derive(Debug)]
struct Listeners {
    /// None once the feed has ended.
    all: Option<broadcast::Sender<FeedEvent>>,
    /// For the first who asks: it hears what happens before anybody could. Its room is that of the
    /// others, and was taken with the sender.
    first: Option<broadcast::Receiver<FeedEvent>>,
}

impl Listeners {
    fn add(&mut self) -> FeedEvents {
        let later = || self.all.as_ref().map(broadcast::Sender::subscribe);
        FeedEvents(self.first.take().or_else(later))
    }
}

impl Default for Listeners {
    fn default() -> Self {
        let (all, first) = broadcast::channel(EVENTS_MAX);
        Self {
            all: Some(all),
            first: Some(first),
        }
    }
}

/// A feed at one moment.
#[derive(Clone, Debug)]
pub struct FeedStatus {
    /// Its session; none before its login was accepted.
    pub session: Option<SessionId>,
    /// The number of the message that comes next from its line: what lies between
    /// [`Feed::cursor`](super::Feed::cursor) and this waits to be taken.
    pub next: Option<u64>,
    /// Whether its line has repeated enough messages to be trusted.
    pub is_verified: bool,
    /// For how long there has been no line.
    pub outage: Option<Duration>,
    /// Its lines, where each stands now, and the endpoints whose last line failed or diverged.
    pub lines: Vec<LineState>,
    /// The endpoints, their health, and which of them are preferred.
    pub pool: PoolStatus,
}

impl FeedHandle {
    pub(super) fn new(pool: Pool) -> Self {
        Self(Arc::new(Shared {
            pool,
            session: OnceLock::new(),
            next: Arc::default(),
            standing: Mutex::default(),
            listeners: Mutex::default(),
        }))
    }

    /// Hears what happens to its lines: who asks first, of the feed and all its handles, from the
    /// beginning on, what happened before [`connect`](super::FeedBuilder::connect) returned included;
    /// others from now on. Of what nobody has asked for the last 256 events are kept, after the end of
    /// the feed, too.
    #[must_use]
    pub fn events(&self) -> FeedEvents {
        self.listeners().add()
    }

    /// The feed at this moment.
    #[must_use]
    pub fn status(&self) -> FeedStatus {
        // Before its lines: one that is level with it is not shown as behind.
        let next = Some(self.0.next.load(Relaxed)).filter(|next| *next > 0);
        let state = self.state(next);
        FeedStatus {
            session: self.0.session.get().copied(),
            next,
            is_verified: state.is_verified,
            outage: state.waiting_since.map(|it| it.elapsed()),
            lines: state.lines,
            pool: self.0.pool.status(),
        }
    }

    /// Leaves the active endpoints for the next healthy ones, and stays there until
    /// [`failback`](Self::failback). The feed follows as soon as a line there has been joined; the one
    /// before is kept until then, and nothing is missed or comes twice.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: nobody else is healthy.
    pub async fn failover(&self) -> Result<Option<PoolEvent>, CommandError> {
        self.0.pool.failover().await
    }

    /// Returns to the primary, as [`failover`](Self::failover) leaves it; with `force` though it counts
    /// as down.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: the primary is not healthy, and not `force`.
    pub async fn failback(&self, force: bool) -> Result<Option<PoolEvent>, CommandError> {
        self.0.pool.failback(force).await
    }

    /// Takes the endpoint of this name out, for a reason, or puts it back: no line leads there
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: there is no such endpoint.
    pub async fn maintenance(
        &self,
        endpoint: &str,
        reason: Option<&str>,
    ) -> Result<Option<PoolEvent>, CommandError> {
        self.0.pool.maintenance(endpoint, reason).await
    }

    /// Its endpoints: their checks and moves have events of their own.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.0.pool
    }

    pub(super) fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.next)
    }

    pub(super) fn accepted(&self, session: SessionId) {
        self.0.session.get_or_init(|| session);
    }

    pub(super) fn lines(&self) -> Vec<LineState> {
        self.state(None).lines
    }

    fn state(&self, next: Option<u64>) -> ConsumerState {
        self.standing().now(next)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        let standing = self.0.standing.lock();
        standing.unwrap_or_else(PoisonError::into_inner)
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        let listeners = self.0.listeners.lock();
        listeners.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps a handle true for as long as its feed is carried.
#[derive(Debug)]
pub(super) struct Teller(pub(super) FeedHandle);

impl Teller {
    pub(super) fn tell(&self, told: Told<'_>) {
        let standing = Standing::of(told);
        *self.0.standing() = standing;
        if let Some(all) = &self.0.listeners().all {
            // Nobody need listen.
            let _ = all.send(FeedEvent::of(told));
        }
    }
}

impl Drop for Teller {
    /// Whoever still has a handle does not keep endpoints checked that nobody dials any more.
    fn drop(&mut self) {
        self.0.listeners().all.take();
        let _ = self.0.0.pool.retire();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(next: u64) -> FeedEvent {
        FeedEvent::EndOfSession { next }
    }

    #[tokio::test]
    async fn the_first_hears_what_was_before_it_and_nobody_else_does() {
        let mut listeners = Listeners::default();
        let tell = |listeners: &Listeners, next| {
            let all = listeners.all.as_ref().unwrap();
            assert!(all.send(event(next)).is_ok());
        };
        tell(&listeners, 1);
        let (mut first, mut second) = (listeners.add(), listeners.add());
        tell(&listeners, 2);
        listeners.all.take();
        let heard = [first.next().await, first.next().await, first.next().await];
        assert_eq!(heard, [Some(event(1)), Some(event(2)), None]);
        assert_eq!(second.next().await, Some(event(2)));
        assert_eq!(listeners.add().next().await, None);
    }

    #[tokio::test]
    async fn of_what_nobody_asked_for_the_last_are_kept() {
        let mut listeners = Listeners::default();
        let all = listeners.all.clone().unwrap();
        let count = EVENTS_MAX as u64 + 44;
        for next in 0..count {
            all.send(event(next)).unwrap();
        }
        assert_eq!(all.len(), EVENTS_MAX);
        let mut first = listeners.add();
        assert_eq!(first.next().await, Some(FeedEvent::Missed(44)));
        assert_eq!(first.next().await, Some(event(44)));
    }
}
