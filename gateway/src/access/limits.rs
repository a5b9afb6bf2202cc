//! How much one source may take.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::networks::Networks;

/// How much each source may take; by default as much as it likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceLimits {
    /// Connections open at once.
    pub connections: Option<NonZeroU32>,
    /// New connections.
    pub rate: Option<Rate>,
    /// How many leading bits make addresses of IPv6 one source, 0 to 128.
    pub ipv6_prefix: u8,
    /// Whose connections are not limited, and do not count.
    pub exempt: Networks,
}

impl SourceLimits {
    /// Whether anything is limited.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.connections.is_some() || self.rate.is_some()
    }
}

/// So many a second on average, and so many at once after a rest.
///
/// ```
/// use gateway::access::Rate;
/// use std::num::NonZeroU32;
/// use std::time::{Duration, Instant};
///
/// let [ten, two] = [10, 2].map(|it| NonZeroU32::new(it).unwrap());
/// let (rate, start) = (Rate::new(ten, two), Instant::now());
/// let rested = rate.take(start, start).expect("one of two");
/// let rested = rate.take(rested, start).expect("two of two");
/// assert_eq!(rate.take(rested, start), None);
/// assert!(rate.take(rested, start + Duration::from_millis(100)).is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// From one to the next, on average.
    every: Duration,
    /// How much sooner than that the last of a burst may come.
    slack: Duration,
}

impl Rate {
    /// `per_second` on average; `burst` at once, after which it takes `burst` / `per_second`
    /// seconds to have rested.
    #[must_use]
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let every = Duration::from_secs(1) / per_second.get();
        Self {
            every,
            slack: every * (burst.get() - 1),
        }
    }

    /// One more at `now`, by whoever will have `rested`; when it will have rested then. None: that
    /// would be too many, and nothing is taken.
    ///
    /// One instant is all that has to be known of a token bucket: when it will be full again (the
    /// generic cell rate algorithm).
    #[must_use]
    pub fn take(&self, rested: Instant, now: Instant) -> Option<Instant> {
        let owed = rested.saturating_duration_since(now);
        (owed <= self.slack).then(|| rested.max(now) + self.every)
    }
}
