//! What the same kill does to a consumer behind a plain TCP port, which understands nothing of the
//! bytes that it passes on.

use std::time::{Duration, Instant};

use anyhow::Result;
use rustix::process::Signal;
use serde_json::{Value, json};
use soupbintcp_sim::day::Day;

use super::Conditions;
use super::consumer::Consumer;
use super::oracle::Faults;
use super::stage::{Bridge, Feed, Server};
use crate::progress::Progress;

/// Who is still connected by then counts as one who stays.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of the kills.
#[derive(Clone, Debug)]
pub(super) struct Baseline {
    pub(super) kills: usize,
    pub(super) faults: Faults,
}

impl Baseline {
    pub(super) fn json(&self) -> Value {
        json!({ "kills": self.kills, "faults": self.faults.json() })
    }
}

/// Kills the primary so often; whoever is disconnected begins anew.
pub(super) fn run(kills: usize, conditions: &Conditions) -> Result<Baseline> {
    let mut progress = Progress::start("SIGKILL behind a plain tcp port", kills);
    let mut faults = Faults::default();
    let day = Day::new(conditions.seed);
    for kill in 0..kills {
        faults.add(once(&day, conditions)?);
        progress.done(kill + 1);
    }
    Ok(Baseline { kills, faults })
}

fn once(day: &Day, conditions: &Conditions) -> Result<Faults> {
    let Conditions { cpus, silence, .. } = *conditions;
    let feed = Feed::now(conditions.seed, Some(conditions.rate));
    let servers = [
        Server::start(&feed, cpus, 1)?,
        Server::start(&feed, cpus, 2)?,
    ];
    let bridge = Bridge::start(&servers, silence, cpus)?;
    let mut consumer = Consumer::start(bridge.plain, day, None)?;
    consumer.listen_for(consumer.next() + 100, PATIENCE)?;
    servers[0].signal(Signal::KILL)?;
    consumer.listen(Instant::now() + PATIENCE);
    Ok(consumer.oracle.faults)
}
