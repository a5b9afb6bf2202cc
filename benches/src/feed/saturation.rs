//! How many messages a second there can be, and what they cost the local port.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::Conditions;
use super::consumer::LoggedIn;
use super::decode::Said;
use super::stage::{Bridge, Feed, Server};
use super::way::Way;
use crate::process;
use crate::progress::Progress;
use crate::quantiles::Sorted;

/// Messages of one pass. The server keeps about 400 000 of the last made: the first pass makes them,
/// and the others measure how they are passed on, not how they are made.
const MESSAGES: u64 = 350_000;

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
    let servers = [
        Server::start(&feed, cpus, 1)?,
        Server::start(&feed, cpus, 2)?,
    ];
    let bridge = Bridge::start(&servers, silence, cpus)?;
    let mut values = Way::ALL.map(|_| (Vec::new(), Vec::new()));
    for way in Way::ALL {
        pass(way.through(&servers[0], &bridge))?;
    }
    let mut progress = Progress::start("saturation", rounds);
    for round in 0..rounds {
        for (way, (rates, cpu)) in Way::ALL.into_iter().zip(&mut values) {
            let address = way.through(&servers[0], &bridge);
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
    let results = Way::ALL
        .into_iter()
        .zip(values)
        .map(|(way, (rates, cpu))| Saturation {
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
