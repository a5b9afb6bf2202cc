//! When each message is due: a function of its number alone.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::Burst;

/// How fast messages come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// So many a second, 1 to 100 000 000.
    PerSecond(NonZeroU32),
    /// As fast as each client reads.
    Max,
}

/// A text that is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a rate is a number of messages a second from 1 to {RATE_MAX}, or max (or 0): as fast as \
     clients read"
)]
pub struct RateError;

/// Ten nanoseconds a message: above what any machine here can send.
const RATE_MAX: u32 = 100_000_000;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let rate: u32 = text.parse().map_err(|_| RateError)?;
        match NonZeroU32::new(rate) {
            None => Ok(Self::Max),
            Some(_) if rate > RATE_MAX => Err(RateError),
            Some(rate) => Ok(Self::PerSecond(rate)),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => rate.fmt(f),
            Self::Max => f.write_str("max"),
        }
    }
}

/// When each message is due, counted from the start: message n at n / rate, bent by the bursts.
/// Two servers of one start and one schedule stand at the same place, whatever happened to either.
///
/// ```
/// use std::time::Duration;
/// use soupbintcp_sim::server::Schedule;
///
/// let schedule = Schedule::new(10_000.try_into()?, None);
/// assert_eq!(schedule.due(1), Duration::from_micros(100));
/// assert_eq!(schedule.count(Duration::from_secs(3)), 30_000);
/// # Ok::<(), std::num::TryFromIntError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    rate: NonZeroU32,
    burst: Option<Burst>,
}

const SECOND: u128 = 1_000_000_000;

impl Schedule {
    /// `rate` messages a second, in bursts or evenly.
    #[must_use]
    pub fn new(rate: NonZeroU32, burst: Option<Burst>) -> Self {
        Self { rate, burst }
    }

    /// When message `n`, counted from 1, is due, from the start on. Never before message n - 1.
    #[must_use]
    pub fn due(&self, n: u64) -> Duration {
        let nanos = self.nanos(n);
        let seconds = u64::try_from(nanos / SECOND).unwrap_or(u64::MAX);
        // Less than a second.
        Duration::new(seconds, (nanos % SECOND) as u32)
    }

    /// How many messages are due once so much time has passed.
    #[must_use]
    pub fn count(&self, elapsed: Duration) -> u64 {
        let elapsed = elapsed.as_nanos();
        let even = self.burst.map_or(elapsed, |burst| burst.even(elapsed));
        let about = even * u128::from(self.rate.get()) / SECOND;
        self.exactly(u64::try_from(about).unwrap_or(u64::MAX), elapsed)
    }

    /// Bursts round by a few nanoseconds, in which a few messages may be due.
    fn exactly(&self, about: u64, elapsed: u128) -> u64 {
        let mut count = about;
        while count < u64::MAX && self.nanos(count + 1) <= elapsed {
            count += 1;
        }
        while count > 0 && self.nanos(count) > elapsed {
            count -= 1;
        }
        count
    }

    fn nanos(&self, n: u64) -> u128 {
        let even = (u128::from(n) * SECOND).div_ceil(u128::from(self.rate.get()));
        self.burst.map_or(even, |burst| burst.bent(even))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(rate: u32) -> NonZeroU32 {
        NonZeroU32::new(rate).unwrap()
    }

    #[test]
    fn rates_are_read() {
        assert_eq!("10000".parse(), Ok(Rate::PerSecond(rate(10_000))));
        assert_eq!("0".parse(), Ok(Rate::Max));
        assert_eq!("max".parse(), Ok(Rate::Max));
        assert_eq!("100000001".parse::<Rate>(), Err(RateError));
        assert_eq!("-1".parse::<Rate>(), Err(RateError));
    }

    #[test]
    fn a_burst_brings_its_share_early_and_leaves_the_mean_alone() {
        let burst = "60%:100ms/1s".parse().unwrap();
        let schedule = Schedule::new(rate(1000), Some(burst));
        let count = |ms| schedule.count(Duration::from_millis(ms));
        assert_eq!([count(50), count(100), count(1000)], [300, 600, 1000]);
        assert_eq!(count(5100), 5600);
    }

    proptest! {
        #[test]
        fn a_message_is_due_exactly_when_it_is_counted(
            n in 1..20_000_000_000_u64,
            per_second in 1..=RATE_MAX,
            burst in proptest::option::of((1..=99_u8, 1..999_u64)),
        ) {
            let burst = burst.map(|(percent, part)| {
                Burst::new(percent, Duration::from_millis(part), Duration::from_secs(1)).unwrap()
            });
            let schedule = Schedule::new(rate(per_second), burst);
            let due = schedule.due(n);
            prop_assert!(schedule.count(due) >= n);
            prop_assert!(schedule.count(due - Duration::from_nanos(1)) < n);
            prop_assert!(schedule.due(n + 1) >= due);
        }
    }
}
