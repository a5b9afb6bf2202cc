//! Connections as they open and close, for operators who watch.
//!
//! Workers put what happens into one ring; each watcher reads it at its own pace. A watcher that is
//! slower than the ring is long loses the oldest, and is told how many: nobody ever waits for it.

mod json;
mod sighting;
mod wanted;
mod words;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

// The public interface is:
pub use json::SightingJson;
pub use sighting::{End, Sighting};
pub use wanted::{Asked, Mistake, Wanted};

/// What waits for a slow watcher: half a second of 8000 connections a second that open and end. One
/// takes less than 1 KiB, and its error, if any, what it says.
pub const RING: usize = 8192;

/// Watchers at once: an eighth of the places at the admin address.
pub const WATCHERS_MAX: usize = 8;

/// Where workers tell what happens. Without a watcher that costs one relaxed load, for each time.
///
/// ```
/// use gateway::tap::{Sighting, Tap};
/// use std::sync::Arc;
///
/// let tap = Arc::new(Tap::default());
/// tap.tell(|| unreachable!("nobody watches"));
/// let watch = tap.watch().expect("nobody else watches");
/// tap.tell(|| Sighting::denied("listen", ([192, 0, 2, 1], 5000).into()));
/// # drop(watch);
/// ```
#[derive(Debug)]
pub struct Tap {
    watchers: AtomicUsize,
    ring: broadcast::Sender<Arc<Sighting>>,
}

impl Default for Tap {
    fn default() -> Self {
        Self::with_ring(RING)
    }
}

impl Tap {
    fn with_ring(ring: usize) -> Self {
        Self {
            watchers: AtomicUsize::new(0),
            ring: broadcast::Sender::new(ring),
        }
    }

    /// Tells those who watch, if anybody does; else `sighting` is never made.
    pub fn tell(&self, sighting: impl FnOnce() -> Sighting) {
        if self.watchers.load(Relaxed) > 0 {
            // The last watcher may just have left.
            let _ = self.ring.send(Arc::new(sighting()));
        }
    }

    /// Sees everything from now on; none, if as many watch already as may.
    pub fn watch(self: &Arc<Self>) -> Option<Watch> {
        let room = |watchers| (watchers < WATCHERS_MAX).then_some(watchers + 1);
        self.watchers.fetch_update(Relaxed, Relaxed, room).ok()?;
        Some(Watch {
            seen: self.ring.subscribe(),
            tap: Arc::clone(self),
        })
    }
}

/// One who watches; dropped, it watches no more.
#[derive(Debug)]
pub struct Watch {
    seen: broadcast::Receiver<Arc<Sighting>>,
    tap: Arc<Tap>,
}

/// What a watcher gets.
#[derive(Clone, Debug)]
pub enum Seen {
    /// What happened to a connection.
    Sighting(Arc<Sighting>),
    /// So many sightings were lost here, since this watcher was too slow for them.
    Dropped(u64),
}

impl Watch {
    /// What happened next.
    pub async fn next(&mut self) -> Seen {
        match self.seen.recv().await {
            Ok(sighting) => Seen::Sighting(sighting),
            Err(RecvError::Lagged(dropped)) => Seen::Dropped(dropped),
            Err(RecvError::Closed) => unreachable!("the watch keeps the tap"),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tap.watchers.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests;
