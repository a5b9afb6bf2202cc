//! Bytes of one relay, readable while it lives.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Side;

/// Counts the bytes that one relay has read from either side.
#[derive(Debug, Default)]
pub struct Tally {
    from_client: AtomicU64,
    from_upstream: AtomicU64,
    spliced: AtomicU64,
    told: [AtomicU64; 2],
}

impl Tally {
    /// Bytes that the client sent and that were read from it.
    #[must_use]
    pub fn from_client(&self) -> u64 {
        self.from_client.load(Relaxed)
    }

    /// Bytes that the upstream sent and that were read from it.
    #[must_use]
    pub fn from_upstream(&self) -> u64 {
        self.from_upstream.load(Relaxed)
    }

    /// Of all bytes, those that went by splice(2); the rest was copied.
    #[must_use]
    pub fn spliced(&self) -> u64 {
        self.spliced.load(Relaxed)
    }

    /// Counts bytes of `side` that were passed on otherwise, such as a replayed hello.
    pub fn add(&self, side: Side, bytes: u64) {
        let counter = match side {
            Side::Client => &self.from_client,
            Side::Upstream => &self.from_upstream,
        };
        // One task writes a tally, so a load and a store do, without a locked instruction.
        counter.store(counter.load(Relaxed) + bytes, Relaxed);
    }

    /// Bytes that came from `side` since this was last asked, for whoever keeps a sum over many
    /// relays. To be asked by one at a time.
    #[must_use]
    pub fn take_new(&self, side: Side) -> u64 {
        let (total, told) = match side {
            Side::Client => (self.from_client(), &self.told[0]),
            Side::Upstream => (self.from_upstream(), &self.told[1]),
        };
        total - told.swap(total, Relaxed)
    }

    pub(super) fn add_spliced(&self, bytes: u64) {
        self.spliced.store(self.spliced() + bytes, Relaxed);
    }
}
