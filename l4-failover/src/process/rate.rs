//! So many a second, and the rest counted.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Admits a number of events a second, and counts the others: for log lines that anybody can
/// cause.
///
/// ```
/// use l4_failover::process::rate::RateLimit;
/// use std::time::{Duration, Instant};
///
/// let (limit, now) = (RateLimit::new(1), Instant::now());
/// assert!(limit.admit(now) && !limit.admit(now));
/// assert!(limit.admit(now + Duration::from_secs(2)));
/// assert_eq!(limit.take_left_out(), 1);
/// ```
#[derive(Debug)]
pub struct RateLimit {
    per_second: u32,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    admitted: u32,
    left_out: u64,
}

impl RateLimit {
    /// Admits `per_second` events in each second; 0 admits none.
    #[must_use]
    pub fn new(per_second: u32) -> Self {
        let window = Window {
            began: Instant::now(),
            admitted: 0,
            left_out: 0,
        };
        Self {
            per_second,
            window: Mutex::new(window),
        }
    }

    /// Whether the event that happens at `now` is admitted; one that is not is counted.
    pub fn admit(&self, now: Instant) -> bool {
        let mut window = self.window();
        if now.saturating_duration_since(window.began) >= Duration::from_secs(1) {
            (window.began, window.admitted) = (now, 0);
        }
        let admitted = window.admitted < self.per_second;
        match admitted {
            true => window.admitted += 1,
            false => window.left_out += 1,
        }
        admitted
    }

    /// How many events were not admitted since this was last asked.
    #[must_use]
    pub fn take_left_out(&self) -> u64 {
        std::mem::take(&mut self.window().left_out)
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_over_the_bound_are_counted_and_a_new_second_admits_again() {
        let limit = RateLimit::new(2);
        let start = Instant::now();
        let admitted = [0, 10, 20, 999].map(|ms| limit.admit(start + Duration::from_millis(ms)));
        assert_eq!(admitted, [true, true, false, false]);
        assert!(limit.admit(start + Duration::from_millis(1001)));
        assert_eq!(limit.take_left_out(), 2);
        assert_eq!(limit.take_left_out(), 0);
    }
}
