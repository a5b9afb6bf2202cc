//! Messages that come in bursts: the same number in each period, most of them early in it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use humantime::{format_duration, parse_duration};
use thiserror::Error;

/// How the messages of each period are spread over it: a share of them evenly over its first part,
/// the rest evenly over what is left. Over whole periods the rate is as without bursts.
///
/// Written `60%:100ms/1s`: of each second's messages 60 % come within its first 100 ms.
///
/// ```
/// use soupbintcp_sim::server::Burst;
///
/// let burst: Burst = "60%:100ms/1s".parse()?;
/// assert_eq!(burst.to_string(), "60%:100ms/1s");
/// assert!("60%:1s/1s".parse::<Burst>().is_err());
/// # Ok::<(), soupbintcp_sim::server::BurstError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Burst {
    /// Of a hundred messages; 1 to 99.
    percent: u8,
    /// How long the burst lasts, in nanoseconds; less than the period.
    part: u64,
    /// From one burst to the next, in nanoseconds; 1 ms to 1 h.
    period: u64,
}

/// A text that says no burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a burst is written PERCENT%:PART/PERIOD, such as 60%:100ms/1s: 1 to 99 % of each period's \
     messages within its first part, which is shorter than the period; the period is 1ms to 1h"
)]
pub struct BurstError;

const PERIOD_MIN: Duration = Duration::from_millis(1);
const PERIOD_MAX: Duration = Duration::from_hours(1);

impl Burst {
    /// A burst of `percent` of the messages, within the first `part` of each `period`.
    ///
    /// # Errors
    ///
    /// [`BurstError`] says the ranges.
    pub fn new(percent: u8, part: Duration, period: Duration) -> Result<Self, BurstError> {
        let is_one = (1..=99).contains(&percent)
            && (PERIOD_MIN..=PERIOD_MAX).contains(&period)
            && !part.is_zero()
            && part < period;
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).map_err(|_| BurstError);
        match is_one {
            true => Ok(Self {
                percent,
                part: nanos(part)?,
                period: nanos(period)?,
            }),
            false => Err(BurstError),
        }
    }

    /// When something comes that would come at `even`, were there no bursts; nanoseconds.
    pub(super) fn bent(&self, even: u128) -> u128 {
        self.map(even, |knee| (knee, u128::from(self.part)))
    }

    /// What [`bent`](Self::bent) makes `bent` of, within the rounding.
    pub(super) fn even(&self, bent: u128) -> u128 {
        self.map(bent, |knee| (u128::from(self.part), knee))
    }

    /// Within each period a line with one knee: from 0 over the knee to the period.
    fn map(&self, time: u128, axes: impl Fn(u128) -> (u128, u128)) -> u128 {
        let period = u128::from(self.period);
        // Where the burst's messages end, were all spread evenly.
        let (from, to) = axes(period * u128::from(self.percent) / 100);
        let (periods, within) = (time / period, time % period);
        let mapped = match within < from {
            true => within * to / from,
            false => to + (within - from) * (period - to) / (period - from),
        };
        periods * period + mapped
    }
}

impl FromStr for Burst {
    type Err = BurstError;

    fn from_str(text: &str) -> Result<Self, BurstError> {
        let (percent, times) = text.split_once("%:").ok_or(BurstError)?;
        let (part, period) = times.split_once('/').ok_or(BurstError)?;
        let time = |text| parse_duration(text).map_err(|_| BurstError);
        let percent = percent.parse().map_err(|_| BurstError)?;
        Self::new(percent, time(part)?, time(period)?)
    }
}

impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |nanos| format_duration(Duration::from_nanos(nanos));
        let (part, period) = (time(self.part), time(self.period));
        write!(f, "{}%:{part}/{period}", self.percent)
    }
}
