//! When messages came, and whether each came once. Pure, but for telling how far consumers are.

use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;

use super::super::latency::{Clock, histogram};

/// Of so many messages the time of one is kept; no multiple of what anybody does in steps.
const SAMPLED: u64 = 7;

/// What is sent, and what of it is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) clock: Clock,
    /// The first message that is measured, and the last.
    pub(super) first: u64,
    pub(super) last: u64,
    /// Messages of the session, which then ends.
    pub(super) messages: u64,
}

impl Span {
    /// The place of message `n` among those whose times are kept.
    fn place(&self, n: u64) -> Option<usize> {
        let after = n.checked_sub(self.first).filter(|_| n <= self.last)?;
        (after % SAMPLED == 0).then_some((after / SAMPLED) as usize)
    }

    fn places(&self) -> usize {
        ((self.last - self.first) / SAMPLED + 1) as usize
    }
}

/// What one consumer got so far. Messages of a day have times that strictly increase: of none that
/// came twice or late, as many as there are can only be all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Judge {
    /// How many came.
    pub(super) count: u64,
    /// The time that the last one names, in nanoseconds.
    time: Option<u64>,
}

impl Judge {
    /// A message came: the time that it names.
    pub(super) fn message(&mut self, message: &[u8]) -> Result<u64> {
        let time = timestamp(message).context("a message without a time")?;
        self.count += 1;
        let is_later = Some(time) > self.time;
        ensure!(is_later, "message {} came again, or late", self.count);
        self.time = Some(time);
        Ok(time)
    }

    /// The session of so many messages ended.
    pub(super) fn end(&self, messages: u64) -> Result<()> {
        let count = self.count;
        ensure!(
            count == messages,
            "a session of {messages} messages ended, and a consumer got {count}"
        );
        Ok(())
    }
}

/// The time of an ITCH 5.0 message: 6 bytes behind letter, locate and tracking number.
fn timestamp(message: &[u8]) -> Option<u64> {
    let bytes = message.get(5..11)?;
    let add = |time, byte: &u8| (time << 8) | u64::from(*byte);
    Some(bytes.iter().fold(0, add))
}

/// When a message came to consumers, in nanoseconds since the start.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The time that it names; none before it came to anybody.
    time: Option<u64>,
    first: u64,
    last: u64,
}

impl Seen {
    const NEVER: Self = Self {
        time: None,
        first: u64::MAX,
        last: 0,
    };

    fn add(&mut self, other: Self) -> Result<()> {
        let is_same = self.time.is_none() || other.time.is_none() || self.time == other.time;
        ensure!(is_same, "consumers got other messages of one number");
        self.time = self.time.or(other.time);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        Ok(())
    }
}

/// A message that is measured: the first, or the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    First,
    Last,
}

/// What the consumers of one thread got.
#[derive(Debug)]
pub(super) struct Tally {
    span: Span,
    /// Nanoseconds from the schedule to a consumer.
    pub(super) late: Histogram<u64>,
    seen: Vec<Seen>,
    /// How many consumers have the first message that is measured yet to get, and the last.
    missing: [usize; 2],
    marks: Sender<Mark>,
}

impl Tally {
    /// Says to `marks` when all of so many consumers have come as far.
    pub(super) fn new(span: Span, consumers: usize, marks: Sender<Mark>) -> Result<Self> {
        Ok(Self {
            span,
            late: histogram()?,
            seen: vec![Seen::NEVER; span.places()],
            missing: [consumers; 2],
            marks,
        })
    }

    /// Message `n`, which names this time, came to a consumer.
    pub(super) fn message(&mut self, n: u64, time: u64, at: Instant) -> Result<()> {
        if let Some(place) = self.span.place(n) {
            let came = at.saturating_duration_since(self.span.clock.start);
            let late = nanos(came.saturating_sub(self.span.clock.due(n)));
            self.late.saturating_record(late);
            let (time, came) = (Some(time), nanos(came));
            let (first, last) = (came, came);
            let seen = Seen { time, first, last };
            self.seen[place].add(seen).with_context(|| n.to_string())?;
        }
        self.pass(n);
        Ok(())
    }

    fn pass(&mut self, n: u64) {
        let marks = [(Mark::First, self.span.first), (Mark::Last, self.span.last)];
        for ((mark, at), missing) in marks.into_iter().zip(&mut self.missing) {
            if n == at {
                *missing -= 1;
                if *missing == 0 {
                    // Nobody listens any more where another thread has failed.
                    let _ = self.marks.send(mark);
                }
            }
        }
    }

    /// Adds what other consumers got.
    pub(super) fn add(&mut self, other: &Self) -> Result<()> {
        self.late.add(&other.late)?;
        let mut pairs = self.seen.iter_mut().zip(&other.seen);
        pairs.try_for_each(|(seen, other)| seen.add(*other))
    }

    /// Microseconds from the first consumer that had a message to the last, of each that was kept.
    pub(super) fn skews(&self) -> impl Iterator<Item = f64> {
        let skew = |it: &Seen| it.last.saturating_sub(it.first) as f64 / 1e3;
        self.seen.iter().map(skew)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use soupbintcp_sim::day::Day;

    use super::super::super::stage::Feed;
    use super::*;

    fn judged(numbers: impl IntoIterator<Item = u64>) -> Result<()> {
        let mut judge = Judge::default();
        for n in numbers {
            judge.message(Day::new(7).from(n).next())?;
        }
        judge.end(10)
    }

    #[test]
    fn a_judge_sees_what_is_left_out_and_what_comes_again() {
        assert!(judged(1..=10).is_ok());
        assert!(judged((1..=10).filter(|n| *n != 5)).is_err());
        assert!(judged([1, 2, 2, 3, 4, 5, 6, 7, 8, 9]).is_err());
        assert!(judged([1, 2, 3, 5, 4, 6, 7, 8, 9, 10]).is_err());
        assert!(judged(1..=11).is_err());
    }

    #[test]
    fn a_skew_is_from_the_first_consumer_to_the_last() {
        let clock = Clock::of(&Feed::now(7, Some(1000)), 1000);
        let (first, last, messages) = (10, 17, 20);
        let span = Span {
            clock,
            first,
            last,
            messages,
        };
        let (said, heard) = channel();
        let mut tally = Tally::new(span, 2, said).unwrap();
        for (consumer, late) in [(0, 100), (1, 350)] {
            for n in 1..=messages {
                let at = clock.start + clock.due(n) + Duration::from_micros(late);
                tally.message(n, n, at).unwrap();
            }
            assert_eq!(heard.try_iter().count(), 2 * consumer);
        }
        assert_eq!(tally.skews().collect::<Vec<_>>(), [250.0, 250.0]);
        assert_eq!(tally.late.len(), 4);
        assert!(tally.message(10, 11, clock.start).is_err());
    }
}
