//! The connections that are open now: their number is bounded, and each has an entry that others
//! may read while it lives.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;

use futures_util::task::AtomicWaker;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::relay::Tally;

/// What tells a connection from every other: of this process, and in practice of all processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    process: u32,
    serial: u64,
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", self.process, self.serial)
    }
}

/// Not the form of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a connection has the form 0a1b2c3d-4e")]
pub struct NoConnectionId;

impl FromStr for ConnectionId {
    type Err = NoConnectionId;

    /// Reads what is shown.
    fn from_str(text: &str) -> Result<Self, NoConnectionId> {
        let (process, serial) = text.split_once('-').ok_or(NoConnectionId)?;
        let id = Self {
            process: u32::from_str_radix(process, 16).map_err(|_| NoConnectionId)?,
            serial: u64::from_str_radix(serial, 16).map_err(|_| NoConnectionId)?,
        };
        // Of several texts for one number, the one that is shown.
        match id.to_string() == text {
            true => Ok(id),
            false => Err(NoConnectionId),
        }
    }
}

/// How far a connection has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// In the program's word for it.
    pub phase: &'static str,
    /// The endpoint that it is on, once there is one.
    pub endpoint: Option<Arc<str>>,
    /// Who it is, where the program itself lets users in.
    pub user: Option<Arc<str>>,
}

/// One open connection.
#[derive(Debug)]
pub struct Entry<T> {
    /// Its id.
    pub id: ConnectionId,
    /// The client's address.
    pub client: SocketAddr,
    /// The worker that it was handed to.
    pub worker: usize,
    /// When it was accepted.
    pub opened: Instant,
    /// Its bytes, as they are read.
    pub tally: Tally,
    /// What the program keeps of it.
    pub own: T,
    stage: Mutex<Stage>,
    is_unwanted: AtomicBool,
    waker: AtomicWaker,
}

impl<T> Entry<T> {
    /// How far it has come.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.lock_stage().clone()
    }

    /// It has come this far.
    pub fn reached(&self, phase: &'static str, endpoint: Option<&Arc<str>>) {
        let mut stage = self.lock_stage();
        (stage.phase, stage.endpoint) = (phase, endpoint.cloned());
    }

    /// It is this user.
    pub fn called(&self, user: &Arc<str>) {
        self.lock_stage().user = Some(Arc::clone(user));
    }

    fn lock_stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the connection's task to end it.
    pub fn end(&self) {
        self.is_unwanted.store(true, Release);
        self.waker.wake();
    }

    /// Ready when the connection is to be ended. One task at a time may wait.
    pub fn poll_end(&self, cx: &std::task::Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        match self.is_unwanted.load(Acquire) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// The place of one connection that is about to be opened.
#[derive(Debug)]
pub struct Slot<'a>(SemaphorePermit<'a>);

/// Every open connection, kept per worker so that workers do not wait for one another. `T` is what
/// the program keeps of each.
///
/// ```
/// use l4_failover::socket::live::Live;
///
/// let live = Live::new(2, 100);
/// let slot = live.try_reserve().expect("99 others have a place");
/// let entry = live.open(slot, 0, "192.0.2.1:5000".parse()?, "itch-feed");
/// live.for_each(|entry| println!("{} of {} from {}", entry.id, entry.own, entry.client));
/// assert_eq!(live.loads().collect::<Vec<_>>(), [1, 0]);
/// live.close(&entry, |_| ());
/// assert!(live.is_empty());
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug)]
pub struct Live<T> {
    process: u32,
    next: AtomicU64,
    slots: Semaphore,
    emptied: Notify,
    shards: Vec<Shard<T>>,
}

#[derive(Debug)]
struct Shard<T> {
    load: AtomicUsize,
    entries: Mutex<HashMap<u64, Arc<Entry<T>>>>,
}

impl<T> Shard<T> {
    fn new() -> Self {
        Self {
            load: AtomicUsize::new(0),
            entries: Mutex::default(),
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Arc<Entry<T>>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Live<T> {
    /// No connection yet, and never more than `max` at once, on this many workers, at least one.
    #[must_use]
    pub fn new(workers: usize, max: usize) -> Self {
        use std::hash::{BuildHasher, RandomState};
        // The hasher's keys are the standard library's source of randomness.
        let nonce = RandomState::new().hash_one(std::process::id());
        Self {
            process: nonce as u32,
            next: AtomicU64::new(1),
            slots: Semaphore::new(max.min(Semaphore::MAX_PERMITS)),
            emptied: Notify::new(),
            shards: (0..workers.max(1)).map(|_| Shard::new()).collect(),
        }
    }

    /// Takes the place of one connection, if there is one.
    pub fn try_reserve(&self) -> Option<Slot<'_>> {
        self.slots.try_acquire().ok().map(Slot)
    }

    /// Takes the place of one connection, and waits until there is one.
    pub async fn reserve(&self) -> Slot<'_> {
        match self.slots.acquire().await {
            Ok(permit) => Slot(permit),
            Err(_) => unreachable!("the semaphore is never closed"),
        }
    }

    /// A connection has been accepted, and `worker`, counted from 0, serves it.
    ///
    /// # Panics
    ///
    /// When there is no such worker.
    pub fn open(&self, slot: Slot<'_>, worker: usize, client: SocketAddr, own: T) -> Arc<Entry<T>> {
        slot.0.forget();
        let serial = self.next.fetch_add(1, Relaxed);
        let entry = Arc::new(Entry {
            id: ConnectionId {
                process: self.process,
                serial,
            },
            client,
            worker,
            opened: Instant::now(),
            tally: Tally::default(),
            own,
            stage: Mutex::default(),
            is_unwanted: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        });
        let shard = &self.shards[worker];
        shard.load.fetch_add(1, Relaxed);
        shard.entries().insert(serial, Arc::clone(&entry));
        entry
    }

    /// The connection has ended; to be called once for each. `last` is given the entry while
    /// [`for_each`](Self::for_each) does not see it any more, and must not come back here.
    pub fn close(&self, entry: &Entry<T>, last: impl FnOnce(&Entry<T>)) {
        let shard = &self.shards[entry.worker];
        let mut entries = shard.entries();
        entries.remove(&entry.id.serial);
        // Under the lock: nobody is in the middle of reading this entry.
        last(entry);
        self.slots.add_permits(1);
        if shard.load.fetch_sub(1, Relaxed) == 1 {
            self.emptied.notify_waiters();
        }
    }

    /// Waits until no connection is open.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// How many connections each worker serves.
    pub fn loads(&self) -> impl Iterator<Item = usize> {
        self.shards.iter().map(|shard| shard.load.load(Relaxed))
    }

    /// How many connections are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.loads().sum()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many workers there are.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shards.len()
    }

    /// The open connection of this id.
    #[must_use]
    pub fn find(&self, id: ConnectionId) -> Option<Arc<Entry<T>>> {
        let mut shards = self.shards.iter();
        let found = shards.find_map(|shard| shard.entries().get(&id.serial).cloned());
        found.filter(|entry| entry.id == id)
    }

    /// Shows every open connection, in no order. While those of one worker are shown, it opens and
    /// closes none: `show` must be quick, and must not come back here.
    pub fn for_each(&self, mut show: impl FnMut(&Arc<Entry<T>>)) {
        for shard in &self.shards {
            shard.entries().values().for_each(&mut show);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_there_until_it_is_closed() {
        let live = Live::new(2, 2);
        let client = "192.0.2.1:5".parse().unwrap();
        let open = |worker| live.open(live.try_reserve().unwrap(), worker, client, ());
        let (first, second) = (open(0), open(1));
        assert!(live.try_reserve().is_none());
        assert_ne!(first.id, second.id);
        assert_eq!(live.loads().collect::<Vec<_>>(), [1, 1]);
        live.close(&first, |_| ());
        assert_eq!(live.loads().collect::<Vec<_>>(), [0, 1]);
        assert!(live.try_reserve().is_some());
        live.close(&second, |_| ());
        assert!(live.is_empty());
    }

    #[test]
    fn each_connection_is_shown_until_its_last_look() {
        let live = Live::new(2, 2);
        let client = "192.0.2.1:5".parse().unwrap();
        let open = |worker, name| live.open(live.try_reserve().unwrap(), worker, client, name);
        let (first, _second) = (open(0, "first"), open(1, "second"));
        let shown = || {
            let mut shown = Vec::new();
            live.for_each(|entry| shown.push(entry.own));
            shown
        };
        assert_eq!(shown(), ["first", "second"]);
        let mut last = None;
        live.close(&first, |entry| last = Some(entry.own));
        assert_eq!((last, shown()), (Some("first"), vec!["second"]));
    }

    #[tokio::test]
    async fn a_place_is_waited_for_and_so_is_the_last_end() {
        let live = Live::new(1, 1);
        let client = "192.0.2.1:5".parse().unwrap();
        let entry = live.open(live.reserve().await, 0, client, ());
        let next = async {
            let slot = live.reserve().await;
            let entry = live.open(slot, 0, client, ());
            live.close(&entry, |_| ());
        };
        tokio::join!(biased; next, async { live.close(&entry, |_| ()) });
        live.emptied().await;
        assert_eq!(live.len(), 0);
    }
}
