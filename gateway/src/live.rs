//! The connections that are open now.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use l4_failover::socket::relay::{Side, Tally};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use crate::destination::Destination;

/// What tells a connection from every other: of this process, and in practice of all gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId {
    process: u32,
    serial: u64,
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}-{:x}", self.process, self.serial)
    }
}

/// One open connection.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: ConnectionId,
    /// The client's address.
    pub client: SocketAddr,
    /// The worker that it was handed to.
    pub worker: usize,
    /// Its bytes, as they are read.
    pub tally: Tally,
    /// Where it goes, once that is known.
    pub destination: OnceLock<Arc<Destination>>,
    reported: [AtomicU64; 2],
}

impl Entry {
    /// Adds what passed since the last report to the metrics of the destination. Only under the
    /// lock of the entry's shard, so that nothing is added twice.
    fn report(&self) {
        let Some(destination) = self.destination.get() else {
            return;
        };
        let [from_client, from_upstream] = &self.reported;
        for (side, total, reported) in [
            (Side::Client, self.tally.from_client(), from_client),
            (Side::Upstream, self.tally.from_upstream(), from_upstream),
        ] {
            let before = reported.swap(total, Relaxed);
            destination.series.add_bytes(side, total - before);
        }
    }
}

/// The place of one connection that is about to be opened.
#[derive(Debug)]
pub struct Slot<'a>(SemaphorePermit<'a>);

/// Every open connection, kept per worker so that workers do not wait for one another.
#[derive(Debug)]
pub struct Live {
    process: u32,
    next: AtomicU64,
    slots: Semaphore,
    emptied: Notify,
    shards: Vec<Shard>,
}

#[derive(Debug, Default)]
struct Shard {
    load: AtomicUsize,
    entries: Mutex<HashMap<u64, Arc<Entry>>>,
}

impl Shard {
    fn entries(&self) -> MutexGuard<'_, HashMap<u64, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// No connection yet, and never more than `max` at once, on this many workers.
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
            shards: (0..workers).map(|_| Shard::default()).collect(),
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

    /// A connection has been accepted, and `worker` serves it.
    pub fn open(&self, slot: Slot<'_>, worker: usize, client: SocketAddr) -> Arc<Entry> {
        slot.0.forget();
        let serial = self.next.fetch_add(1, Relaxed);
        let entry = Arc::new(Entry {
            id: ConnectionId {
                process: self.process,
                serial,
            },
            client,
            worker,
            tally: Tally::default(),
            destination: OnceLock::new(),
            reported: Default::default(),
        });
        let shard = &self.shards[worker];
        shard.load.fetch_add(1, Relaxed);
        shard.entries().insert(serial, Arc::clone(&entry));
        entry
    }

    /// The connection has ended.
    pub fn close(&self, entry: &Entry) {
        let shard = &self.shards[entry.worker];
        let mut entries = shard.entries();
        entries.remove(&entry.id.serial);
        entry.report();
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

    /// Brings the metrics of bytes up to now.
    pub fn report(&self) {
        for shard in &self.shards {
            shard.entries().values().for_each(|entry| entry.report());
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
        let open = |worker| live.open(live.try_reserve().unwrap(), worker, client);
        let (first, second) = (open(0), open(1));
        assert!(live.try_reserve().is_none());
        assert_ne!(first.id, second.id);
        assert_eq!(live.loads().collect::<Vec<_>>(), [1, 1]);
        live.close(&first);
        assert_eq!(live.loads().collect::<Vec<_>>(), [0, 1]);
        assert!(live.try_reserve().is_some());
        live.close(&second);
        assert!(live.is_empty());
    }
}
