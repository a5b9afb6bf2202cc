//! A wait that doubles.

use std::time::Duration;

/// A wait that doubles with each failure, between two bounds.
///
/// ```
/// use l4_failover::choice::Backoff;
/// use std::time::Duration;
///
/// let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
/// let waits: Vec<_> = (0..8).map(|_| backoff.next_wait().as_secs()).collect();
/// assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
/// backoff.reset();
/// assert_eq!(backoff.next_wait().as_secs(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Backoff {
    /// Waits from `first` on, and never more than `max`.
    #[must_use]
    pub fn new(first: Duration, max: Duration) -> Self {
        let next = first.min(max);
        Self { first, max, next }
    }

    /// How long to wait after this failure.
    pub fn next_wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.max);
        wait
    }

    /// After a success: the next wait is the first again.
    pub fn reset(&mut self) {
        self.next = self.first.min(self.max);
    }
}
