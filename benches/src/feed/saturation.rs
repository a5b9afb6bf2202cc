//! How many messages a second there can be, and what they cost the local port.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::Conditions;
use super::consumer::LoggedIn;
use super::decode::Said;
use super::progress::Progress;
use super::quantiles::Sorted;
use super::stage::{Bridge, Feed, Server};
use crate::process;

/// Messages of one pass. The server keeps about 400 000 of the last made: the first pass makes them,
/// and the others measure how they are passed on, not how they are made.
const MESSAGES: u64 = 350_000;

/// Which way messages take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    Plain,
    Bridge,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Plain => "through a plain tcp port",
            Self::Bridge => "through the bridge",
        })
    }
}

/// What one way came to.
#[derive(Clone, Debug)]
pub(super) struct Saturation {
    pub(super) way: Way,
    /// Messages a second, of each round.
    pub(super) rates: Sorted,
    /// CPU seconds of l4-failover for a million messages, of each round; none where it is not passed.
    pub(super) cpu: Option<Sorted>,
}

impl Saturation {
    pub(super) fn json(&self) -> Value {
        json!({
            "way": self.way.to_string(),
            "messages_per_second": self.rates.values(),
            "cpu_seconds_per_million": self.cpu.as_ref().map(Sorted::values),
        })
    }
}

/// So many rounds, of so many passes a way.
pub(super) fn run(rounds: usize, passes: u64, conditions: &Conditions) -> Result<Vec<Saturation>> {
    let Conditions { cpus, silence, .. } = *conditions;
    let feed = Feed::now(conditions.seed, None);
    let servers = [Server::start(&feed, cpus, 1)?];
    let bridge = Bridge::start(&servers, silence, cpus)?;
    let ways = [
        (Way::Direct, servers[0].address),
        (Way::Plain, bridge.plain),
        (Way::Bridge, bridge.feed),
    ];
    let mut values = ways.map(|_| (Vec::new(), Vec::new()));
    for (_, address) in ways {
        pass(address)?;
    }
    let mut progress = Progress::start("saturation", rounds);
    for round in 0..rounds {
        for ((way, address), (rates, cpu)) in ways.into_iter().zip(&mut values) {
            let before = process::cpu(bridge.pid())?;
            let mut taken = Duration::ZERO;
            for _ in 0..passes {
                taken += pass(address).with_context(|| way.to_string())?;
            }
            let used = process::cpu(bridge.pid())?.saturating_sub(before);
            let messages = (passes * MESSAGES) as f64;
            rates.push(messages / taken.as_secs_f64());
            cpu.push(used.as_secs_f64() * 1e6 / messages);
        }
        progress.done(round + 1);
    }
    let results = ways
        .into_iter()
        .zip(values)
        .map(|((way, _), (rates, cpu))| Saturation {
            way,
            rates: Sorted::of(rates),
            cpu: (way != Way::Direct).then(|| Sorted::of(cpu)),
        });
    Ok(results.collect())
}

/// Takes messages as fast as they come: how long that took, from the accepted login on.
fn pass(address: SocketAddr) -> Result<Duration> {
    let LoggedIn {
        mut stream,
        mut decoder,
        first,
    } = LoggedIn::at(address, 1)?;
    ensure!(first == 1, "message 1 was asked for, and {first} came");
    let (since, mut messages) = (Instant::now(), 0);
    loop {
        while let Some(said) = decoder.next() {
            match said {
                Said::Message(_) => messages += 1,
                Said::Heartbeat => {}
                other => bail!("the server said {other:?}"),
            }
        }
        if messages >= MESSAGES {
            return Ok(since.elapsed() * MESSAGES as u32 / messages as u32);
        }
        ensure!(
            decoder.read(&mut stream)? > 0,
            "a consumer lost its connection"
        );
    }
}
