//! What a small question and its answer cost, and how long they take.

use std::fmt;
use std::time::Instant;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Reading, Stopwatch, all, cpu_reading};
use crate::proxy::Target;
use crate::quantiles::Sorted;
use crate::wire::{Command, ask};

/// Questions, one at a time on each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// Bytes of a question, and of its answer.
    pub bytes: usize,
    /// How many connections.
    pub connections: usize,
    /// Questions of all connections together.
    pub questions: usize,
}

impl Ping {
    pub(super) async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        let each = self.questions.div_ceil(self.connections);
        let mut streams = Vec::new();
        for _ in 0..self.connections {
            let mut stream = ask(target.address, Command::Echo).await?;
            // The first ones grow buffers and windows.
            ping(&mut stream, self.bytes, 10).await?;
            streams.push(stream);
        }
        let watch = Stopwatch::start(target)?;
        let mut tasks = JoinSet::new();
        for mut stream in streams {
            let bytes = self.bytes;
            tasks.spawn(async move { ping(&mut stream, bytes, each).await });
        }
        let times = all(tasks).await?.concat();
        let taken = watch.stop()?;
        let asked = times.len() as f64;
        let times = Sorted::of(times.into_iter().map(|nanos| nanos as f64 / 1e3));
        let cpu = taken.cpu.map(|cpu| cpu * 1e6 / asked);
        let mut readings = cpu_reading("CPU", "µs each", cpu);
        readings.push(Reading {
            what: "rate",
            unit: "/s",
            value: asked / taken.seconds,
        });
        for (what, share) in [("time, p50", 0.5), ("time, p99", 0.99)] {
            let (unit, value) = ("µs", times.quantile(share));
            readings.push(Reading { what, unit, value });
        }
        Ok(readings)
    }
}

/// Asks, one question after the other; the nanoseconds that each took.
async fn ping(stream: &mut TcpStream, bytes: usize, questions: usize) -> Result<Vec<u64>> {
    let mut times = Vec::with_capacity(questions);
    let mut bytes = vec![7; bytes];
    for _ in 0..questions {
        let asked = Instant::now();
        stream.write_all(&bytes).await?;
        stream.read_exact(&mut bytes).await?;
        times.push(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(times)
}

impl fmt::Display for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.connections == 1 { "" } else { "s" };
        let size = match self.bytes {
            bytes if bytes % 1024 == 0 => format!("{} KiB", bytes / 1024),
            bytes => format!("{bytes} B"),
        };
        write!(f, "{size} ping-pong, {} connection{s}", self.connections)
    }
}
