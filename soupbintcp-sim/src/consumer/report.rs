//! What a run saw.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::verdict::{Fault, Faults};

/// The verdict on a run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Sequenced messages that came.
    pub messages: u64,
    /// The number of the first one, by the accepted login; none if none came.
    pub first: Option<u64>,
    /// The number of the last one, by counting from the login.
    pub last: Option<u64>,
    /// What was wrong with them.
    pub faults: Faults,
    /// The first mistakes, one by one.
    pub told: Vec<Fault>,
    /// Connections that ended otherwise than by the end of the session, or by this side.
    pub disconnects: u64,
    /// Why, for the first ones.
    pub causes: Vec<String>,
    /// What became of the lines; none where there was only one address.
    pub lines: Option<LinesReport>,
    /// Nanoseconds from when a message was due to when it was read, of those that were due after the
    /// first login; none if no schedule was given.
    pub latency: Option<Histogram<u64>>,
}

/// What became of the lines of a feed, which its consumer did not notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinesReport {
    /// Lines that messages came from and that failed.
    pub lost: u64,
    /// Lines that messages came from after another.
    pub joined: u64,
    /// The longest time from the last byte of a line that failed to the first message that could come
    /// from the next.
    pub longest: Duration,
}

impl Report {
    /// Whether everything came once, in order, unharmed, over a connection that held.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.faults.is_clean() && self.disconnects == 0
    }

    /// One line of JSON, without the line's end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let Faults {
            gaps,
            duplicates,
            reorders,
            corrupt,
        } = self.faults;
        let line = Line {
            messages: self.messages,
            first: self.first,
            last: self.last,
            gaps,
            duplicates,
            reorders,
            corrupt,
            disconnects: self.disconnects,
            lines_lost: self.lines.map(|it| it.lost),
            lines_joined: self.lines.map(|it| it.joined),
            failover_ms_max: self.lines.map(|it| it.longest.as_secs_f64() * 1000.0),
            latency_ns: self.latency.as_ref().map(Latency::of),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct Line {
    messages: u64,
    first: Option<u64>,
    last: Option<u64>,
    gaps: u64,
    duplicates: u64,
    reorders: u64,
    corrupt: u64,
    disconnects: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines_lost: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines_joined: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failover_ms_max: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ns: Option<Latency>,
}

#[derive(Serialize)]
struct Latency {
    count: u64,
    min: u64,
    p50: u64,
    p90: u64,
    p99: u64,
    p999: u64,
    max: u64,
}

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            min: histogram.min(),
            p50: histogram.value_at_quantile(0.5),
            p90: histogram.value_at_quantile(0.9),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            max: histogram.max(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Faults {
            gaps,
            duplicates,
            reorders,
            corrupt,
        } = self.faults;
        write!(f, "{} messages", self.messages)?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            write!(f, " ({first} to {last})")?;
        }
        write!(
            f,
            ": {gaps} gaps, {duplicates} duplicates, {reorders} reorders, {corrupt} corrupt"
        )?;
        write!(f, ", {} disconnects", self.disconnects)?;
        if let Some(lines) = &self.lines {
            let longest = lines.longest.as_secs_f64() * 1000.0;
            let (lost, joined) = (lines.lost, lines.joined);
            write!(
                f,
                "; {lost} lines lost, {joined} joined after, {longest:.1} ms at most"
            )?;
        }
        if let Some(latency) = self.latency.as_ref().map(Latency::of) {
            let Latency {
                p50,
                p99,
                p999,
                max,
                ..
            } = latency;
            let [p50, p99, p999, max] = [p50, p99, p999, max].map(|ns| ns as f64 / 1000.0);
            write!(
                f,
                "; latency p50 {p50:.1} µs, p99 {p99:.1} µs, p99.9 {p999:.1} µs, max {max:.1} µs"
            )?;
        }
        Ok(())
    }
}
