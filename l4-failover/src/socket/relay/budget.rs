//! The bound on bytes that peers would not take yet, all relays together.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crate::socket::scratch;

/// What a flow may read even when others own everything, in bytes. It never waits for them: it
/// would be stopped by peers that are not its own, and could not see its own peer's end.
const READ_MIN: usize = 1024;

/// One read takes at most this part of what is left, so that the last of it goes to many.
const SHARE: usize = 16;

/// Counts owned bytes; a flow reads no more than it may own.
///
/// The bytes of a read are written out in the same turn, so only what is left over is counted.
#[derive(Debug)]
pub(super) struct Budget {
    /// Where reads have shrunk to `READ_MIN`.
    threshold: usize,
    share: usize,
    used: AtomicUsize,
}

impl Budget {
    /// A budget of `owned_max` bytes: the flows of `relays` may own `READ_MIN` each out of it, or
    /// beyond it where that is more than half.
    pub(super) fn new(owned_max: usize, relays: usize, workers: usize) -> Self {
        let for_all = relays.saturating_mul(2 * READ_MIN).min(owned_max / 2);
        Self {
            threshold: owned_max - for_all,
            // Each worker may be in the middle of one read.
            share: SHARE.max(workers),
            used: AtomicUsize::new(0),
        }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// How many bytes a flow may read now: never none.
    pub(super) fn allowance(&self) -> usize {
        let left = self.threshold.saturating_sub(self.used());
        (left / self.share).clamp(READ_MIN, scratch::BYTES)
    }

    /// Whether `bytes` that are elsewhere, in a pipe, may become owned ones.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.used() + bytes <= self.threshold
    }

    pub(super) fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_shrink_as_the_budget_does_and_never_to_nothing() {
        let budget = Budget::new(4 << 20, 0, 2);
        assert_eq!(budget.allowance(), scratch::BYTES);
        budget.take((4 << 20) - 160_000);
        assert_eq!(budget.allowance(), 10_000);
        budget.take(160_000);
        assert_eq!(budget.allowance(), READ_MIN);
        budget.give_back(80_000);
        assert_eq!(budget.allowance(), 5_000);
    }

    #[test]
    fn what_every_flow_may_own_is_set_aside() {
        let (relays, owned_max) = (1000, 8 << 20);
        let budget = Budget::new(owned_max, relays, 2);
        budget.take(budget.threshold);
        budget.take(2 * relays * budget.allowance());
        assert_eq!(budget.used(), owned_max);
    }

    #[test]
    fn readers_in_all_workers_at_once_stay_within_it() {
        let (workers, owned_max) = (64, 4 << 20);
        let budget = Budget::new(owned_max, 0, workers);
        while budget.allowance() > READ_MIN {
            let in_hand = workers * budget.allowance();
            assert!(budget.used() + in_hand <= owned_max);
            budget.take(in_hand);
        }
    }
}
