//! What a small question and its answer cost, and how long they take.

use std::fmt;
use std::time::Instant;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Reading, Stopwatch, all, cpu_reading};
use crate::proxy::Target;
use crate::wire::{Command, ask};

/// Bytes of a question, and of its answer.
const BYTES: usize = 64;

/// Questions of 64 bytes, one at a time on each connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
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
            ping(&mut stream, 10).await?;
            streams.push(stream);
        }
        let watch = Stopwatch::start(target)?;
        let mut tasks = JoinSet::new();
        for mut stream in streams {
            tasks.spawn(async move { ping(&mut stream, each).await });
        }
        let mut times = all(tasks).await?.concat();
        let taken = watch.stop()?;
        times.sort_unstable();
        let cpu = taken.cpu.map(|cpu| cpu * 1e6 / times.len() as f64);
        let mut readings = cpu_reading("proxy's CPU", "µs each", cpu);
        for (what, percent) in [("time, p50", 50), ("time, p99", 99)] {
            let value = percentile(&times, percent) / 1e3;
            let unit = "µs";
            readings.push(Reading { what, unit, value });
        }
        Ok(readings)
    }
}

/// Asks, one question after the other; the nanoseconds that each took.
async fn ping(stream: &mut TcpStream, questions: usize) -> Result<Vec<u64>> {
    let mut times = Vec::with_capacity(questions);
    let mut bytes = [7; BYTES];
    for _ in 0..questions {
        let asked = Instant::now();
        stream.write_all(&bytes).await?;
        stream.read_exact(&mut bytes).await?;
        times.push(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(times)
}

/// Of sorted times, the one that `percent` of them do not exceed.
fn percentile(times: &[u64], percent: usize) -> f64 {
    let rank = (times.len() * percent).div_ceil(100);
    times[rank.saturating_sub(1)] as f64
}

impl fmt::Display for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.connections == 1 { "" } else { "s" };
        write!(f, "{BYTES} B ping-pong, {} connection{s}", self.connections)
    }
}

#[cfg(test)]
mod tests {
    use super::percentile;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&times, 50), 100.0);
        assert_eq!(percentile(&times, 99), 198.0);
        assert_eq!(percentile(&[5], 99), 5.0);
    }
}
