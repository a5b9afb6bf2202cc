//! How late messages are, by a schedule that the sender keeps and this side knows.

use std::time::{Duration, SystemTime};

use hdrhistogram::Histogram;

use crate::server::Schedule;

/// The greatest latency that is told apart, in nanoseconds: a minute.
const LATENCY_MAX: u64 = 60_000_000_000;

/// When messages are due.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled {
    /// When the stream began.
    pub start: SystemTime,
    /// When each message is due from then on.
    pub schedule: Schedule,
}

/// Measures from when a message was due, not from when it was sent: a sender that is late does not
/// hide what a consumer waits. What was due before the first login is history, and not measured;
/// what an outage held back is.
#[derive(Debug)]
pub(super) struct Lateness {
    scheduled: Scheduled,
    since: Option<SystemTime>,
    pub(super) histogram: Histogram<u64>,
}

impl Lateness {
    pub(super) fn new(scheduled: Scheduled) -> Option<Self> {
        let histogram = Histogram::new_with_bounds(1, LATENCY_MAX, 3).ok()?;
        Some(Self {
            scheduled,
            since: None,
            histogram,
        })
    }

    /// A login was accepted.
    pub(super) fn begins(&mut self, now: SystemTime) {
        self.since.get_or_insert(now);
    }

    /// A message was read at `now`. One that came before its time counts as 1 ns late.
    pub(super) fn observe(&mut self, number: u64, now: SystemTime) {
        let Scheduled { start, schedule } = self.scheduled;
        let due = start.checked_add(schedule.due(number));
        let Some(due) = due.filter(|due| Some(*due) >= self.since) else {
            return;
        };
        let late = now.duration_since(due).unwrap_or(Duration::ZERO);
        let nanos = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.saturating_record(nanos.max(1));
    }
}
