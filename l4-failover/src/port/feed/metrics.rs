//! What is counted of feeds.

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::metrics::Register;
use crate::soupbin::join::{JoinEvent, Joined, LineFault, Why};

/// From what a hot standby takes, over the half of a millisecond that a login on one machine takes, to
/// the longest outage.
const JOIN_SECONDS: [f64; 15] = [
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
    5.0,
];

/// Vectors whose children belong to feeds.
#[derive(Debug)]
pub(in crate::port) struct FeedVectors {
    joins: IntCounterVec,
    faults: IntCounterVec,
    seconds: HistogramVec,
    waiting: IntGaugeVec,
    gaps: IntCounterVec,
    dropped: IntCounterVec,
    standbys: IntGaugeVec,
    diverged: IntCounterVec,
    outrun: IntCounterVec,
}

impl FeedVectors {
    pub(in crate::port) fn new(of: Register<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            joins: of.counters(
                "line_joins_total",
                "Lines that a consumer was put on, by why.",
                &["port", "why"],
            )?,
            faults: of.counters(
                "line_failures_total",
                "Lines of consumers that failed, by why.",
                &["port", "fault"],
            )?,
            seconds: of.histograms(
                "line_failover_seconds",
                "Time from the last byte of a consumer's line to the joining of another, the time to notice included.",
                &["port"],
                &JOIN_SECONDS,
            )?,
            waiting: of.gauges(
                "consumers_waiting",
                "Consumers that are logged in and have no line now.",
                &["port"],
            )?,
            gaps: of.counters(
                "consumer_gaps_total",
                "Gaps that consumers were carried over, as on_gap = \"report\" says.",
                &["port"],
            )?,
            dropped: of.counters(
                "unsequenced_dropped_total",
                "Messages of consumers that were dropped, because no line was joined.",
                &["port"],
            )?,
            standbys: of.gauges(
                "consumers_with_standby",
                "Consumers that have a second line beside the one that they are on, under standby = \"hot\".",
                &["port"],
            )?,
            diverged: of.counters(
                "line_divergences_total",
                "Lines that carried another message than their consumer got under its number.",
                &["port"],
            )?,
            outrun: of.counters(
                "line_outruns_total",
                "Lines that came to be further behind the other than can be compared (skew).",
                &["port"],
            )?,
        })
    }

    /// What was never counted is not there, and is not missed.
    pub(in crate::port) fn forget(&self, name: &str) {
        for why in Why::ALL {
            let _ = self.joins.remove_label_values(&[name, why.as_str()]);
        }
        for fault in LineFault::ALL {
            let _ = self.faults.remove_label_values(&[name, fault]);
        }
        let _ = self.seconds.remove_label_values(&[name]);
        let _ = self.waiting.remove_label_values(&[name]);
        let _ = self.gaps.remove_label_values(&[name]);
        let _ = self.dropped.remove_label_values(&[name]);
        let _ = self.standbys.remove_label_values(&[name]);
        let _ = self.diverged.remove_label_values(&[name]);
        let _ = self.outrun.remove_label_values(&[name]);
    }

    /// Everything of one feed, counted from 0.
    pub(in crate::port) fn of(&self, name: &str) -> FeedSeries {
        let port = [name];
        FeedSeries {
            joins: Why::ALL.map(|why| self.joins.with_label_values(&[name, why.as_str()])),
            faults: LineFault::ALL.map(|fault| self.faults.with_label_values(&[name, fault])),
            seconds: self.seconds.with_label_values(&port),
            waiting: self.waiting.with_label_values(&port),
            gaps: self.gaps.with_label_values(&port),
            dropped: self.dropped.with_label_values(&port),
            standbys: self.standbys.with_label_values(&port),
            diverged: self.diverged.with_label_values(&port),
            outrun: self.outrun.with_label_values(&port),
        }
    }
}

/// What is counted of one feed.
#[derive(Clone, Debug)]
pub struct FeedSeries {
    joins: [IntCounter; Why::ALL.len()],
    faults: [IntCounter; LineFault::ALL.len()],
    seconds: Histogram,
    waiting: IntGauge,
    gaps: IntCounter,
    dropped: IntCounter,
    standbys: IntGauge,
    diverged: IntCounter,
    outrun: IntCounter,
}

impl FeedSeries {
    pub(super) fn happened(&self, event: &JoinEvent) {
        match event {
            JoinEvent::Joined(joined) => self.joined(joined),
            JoinEvent::LineDown { fault, .. } => {
                let mut words = LineFault::ALL.iter();
                let place = words.position(|word| *word == fault.as_str());
                place.into_iter().for_each(|place| self.faults[place].inc());
            }
            JoinEvent::Gap { .. } => self.gaps.inc(),
            JoinEvent::UnsequencedDropped { messages } => self.dropped.inc_by(*messages),
            JoinEvent::Diverged { .. } => self.diverged.inc(),
            JoinEvent::Unverified { .. } => self.outrun.inc(),
            JoinEvent::LineUp { .. }
            | JoinEvent::LineQuiet { .. }
            | JoinEvent::StandingBy { .. }
            | JoinEvent::Verified { .. }
            | JoinEvent::FailoverStarted { .. }
            | JoinEvent::Truncated { .. }
            | JoinEvent::EndOfSession { .. } => {}
        }
    }

    fn joined(&self, joined: &Joined) {
        self.joins[joined.why as usize].inc();
        if joined.why == Why::Failover {
            self.seconds.observe(joined.took.total().as_secs_f64());
        }
    }

    /// A consumer lost its line, or has one again, or is gone.
    pub(super) fn waits(&self, before: bool, now: bool) {
        self.waiting.add(i64::from(now) - i64::from(before));
    }

    /// A consumer has another line beside its own, or no longer.
    pub(super) fn stands_by(&self, before: bool, now: bool) {
        self.standbys.add(i64::from(now) - i64::from(before));
    }
}
