//! How late messages are, by a schedule that the sender keeps and this side knows.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;

/// The greatest latency that is told apart, in nanoseconds: a minute.
const LATENCY_MAX: u64 = 60_000_000_000;

/// When messages are due: number n at `start + n / rate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// When the stream began.
    pub start: SystemTime,
    /// Messages per second; positive and finite.
    pub rate: f64,
}

/// Measures from when a message was due, not from when it was sent: a sender that is late does not
/// hide what a consumer waits.
#[derive(Debug)]
pub(super) struct Lateness {
    start: u64,
    pause: f64,
    pub(super) histogram: Histogram<u64>,
}

impl Lateness {
    pub(super) fn new(schedule: Schedule) -> Option<Self> {
        let histogram = Histogram::new_with_bounds(1, LATENCY_MAX, 3).ok()?;
        let start = nanos(schedule.start);
        Some(Self {
            start,
            pause: 1e9 / schedule.rate,
            histogram,
        })
    }

    /// A message was read at `now`. One that came before its time counts as 1 ns late.
    pub(super) fn observe(&mut self, number: u64, now: SystemTime) {
        let due = self
            .start
            .saturating_add((number as f64 * self.pause) as u64);
        self.histogram
            .saturating_record(nanos(now).saturating_sub(due).max(1));
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
