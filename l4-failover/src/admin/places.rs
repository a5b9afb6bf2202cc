//! A bounded number of places for clients. When all are taken, a newcomer gets the place of the
//! client that has waited longest to ask for something, so that silence keeps nobody out.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

/// The places of one address.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
    /// One more client waits.
    one_waits: Notify,
}

/// The clients that have no request being answered, each with what tells it to leave.
#[derive(Debug, Default)]
struct Waiting {
    /// Counts up, so that the least number has waited longest.
    next: u64,
    leave: BTreeMap<u64, Arc<Notify>>,
}

impl Places {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count)),
            waiting: Mutex::default(),
            one_waits: Notify::new(),
        })
    }

    /// A place; where all are taken, that of the client that has waited longest. While every
    /// client has a request being answered, the newcomer waits.
    pub(super) async fn take(self: &Arc<Self>) -> Arc<Place> {
        let permit = self.permit().await;
        let place = Place {
            places: Arc::clone(self),
            leave: Arc::default(),
            asked: AtomicBool::new(false),
            waits_as: Mutex::new(None),
            _permit: permit,
        };
        place.wait();
        Arc::new(place)
    }

    async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        loop {
            let one_waits = self.one_waits.notified();
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return Some(permit);
            }
            let freed = Arc::clone(&self.free).acquire_owned();
            if self.evict() {
                return freed.await.ok();
            }
            tokio::select! {
                permit = freed => return permit.ok(),
                () = one_waits => {}
            }
        }
    }

    /// Tells the client that has waited longest to leave; whether there is one.
    fn evict(&self) -> bool {
        let longest = self.waiting().leave.pop_first();
        if let Some((_, leave)) = &longest {
            leave.notify_one();
        }
        longest.is_some()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's place, which is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    leave: Arc<Notify>,
    asked: AtomicBool,
    waits_as: Mutex<Option<u64>>,
    /// None only of a semaphore that was closed, which this one never is.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Place {
    /// Done when the place is wanted for another.
    pub(super) async fn is_wanted(&self) {
        self.leave.notified().await;
    }

    /// Done when the client has not asked for anything within `time`; never, if it has.
    pub(super) async fn is_silent_for(&self, time: Duration) {
        sleep(time).await;
        if self.asked.load(Relaxed) {
            pending().await
        }
    }

    /// The client has asked for something, and keeps its place until it has the answer.
    pub(super) fn asked(self: &Arc<Self>) -> Asked {
        self.asked.store(true, Relaxed);
        self.wait_no_more();
        Asked(Arc::clone(self))
    }

    fn wait(&self) {
        let mut waiting = self.places.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.leave.insert(number, Arc::clone(&self.leave));
        *self.waits_as() = Some(number);
        drop(waiting);
        self.places.one_waits.notify_waiters();
    }

    fn wait_no_more(&self) {
        let mut waiting = self.places.waiting();
        if let Some(number) = self.waits_as().take() {
            waiting.leave.remove(&number);
        }
    }

    fn waits_as(&self) -> MutexGuard<'_, Option<u64>> {
        self.waits_as.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.wait_no_more();
    }
}

/// A request that is being answered; dropped, its client waits again.
#[derive(Debug)]
pub(super) struct Asked(Arc<Place>);

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.wait();
    }
}
