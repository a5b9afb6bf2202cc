//! Waits that grow with each failure.

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

/// A wait that is drawn between a shortest time and three times the last one (decorrelated jitter), so
/// that those who failed together do not come back together.
///
/// ```
/// use l4_failover::choice::Jitter;
/// use std::time::Duration;
///
/// let (base, cap) = (Duration::from_millis(50), Duration::from_secs(5));
/// let mut jitter = Jitter::new(base, cap, 7);
/// let waits: Vec<_> = (0..100).map(|_| jitter.next_wait()).collect();
/// assert!(waits.iter().all(|wait| (base..=cap).contains(wait)));
/// assert!(waits.windows(2).all(|two| two[1] <= two[0] * 3));
/// jitter.reset();
/// assert!(jitter.next_wait() <= base * 3);
/// ```
#[derive(Clone, Debug)]
pub struct Jitter {
    base: Duration,
    cap: Duration,
    last: Duration,
    random: fastrand::Rng,
}

impl Jitter {
    /// Waits from `base` on, and never more than `cap`; `seed` is what they are drawn by.
    #[must_use]
    pub fn new(base: Duration, cap: Duration, seed: u64) -> Self {
        Self {
            base,
            cap,
            last: base,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// How long to wait after this failure.
    pub fn next_wait(&mut self) -> Duration {
        let span = (self.last * 3).saturating_sub(self.base);
        let drawn = self.base + span.mul_f64(self.random.f64());
        self.last = drawn.min(self.cap);
        self.last
    }

    /// After a success that lasted: the next wait is a short one again.
    pub fn reset(&mut self) {
        self.last = self.base;
    }
}
