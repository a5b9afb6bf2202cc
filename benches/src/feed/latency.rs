//! What the bridge adds to the way of a message. One consumer at a time takes the same messages, the
//! ways in turn: two at once would measure how four processes share two CPUs. Times count from when a
//! message was scheduled, so that a server or a consumer that falls behind is not forgiven (open loop).

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::Conditions;
use super::consumer::{LOGIN, LoggedIn};
use super::decode::{HEARTBEAT, Said};
use super::failovers::stands_by;
use super::stage::{Bridge, Feed, Server};
use super::way::Way;
use crate::progress::Progress;
use crate::quantiles::Sorted;

/// Messages that are due this long after a start are not measured: connections and code are new.
const WARM: Duration = Duration::from_millis(500);

/// How often it is looked whether a line stands by.
const LOOK: Duration = Duration::from_millis(5);

/// How often a client says that it is there.
const HEARTBEATS: Duration = Duration::from_secs(1);

/// Above this a message counts as if it had come then: no measurement lasts longer.
const LATEST: u64 = 60_000_000_000;

/// The shares of messages that are told.
pub(super) const SHARES: [f64; 4] = [0.5, 0.99, 0.999, 1.0];

/// Times of one way.
#[derive(Debug)]
pub(super) struct Latency {
    pub(super) way: Way,
    /// Messages a second.
    pub(super) rate: u32,
    /// Nanoseconds from the schedule to the consumer, of all rounds together.
    pub(super) all: Histogram<u64>,
    /// Microseconds that each of [`SHARES`] did not exceed, of each round.
    rounds: Vec<[f64; 4]>,
}

impl Latency {
    fn new(way: Way, rate: u32) -> Result<Self> {
        Ok(Self {
            way,
            rate,
            all: histogram()?,
            rounds: Vec::new(),
        })
    }

    fn add(&mut self, round: &Histogram<u64>) -> Result<()> {
        self.all.add(round)?;
        self.rounds.push(SHARES.map(|share| micros(round, share)));
        Ok(())
    }

    /// Of each of [`SHARES`] what the rounds came to.
    pub(super) fn by_round(&self) -> [Sorted; 4] {
        let round = |at: usize| Sorted::of(self.rounds.iter().map(|it| it[at]));
        [0, 1, 2, 3].map(round)
    }

    /// The same, beyond what the other way took in the same round.
    pub(super) fn beyond(&self, other: &Self) -> [Sorted; 4] {
        let rounds = || self.rounds.iter().zip(&other.rounds);
        [0, 1, 2, 3].map(|at| Sorted::of(rounds().map(|(this, other)| this[at] - other[at])))
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "way": self.way.to_string(),
            "rate": self.rate,
            "messages": self.all.len(),
            "shares": SHARES,
            "us_by_round": self.rounds,
        })
    }
}

/// The time that this share of the messages did not exceed, in microseconds.
pub(super) fn micros(histogram: &Histogram<u64>, share: f64) -> f64 {
    histogram.value_at_quantile(share) as f64 / 1e3
}

/// When messages were scheduled, on the clock that never jumps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) start: Instant,
    rate: u32,
}

impl Clock {
    /// The narrowest of some looks at both clocks: whoever is interrupted between them is not.
    pub(super) fn of(feed: &Feed, rate: u32) -> Self {
        let look = |_| {
            let (before, wall, after) = (Instant::now(), SystemTime::now(), Instant::now());
            (after - before, before + (after - before) / 2, wall)
        };
        let looks = (0..100).map(look);
        let (_, at, wall) = looks.min_by_key(|it| it.0).unwrap_or_else(|| look(0));
        let start = match wall.duration_since(feed.start) {
            Ok(since) => at.checked_sub(since).unwrap_or(at),
            // It has yet to begin.
            Err(ahead) => at + ahead.duration(),
        };
        Self { start, rate }
    }

    /// When message `n` is due, from the start on.
    pub(super) fn due(self, n: u64) -> Duration {
        let nanos = u128::from(n) * 1_000_000_000;
        let nanos = nanos.div_ceil(u128::from(self.rate));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The number of the first message that is due from `at` on.
    fn first(self, at: Duration) -> u64 {
        let n = at.as_nanos() * u128::from(self.rate) / 1_000_000_000;
        u64::try_from(n).unwrap_or(u64::MAX) + 1
    }
}

/// Measures for so many rounds, of so many messages each.
pub(super) fn run(rounds: usize, messages: u64, conditions: &Conditions) -> Result<Vec<Latency>> {
    let rate = conditions.latency_rate;
    let mut latencies = Vec::new();
    for way in Way::ALL {
        latencies.push(Latency::new(way, rate)?);
    }
    let mut progress = Progress::start(format!("latency at {rate} messages/s"), rounds);
    for round in 0..rounds {
        for latency in &mut latencies {
            latency.add(&once(latency.way, messages, conditions)?)?;
        }
        // Whoever comes first in one round does not in the next.
        latencies.rotate_left(1);
        progress.done(round + 1);
    }
    latencies.sort_by_key(|it| it.way as u8);
    Ok(latencies)
}

pub(super) fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATEST, 3)?)
}

/// How late the messages of a round came, this way.
fn once(way: Way, messages: u64, conditions: &Conditions) -> Result<Histogram<u64>> {
    let Conditions { cpus, silence, .. } = *conditions;
    let feed = Feed::now(conditions.seed, Some(conditions.latency_rate));
    // Each way has the second one beside it, which has something to do for a hot standby alone.
    let servers = [
        Server::start(&feed, cpus, 1)?,
        Server::start(&feed, cpus, 2)?,
    ];
    let bridge = Bridge::start(&servers, silence, cpus)?;
    let clock = Clock::of(&feed, conditions.latency_rate);
    let consumer = LoggedIn::at(way.through(&servers[0], &bridge), 1)?;
    if way == Way::Hot {
        await_standby(&bridge, consumer.stream.local_addr()?)?;
    }
    let first = clock.first(clock.start.elapsed() + WARM);
    receive(consumer, clock, first, messages)
}

/// Waits until both lines are there. What comes meanwhile waits in sockets, and is not measured.
fn await_standby(bridge: &Bridge, consumer: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + LOGIN;
    while !stands_by(bridge, consumer)? {
        ensure!(Instant::now() < deadline, "no line stands by");
        std::thread::sleep(LOOK);
    }
    Ok(())
}

/// How late each message from `first` on comes.
fn receive(it: LoggedIn, clock: Clock, first: u64, messages: u64) -> Result<Histogram<u64>> {
    let LoggedIn {
        mut stream,
        mut decoder,
        first: mut n,
    } = it;
    let mut times = histogram()?;
    let mut spoken = Instant::now();
    while times.len() < messages {
        ensure!(
            decoder.read(&mut stream)? > 0,
            "a consumer lost its connection"
        );
        let now = Instant::now();
        let elapsed = now - clock.start;
        while let Some(said) = decoder.next() {
            match said {
                Said::Message(_) => {
                    if n >= first {
                        let late = elapsed.saturating_sub(clock.due(n));
                        times.saturating_record(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX));
                    }
                    n += 1;
                }
                Said::Heartbeat => {}
                other => bail!("the server said {other:?}"),
            }
        }
        if now - spoken >= HEARTBEATS {
            spoken = now;
            stream.write_all(HEARTBEAT)?;
        }
    }
    Ok(times)
}

/// The curve of a histogram, for a plot: shares and microseconds.
pub(super) fn curve(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let shares = (0..=500).map(|step| 1.0 - 10_f64.powf(-f64::from(step) / 100.0));
    shares
        .map(|share| (share, micros(histogram, share)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_knows_when_messages_are_due() {
        let feed = Feed::now(7, Some(100_000));
        let clock = Clock::of(&feed, 100_000);
        assert!(clock.start.elapsed() < Duration::from_secs(5));
        assert_eq!(clock.due(100_000), Duration::from_secs(1));
        let mut ahead = feed.clone();
        ahead.start += Duration::from_secs(100);
        let ahead = Clock::of(&ahead, 100_000).start - clock.start;
        assert!(ahead.abs_diff(Duration::from_secs(100)) < Duration::from_secs(1));
        for n in [1, 2, 12_345] {
            assert_eq!(clock.first(clock.due(n) - Duration::from_nanos(1)), n);
        }
    }

    #[test]
    fn a_curve_goes_up() {
        let mut histogram = histogram().unwrap();
        (1..=1000).for_each(|it| histogram.saturating_record(it * 1000));
        let curve = curve(&histogram);
        assert!(curve.is_sorted_by_key(|(_, micros)| *micros));
        assert!((micros(&histogram, 0.5) - 500.0).abs() < 1.0);
    }
}
