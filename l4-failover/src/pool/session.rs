//! Open sessions: counted by endpoint, and told when they must end.

use std::fmt;
use std::future::poll_fn;
use std::ops::Deref;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use slab::Slab;

use super::Endpoint;

/// Why a session must end though neither side has finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// Its tier was left for a worse one.
    Failover,
    /// Its tier was left for a better one.
    Failback,
    /// Its endpoint went down.
    EndpointDown,
}

impl Cut {
    const ALL: [Self; 3] = [Self::Failover, Self::Failback, Self::EndpointDown];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Failback => "failback",
            Self::EndpointDown => "endpoint_down",
        }
    }

    fn code(self) -> u8 {
        1 + self as u8
    }

    fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cut| cut.code() == code)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a session and whoever may end it share.
#[derive(Debug, Default)]
pub(super) struct Signal {
    cut: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl Signal {
    /// Tells the session to end; the first reason stays.
    pub(super) fn cut(&self, why: Cut) {
        let (unset, set) = (Ordering::AcqRel, Ordering::Acquire);
        if self.cut.compare_exchange(0, why.code(), unset, set).is_ok() {
            let waker = self.waker().take();
            waker.into_iter().for_each(Waker::wake);
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Cut> {
        let told = || Cut::of(self.cut.load(Ordering::Acquire));
        if let Some(why) = told() {
            return Poll::Ready(why);
        }
        let mut waker = self.waker();
        match waker.as_mut() {
            Some(waker) => waker.clone_from(cx.waker()),
            None => *waker = Some(cx.waker().clone()),
        }
        drop(waker);
        // It may have been told in between.
        told().map_or(Poll::Pending, Poll::Ready)
    }

    fn waker(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.waker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The open sessions of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: Mutex<Slab<Arc<Signal>>>,
    /// How many there are: asked for every candidate of every pick.
    count: AtomicU64,
}

impl Sessions {
    fn slab(&self) -> std::sync::MutexGuard<'_, Slab<Arc<Signal>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, signal: &Arc<Signal>) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.slab().insert(Arc::clone(signal))
    }

    fn leave(&self, key: usize) {
        self.slab().remove(key);
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(super) fn signals(&self) -> Vec<Weak<Signal>> {
        self.slab()
            .iter()
            .map(|(_, it)| Arc::downgrade(it))
            .collect()
    }
}

/// One session of an endpoint, from the attempt to connect until this is dropped.
#[derive(Debug)]
pub struct Lease {
    endpoint: Arc<Endpoint>,
    signal: Arc<Signal>,
    key: usize,
}

impl Lease {
    pub(super) fn new(endpoint: &Arc<Endpoint>) -> Self {
        let signal = Arc::new(Signal::default());
        Self {
            endpoint: Arc::clone(endpoint),
            key: endpoint.sessions().enter(&signal),
            signal,
        }
    }

    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.endpoint
    }

    /// Whether the session must end already.
    pub(super) fn is_cut(&self) -> bool {
        self.signal.cut.load(Ordering::Acquire) != 0
    }

    /// Ready when the session must end though neither side has finished: its tier was left, or
    /// its endpoint went down, and the policy is to drain or close. One task at a time may wait.
    ///
    /// ```
    /// use l4_failover::choice::{Policy, Sessions};
    /// use l4_failover::{Cut, Pool};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (one, other) = (tokio::net::TcpListener::bind("127.0.0.1:0").await?, tokio::net::TcpListener::bind("127.0.0.1:0").await?);
    /// # let (primary, backup) = (one.local_addr()?.to_string(), other.local_addr()?.to_string());
    /// let policy = Policy { on_failover: Sessions::Close, ..Policy::default() };
    /// let pool = Pool::builder().primary(&primary).backup(&backup).policy(policy).build()?;
    /// let session = pool.connect().await?;
    /// pool.failover().await?;
    /// tokio::select! {
    ///     // Whatever is done with `session.stream` goes here.
    ///     why = session.endpoint.cut() => assert_eq!(why, Cut::Failover),
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn cut(&self) -> Cut {
        poll_fn(|cx| self.poll_cut(cx)).await
    }

    /// [`cut`](Self::cut), for a future that keeps nothing of its own.
    pub fn poll_cut(&self, cx: &Context<'_>) -> Poll<Cut> {
        self.signal.poll(cx)
    }
}

impl Deref for Lease {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.endpoint.sessions().leave(self.key);
    }
}
