//! What the bridge adds to the way of a message: two consumers of one server, one of them behind the
//! bridge, at the same time and by the same clock. Times count from when a message was scheduled,
//! so that a server or a consumer that falls behind is not forgiven (open loop).

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail, ensure};
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::Conditions;
use super::consumer::LoggedIn;
use super::decode::{HEARTBEAT, Said};
use super::progress::Progress;
use super::quantiles::Sorted;
use super::stage::{Bridge, Feed, Server};

/// Messages that are due this long after a start are not measured: connections and code are new.
const WARM: Duration = Duration::from_millis(500);

/// How often a client says that it is there.
const HEARTBEATS: Duration = Duration::from_secs(1);

/// Above this a message counts as if it had come then: no measurement lasts longer.
const LATEST: u64 = 60_000_000_000;

/// The shares of messages that are told, and drawn.
const SHARES: [f64; 12] = [
    0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0,
];

/// Times of all rounds together.
#[derive(Debug)]
pub(super) struct Latency {
    pub(super) rate: u32,
    /// Nanoseconds from the schedule to the consumer.
    pub(super) direct: Histogram<u64>,
    /// The same through the bridge.
    pub(super) bridge: Histogram<u64>,
    /// Of each message the second less the first, in microseconds.
    pub(super) added: Sorted,
    /// The median of that, of each round.
    pub(super) rounds: Sorted,
}

impl Latency {
    pub(super) fn json(&self) -> Value {
        let quantiles = |it: &Histogram<u64>| -> Vec<(f64, f64)> {
            SHARES.map(|share| (share, micros(it, share))).into()
        };
        json!({
            "rate": self.rate,
            "messages": self.direct.len(),
            "direct_us": quantiles(&self.direct),
            "bridge_us": quantiles(&self.bridge),
            "added_to_each_us": self.added.json(),
            "added_p50_by_round_us": self.rounds.values(),
        })
    }
}

/// The time that this share of the messages did not exceed, in microseconds.
pub(super) fn micros(histogram: &Histogram<u64>, share: f64) -> f64 {
    histogram.value_at_quantile(share) as f64 / 1e3
}

/// When messages were scheduled, on the clock that never jumps.
#[derive(Clone, Copy, Debug)]
struct Clock {
    start: Instant,
    rate: u32,
}

impl Clock {
    /// The narrowest of some looks at both clocks: whoever is interrupted between them is not.
    fn of(feed: &Feed, rate: u32) -> Self {
        let look = |_| {
            let (before, wall, after) = (Instant::now(), SystemTime::now(), Instant::now());
            (after - before, before + (after - before) / 2, wall)
        };
        let looks = (0..100).map(look);
        let (_, at, wall) = looks.min_by_key(|it| it.0).unwrap_or_else(|| look(0));
        let since = wall.duration_since(feed.start).unwrap_or_default();
        let start = at.checked_sub(since).unwrap_or(at);
        Self { start, rate }
    }

    fn due(self, n: u64) -> Duration {
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
pub(super) fn run(rounds: usize, messages: u64, conditions: &Conditions) -> Result<Latency> {
    let rate = conditions.latency_rate;
    let mut latency = Latency {
        rate,
        direct: histogram()?,
        bridge: histogram()?,
        added: Sorted::default(),
        rounds: Sorted::default(),
    };
    let (mut all, mut medians) = (Vec::new(), Vec::new());
    let mut progress = Progress::start(format!("latency at {rate} messages/s"), rounds);
    for round in 0..rounds {
        let (direct, bridge) = once(round, messages, conditions)?;
        let mut added = Vec::with_capacity(direct.len());
        for (direct, bridge) in direct.iter().zip(&bridge) {
            latency.direct.saturating_record(*direct);
            latency.bridge.saturating_record(*bridge);
            added.push((*bridge as f64 - *direct as f64) / 1e3);
        }
        let added = Sorted::of(added);
        medians.push(added.quantile(0.5));
        all.extend_from_slice(added.values());
        progress.done(round + 1);
    }
    (latency.added, latency.rounds) = (Sorted::of(all), Sorted::of(medians));
    Ok(latency)
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, LATEST, 3)?)
}

/// The nanoseconds of the same messages, directly and through the bridge.
fn once(round: usize, messages: u64, conditions: &Conditions) -> Result<(Vec<u64>, Vec<u64>)> {
    let Conditions { cpus, silence, .. } = *conditions;
    let feed = Feed::now(conditions.seed, Some(conditions.latency_rate));
    let server = Server::start(&feed, cpus, 1)?;
    let servers = [server];
    let bridge = Bridge::start(&servers, silence, cpus)?;
    let clock = Clock::of(&feed, conditions.latency_rate);
    // The server sends to one before the other: to each first in every second round.
    let addresses = [servers[0].address, bridge.feed];
    let logged_in = |which: usize| LoggedIn::at(addresses[which], 1);
    let (direct, bridged) = match round % 2 {
        0 => {
            let direct = logged_in(0)?;
            (direct, logged_in(1)?)
        }
        _ => {
            let bridged = logged_in(1)?;
            (logged_in(0)?, bridged)
        }
    };
    let first = clock.first(clock.start.elapsed() + WARM);
    let reading =
        [direct, bridged].map(|it| thread::spawn(move || receive(it, clock, first, messages)));
    let [direct, bridged] = reading.map(|thread| match thread.join() {
        Ok(times) => times,
        Err(_) => bail!("a consumer's thread ended by panicking"),
    });
    Ok((direct?, bridged?))
}

/// How late each message from `first` on came.
fn receive(it: LoggedIn, clock: Clock, first: u64, messages: u64) -> Result<Vec<u64>> {
    let LoggedIn {
        mut stream,
        mut decoder,
        first: mut n,
    } = it;
    let mut times = Vec::with_capacity(messages as usize);
    let mut spoken = Instant::now();
    while (times.len() as u64) < messages {
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
                        times.push(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX));
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
    times.truncate(messages as usize);
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
