//! What happened since the start.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Counters of the whole server.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) messages: AtomicU64,
    pub(super) logins: AtomicU64,
    pub(super) rejected: AtomicU64,
    pub(super) lateness: Lateness,
}

/// Powers of two of a microsecond: up to half a second, and more than that.
const BUCKETS: usize = 21;

/// How much later than due live messages were given to the kernel.
#[derive(Debug, Default)]
pub(super) struct Lateness([AtomicU64; BUCKETS]);

impl Lateness {
    /// So many messages were this late.
    pub(super) fn add(&self, late: Duration, messages: u64) {
        let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - micros.leading_zeros()) as usize;
        self.0[bucket.min(BUCKETS - 1)].fetch_add(messages, Relaxed);
    }

    /// The upper bound, in microseconds, of the lateness of this share of the messages; none
    /// without messages.
    pub(super) fn quantile(&self, share: f64) -> Option<u64> {
        let counts = self.0.each_ref().map(|count| count.load(Relaxed));
        let total: u64 = counts.iter().sum();
        let rank = (total as f64 * share).ceil() as u64;
        let mut seen = 0;
        let bucket = counts.iter().position(|count| {
            seen += count;
            seen >= rank
        });
        bucket.filter(|_| total > 0).map(|bucket| 1 << bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_upper_bounds() {
        let lateness = Lateness::default();
        assert_eq!(lateness.quantile(0.5), None);
        lateness.add(Duration::from_micros(10), 98);
        lateness.add(Duration::from_micros(100), 2);
        lateness.add(Duration::from_secs(100), 0);
        assert_eq!(lateness.quantile(0.5), Some(16));
        assert_eq!(lateness.quantile(0.99), Some(128));
    }
}
