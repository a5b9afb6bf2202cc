//! The work that proxies are given, and what is measured meanwhile.

mod balance;
mod bulk;
mod hello;
mod idle;
mod latency;
mod ping;
mod short;

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::process;
use crate::proxy::Target;

// The public interface is:
pub use balance::Balance;
pub use bulk::{Bulk, Direction};
pub use hello::Hello;
pub use idle::Idle;
pub use latency::Latency;
pub use ping::Ping;
pub use short::{Close, Short};

/// No work takes this long on any machine that is worth measuring on.
const LIMIT: Duration = Duration::from_secs(60);

/// One piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Connections that say nothing.
    Idle(Idle),
    /// Many bytes.
    Bulk(Bulk),
    /// Connections of one byte each.
    Short(Short),
    /// Small questions and answers.
    Ping(Ping),
    /// The same at a steady rate.
    Latency(Latency),
    /// Hellos that come in pieces.
    Hello(Hello),
    /// Long-lived connections, and which worker has them.
    Balance(Balance),
}

/// One figure of one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What was measured.
    pub what: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// How many of them.
    pub value: f64,
}

impl Work {
    /// Whether there is anything to measure without a proxy.
    #[must_use]
    pub fn works_directly(&self) -> bool {
        !matches!(self, Self::Idle(_) | Self::Balance(_))
    }

    /// Does the work, and measures.
    ///
    /// # Errors
    ///
    /// When a connection fails, or all takes too long: half a result would be none.
    pub async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        let work = async {
            match self {
                Self::Idle(idle) => idle.run(target).await,
                Self::Bulk(bulk) => bulk.run(target).await,
                Self::Short(short) => short.run(target).await,
                Self::Ping(ping) => ping.run(target).await,
                Self::Latency(latency) => latency.run(target).await,
                Self::Hello(hello) => hello.run(target).await,
                Self::Balance(balance) => balance.run(target).await,
            }
        };
        let done = timeout(LIMIT, work).await;
        done.with_context(|| format!("not done within {LIMIT:?}"))?
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle(idle) => idle.fmt(f),
            Self::Bulk(bulk) => bulk.fmt(f),
            Self::Short(short) => short.fmt(f),
            Self::Ping(ping) => ping.fmt(f),
            Self::Latency(latency) => latency.fmt(f),
            Self::Hello(hello) => hello.fmt(f),
            Self::Balance(balance) => balance.fmt(f),
        }
    }
}

/// Measures time, and the CPU time of the proxy.
struct Stopwatch {
    target: Target,
    cpu: Duration,
    since: Instant,
}

/// What a stopwatch has measured.
struct Taken {
    /// None without a proxy.
    cpu: Option<f64>,
    seconds: f64,
}

impl Stopwatch {
    fn start(target: Target) -> Result<Self> {
        Ok(Self {
            target,
            cpu: cpu(target)?.unwrap_or_default(),
            since: Instant::now(),
        })
    }

    fn stop(self) -> Result<Taken> {
        let seconds = self.since.elapsed().as_secs_f64();
        let used = cpu(self.target)?.map(|cpu| cpu.saturating_sub(self.cpu));
        Ok(Taken {
            cpu: used.map(|used| used.as_secs_f64()),
            seconds,
        })
    }
}

fn cpu(target: Target) -> Result<Option<Duration>> {
    target.pid.map(process::cpu).transpose()
}

/// The figure of CPU time, where there is a proxy to have used it.
fn cpu_reading(what: &'static str, unit: &'static str, value: Option<f64>) -> Vec<Reading> {
    let reading = value.map(|value| Reading { what, unit, value });
    reading.into_iter().collect()
}

/// Waits for all tasks; the first error ends them all.
async fn all<T: 'static>(mut tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(ended) = tasks.join_next().await {
        done.push(ended??);
    }
    Ok(done)
}
