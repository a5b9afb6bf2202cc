//! A port with one login for many: what its consumers share, and what others see of it.

use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::options::{FanoutOptions, of_lines};
use super::tape::{HistoryStatus, Tape};
use super::upstream;
use super::wakers::Wakers;
use crate::pool::Pool;
use crate::soupbin::bridge::{ConsumerState, FeedOptions, SharedFeed, Standing, Told};
use crate::soupbin::join::NOT_AUTHORIZED;
use crate::soupbin::packet::SessionId;

/// Lines of consumers that ask for older messages than the history has, at once: each is a login at the
/// exchange.
const CATCH_UPS_MAX: usize = 64;

/// Hears what happens to the lines of a port.
pub type Watch = Box<dyn Fn(Told<'_>) + Send + Sync>;

/// A port that logs in once, for all its consumers. Clones are the same port; with the last of them the
/// login ends.
#[derive(Clone, Debug)]
pub struct Fanout(Arc<Owned>);

#[derive(Debug)]
struct Owned {
    shared: Arc<Shared>,
    pool: Pool,
    /// Dropped, it ends the login.
    upstream: Mutex<Option<oneshot::Sender<()>>>,
}

/// What the login and the consumers share.
pub(super) struct Shared {
    pub(super) name: Arc<str>,
    /// The port's consumers, and how they are served.
    pub(super) feed: SharedFeed,
    /// The same for the port's own lines.
    pub(super) lines: SharedFeed,
    watch: Watch,
    state: Mutex<State>,
    /// Wakes a login that waits until it is tried again.
    pub(super) hurry: Notify,
    /// Counts reloads.
    reloads: AtomicU64,
    /// The number of the next message of the login's line.
    pub(super) next: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    tape: Option<Arc<Tape>>,
    wakers: Wakers,
    catch_ups: usize,
    /// Until then there are no further ones: the exchange refused one.
    catch_ups_closed: Option<Instant>,
    /// Whether the exchange has let one in since it refused one, or nobody knew.
    has_caught_up: bool,
    upstream: Standing,
}

/// A port with one login for many, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FanoutStatus {
    /// The session; none while there is none.
    pub session: Option<SessionId>,
    /// What is kept of it; none while there is none.
    pub history: Option<HistoryStatus>,
    /// The number of the next message of the login's line; none before the login was accepted.
    pub next: Option<u64>,
    /// The login and its lines.
    pub upstream: ConsumerState,
    /// Consumers that are on a line of their own until they have come to the history.
    pub catching_up: usize,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shared").field(&self.name).finish()
    }
}

impl Fanout {
    /// A port whose login leads to `pool`; nobody logs in before it is [started](Self::start). What
    /// happens to its lines is told to `watch`.
    #[must_use]
    pub fn new(name: Arc<str>, feed: SharedFeed, pool: Pool, watch: Watch) -> Self {
        let lines = SharedFeed::new(of_lines(&feed.options()));
        Self(Arc::new(Owned {
            shared: Arc::new(Shared {
                name,
                feed,
                lines,
                watch,
                state: Mutex::default(),
                hurry: Notify::new(),
                reloads: AtomicU64::new(0),
                next: Arc::default(),
            }),
            pool,
            upstream: Mutex::default(),
        }))
    }

    /// Logs in, on this runtime, and again whenever the login has ended.
    pub fn start(&self, runtime: &Handle) {
        let (end, ended) = oneshot::channel();
        let upstream = self.0.upstream.lock();
        let mut upstream = upstream.unwrap_or_else(PoisonError::into_inner);
        if upstream.is_none() {
            *upstream = Some(end);
            let (shared, pool) = (Arc::clone(&self.0.shared), self.0.pool.clone());
            runtime.spawn(upstream::keep(shared, pool, ended));
        }
    }

    /// From here on consumers are let in and kept as its feed's options say now. Who is connected stays,
    /// also with a password that has changed, unless nobody of that name may log in any more.
    pub fn changed(&self) {
        let shared = &self.0.shared;
        let options = shared.feed.options();
        shared.lines.change(of_lines(&options));
        shared.lines.refusals().forget();
        shared.lock().reopen_catch_ups();
        // Whoever sees this sees the options that were stored before.
        shared.reloads.fetch_add(1, Release);
        if let Some(tape) = shared.limit() {
            tape.wake(&mut Vec::new());
        }
        shared.wake();
        // Only a login that waits now: one that began before looks whether there was a reload since.
        shared.hurry.notify_waiters();
    }

    /// Nobody shares a login here any more: whoever does is cut, and the login ends.
    pub fn retire(&self) {
        let shared = &self.0.shared;
        let options = FeedOptions {
            fanout: None,
            ..(*shared.options()).clone()
        };
        shared.feed.change(options);
        self.changed();
        let upstream = self.0.upstream.lock();
        drop(upstream.unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The port at this moment.
    #[must_use]
    pub fn status(&self) -> FanoutStatus {
        let shared = &self.0.shared;
        let state = shared.lock();
        let next = Some(shared.next.load(Relaxed)).filter(|next| *next > 0);
        FanoutStatus {
            session: state.tape.as_ref().map(|it| it.session()),
            history: state.tape.as_ref().map(|it| it.status()),
            next,
            upstream: state.upstream.now(next),
            catching_up: state.catch_ups,
        }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.0.pool
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn options(&self) -> Arc<FeedOptions> {
        self.feed.options()
    }

    /// Who may log in, and what is kept.
    pub(super) fn fanout(&self) -> FanoutOptions {
        let options = self.feed.options();
        let none = || FanoutOptions {
            consumers: Vec::new(),
            history: Default::default(),
        };
        options.fanout.clone().unwrap_or_else(none)
    }

    /// How many reloads there were: after each, a consumer looks whether it may stay.
    pub(super) fn reloads(&self) -> u64 {
        self.reloads.load(Acquire)
    }

    /// Whether an exchange refuses the credentials of a target.
    pub(super) fn is_refused(&self) -> bool {
        self.lines.refusals().first_over().is_some()
    }

    /// Keeps of the session that there is no more than the options say now.
    fn limit(&self) -> Option<Arc<Tape>> {
        // Under the lock: of two that look at the options, the later has the last word.
        let state = self.lock();
        let tape = state.tape.clone()?;
        tape.limit(self.fanout().history);
        Some(tape)
    }

    /// The exchange refuses the credentials to a line of a consumer's own, as where it lets a user in
    /// once: for a while it is not asked again.
    pub(super) fn close_catch_ups(&self) {
        let mut state = self.lock();
        state.catch_ups_closed = Some(Instant::now() + NOT_AUTHORIZED);
        state.has_caught_up = false;
    }

    /// There is this session now.
    pub(super) fn show(&self, tape: &Arc<Tape>) {
        self.lock().tape = Some(Arc::clone(tape));
        // There may have been a reload while it was made.
        self.limit();
        self.wake();
    }

    /// There is no session now.
    pub(super) fn hide(&self) {
        self.lock().tape = None;
        self.wake();
    }

    fn wake(&self) {
        let mut woken = Vec::new();
        self.lock().wakers.take(&mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Something happened to the port's lines.
    pub(super) fn told(&self, told: Told<'_>) {
        self.lock().upstream = Standing::of(told);
        self.lines.refusals().heard(told);
        self.feed.heard(told);
        (self.watch)(told);
    }
}

/// Somebody who waits for a session, or for a line to catch up by.
#[derive(Debug)]
pub(super) struct Waiting {
    shared: Arc<Shared>,
    key: usize,
}

impl Waiting {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            key: shared.lock().wakers.enter(),
            shared: Arc::clone(shared),
        }
    }

    /// The session that there is; the task is woken when there is another.
    pub(super) fn tape(&self, cx: &Context<'_>) -> Option<Arc<Tape>> {
        let mut state = self.shared.lock();
        state.wakers.wait(self.key, cx);
        state.tape.clone()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.shared.lock().wakers.leave(self.key);
    }
}

/// The permission to have a line of one's own.
#[derive(Debug)]
pub(super) struct CatchUpPermit(Arc<Shared>);

impl CatchUpPermit {
    /// None while as many have one as may, or the exchange has just refused one.
    pub(super) fn of(shared: &Arc<Shared>) -> Option<Self> {
        let mut state = shared.lock();
        let is_open = state.catch_ups_closed.is_none_or(|it| it <= Instant::now());
        // Before one was let in nobody knows whether any will be: all of them would be refused at once.
        let most = match state.has_caught_up {
            true => CATCH_UPS_MAX,
            false => 1,
        };
        let is_free = is_open && state.catch_ups < most;
        state.catch_ups += usize::from(is_free);
        is_free.then(|| Self(Arc::clone(shared)))
    }

    /// The exchange let it in: others may try.
    pub(super) fn accepted(&self) {
        let had_been = std::mem::replace(&mut self.0.lock().has_caught_up, true);
        if !had_been {
            self.0.wake();
        }
    }
}

impl State {
    /// The credentials may be others now.
    fn reopen_catch_ups(&mut self) {
        (self.catch_ups_closed, self.has_caught_up) = (None, false);
    }
}

impl Drop for CatchUpPermit {
    fn drop(&mut self) {
        self.0.lock().catch_ups -= 1;
        self.0.wake();
    }
}
