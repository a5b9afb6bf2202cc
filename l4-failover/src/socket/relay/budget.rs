//! The bound on bytes that peers would not take yet, all relays together.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::socket::scratch;

/// Counts owned bytes; a flow reads no more than it may own.
///
/// The bytes of a read are written out in the same turn, so only what is left over is counted. A
/// worker can be in the middle of one read: the threshold leaves room for that in every worker.
#[derive(Debug)]
pub(super) struct Budget {
    threshold: usize,
    used: AtomicUsize,
    is_awaited: AtomicBool,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    /// Counts the times that everybody in the queue was woken.
    round: u64,
    wakers: Vec<Waker>,
}

/// The round in which a flow last joined the queue, so that it stands there once.
#[derive(Debug, Default)]
pub(super) struct Place(Option<u64>);

impl Budget {
    pub(super) fn new(owned_max: usize, workers: usize) -> Self {
        let in_hand = workers.saturating_sub(1) * scratch::BYTES;
        Self {
            threshold: owned_max.saturating_sub(in_hand).max(scratch::BYTES),
            used: AtomicUsize::new(0),
            is_awaited: AtomicBool::new(false),
            queue: Mutex::default(),
        }
    }

    pub(super) fn used(&self) -> usize {
        self.used.load(SeqCst)
    }

    /// How many bytes a flow may read now; pending while others own all of them.
    pub(super) fn poll_allowance(&self, cx: &mut Context<'_>, place: &mut Place) -> Poll<usize> {
        match self.allowance() {
            0 => self.poll_waiting(cx, place),
            bytes => Poll::Ready(bytes),
        }
    }

    fn allowance(&self) -> usize {
        self.threshold
            .saturating_sub(self.used())
            .min(scratch::BYTES)
    }

    #[cold]
    fn poll_waiting(&self, cx: &mut Context<'_>, place: &mut Place) -> Poll<usize> {
        let mut queue = self.queue();
        if place.0 != Some(queue.round) {
            place.0 = Some(queue.round);
            queue.wakers.push(cx.waker().clone());
        }
        self.is_awaited.store(true, SeqCst);
        // Bytes given back since the first look woke nobody: look again, now that we are listed.
        match self.allowance() {
            0 => Poll::Pending,
            bytes => Poll::Ready(bytes),
        }
    }

    /// Whether `bytes` that are elsewhere, in a pipe, may become owned ones.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.used() + bytes <= self.threshold
    }

    pub(super) fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, SeqCst);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, SeqCst);
        if self.is_awaited.load(SeqCst) {
            self.wake_all();
        }
    }

    #[cold]
    fn wake_all(&self) {
        let mut queue = self.queue();
        queue.round += 1;
        self.is_awaited.store(false, SeqCst);
        queue.wakers.drain(..).for_each(Waker::wake);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn poll(budget: &Budget) -> Poll<usize> {
        budget.poll_allowance(
            &mut Context::from_waker(Waker::noop()),
            &mut Place::default(),
        )
    }

    #[test]
    fn a_flow_may_read_no_more_than_is_left() {
        let budget = Budget::new(scratch::BYTES + 100, 1);
        assert_eq!(poll(&budget), Poll::Ready(scratch::BYTES));
        budget.take(scratch::BYTES);
        assert_eq!(poll(&budget), Poll::Ready(100));
        budget.take(100);
        assert_eq!(poll(&budget), Poll::Pending);
        budget.give_back(7);
        assert_eq!(poll(&budget), Poll::Ready(7));
    }

    #[test]
    fn a_waiting_flow_stands_in_the_queue_once_and_is_woken() {
        let budget = Budget::new(scratch::BYTES, 1);
        budget.take(scratch::BYTES);
        let (mut place, counter) = (Place::default(), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&counter));
        for _ in 0..3 {
            let poll = budget.poll_allowance(&mut Context::from_waker(&waker), &mut place);
            assert_eq!(poll, Poll::Pending);
        }
        budget.give_back(1);
        budget.give_back(1);
        assert_eq!(counter.0.load(SeqCst), 1);
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn other_workers_reads_in_hand_fit_under_the_bound() {
        let budget = Budget::new(10 * scratch::BYTES, 4);
        budget.take(7 * scratch::BYTES);
        assert_eq!(poll(&budget), Poll::Pending);
    }
}
