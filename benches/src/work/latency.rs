//! How late answers are at a rate that does not ask whether the last one has come (open loop).
//!
//! Times count from when a question was due, so that a proxy or a load that falls behind is not
//! forgiven: what waits because of one slow answer counts as slow, too.

use std::collections::VecDeque;
use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::set_current_timer_slack;

use super::Reading;
use crate::proxy::Target;
use crate::quantiles::Sorted;
use crate::wire::{Command, ask};

/// Bytes of a question, and of its answer.
const BYTES: usize = 64;

/// What is due before that is not measured: the first ones grow buffers and windows.
const WARM: Duration = Duration::from_millis(500);

/// What has not been answered so long after the last question will not be.
const PATIENCE: Duration = Duration::from_secs(10);

/// Questions at a steady rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latency {
    /// How many connections take turns.
    pub connections: usize,
    /// Questions a second, of all connections together.
    pub rate: u32,
    /// For how long.
    pub lasts: Duration,
}

impl Latency {
    pub(super) async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        let late = self.late(target).await?;
        let shares = [
            ("time, p50", 0.5),
            ("time, p99", 0.99),
            ("time, p99.9", 0.999),
        ];
        let reading = |(what, share)| Reading {
            what,
            unit: "µs",
            value: late.quantile(share),
        };
        Ok(shares.map(reading).into())
    }

    /// How late each answer came, in microseconds from when its question was due.
    ///
    /// # Errors
    ///
    /// When a connection fails, or the proxy does not keep up at all.
    pub async fn late(&self, target: Target) -> Result<Sorted> {
        let mut lanes = Vec::new();
        for _ in 0..self.connections {
            let stream = ask(target.address, Command::Echo).await?.into_std()?;
            lanes.push(Lane::new(stream));
        }
        let load = Load {
            lanes,
            rate: self.rate,
            total: self.questions(self.lasts + WARM),
            first: self.questions(WARM),
        };
        // A thread that waits for nothing but its sockets and the next question: a runtime's clock
        // has steps of a millisecond.
        let late = tokio::task::spawn_blocking(|| load.run()).await??;
        Ok(Sorted::of(
            late.into_iter().map(|it| it.as_nanos() as f64 / 1e3),
        ))
    }

    fn questions(&self, time: Duration) -> u64 {
        (time.as_secs_f64() * f64::from(self.rate)) as u64
    }
}

/// A connection, and when its questions that are not answered were due.
struct Lane {
    stream: TcpStream,
    open: VecDeque<Instant>,
    /// Of the next answer, so many bytes have come.
    come: usize,
}

impl Lane {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            open: VecDeque::new(),
            come: 0,
        }
    }

    fn ask(&mut self, due: Instant) -> Result<()> {
        let written = self.stream.write(&[7; BYTES]);
        // A few bytes always fit, unless megabytes are on their way already.
        let written = written.context("the proxy cannot take this rate")?;
        ensure!(written == BYTES, "the proxy cannot take this rate");
        self.open.push_back(due);
        Ok(())
    }

    /// When those questions were due whose answers have now come.
    fn answered(&mut self, buffer: &mut [u8]) -> Result<Vec<Instant>> {
        match self.stream.read(buffer) {
            Ok(0) => bail!("a connection ended"),
            Ok(read) => self.come += read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let whole = (self.come / BYTES).min(self.open.len());
        self.come -= whole * BYTES;
        Ok(self.open.drain(..whole).collect())
    }
}

/// The questions of a run; its first ones are not measured.
struct Load {
    lanes: Vec<Lane>,
    rate: u32,
    total: u64,
    first: u64,
}

impl Load {
    /// How late each answer came.
    fn run(mut self) -> Result<Vec<Duration>> {
        // The kernel may wake a thread up to 50 µs later than it asked, to save power; not this one.
        let _ = set_current_timer_slack(NonZeroU64::new(1));
        let start = Instant::now();
        let counted = start + self.after(self.first);
        let end = start + self.after(self.total) + PATIENCE;
        let (mut asked, mut answered) = (0, 0);
        let mut late = Vec::new();
        let mut buffer = vec![0; 16 * 1024];
        while answered < self.total {
            let mut now = Instant::now();
            ensure!(now < end, "not answered within {PATIENCE:?}");
            while asked < self.total && start + self.after(asked) <= now {
                let (lane, due) = (asked as usize % self.lanes.len(), start + self.after(asked));
                self.lanes[lane].ask(due)?;
                asked += 1;
            }
            let next = match asked < self.total {
                true => start + self.after(asked),
                false => end,
            };
            for lane in self.wait(next)? {
                let answers = self.lanes[lane].answered(&mut buffer)?;
                now = Instant::now();
                answered += answers.len() as u64;
                let measured = answers.into_iter().filter(|due| *due >= counted);
                late.extend(measured.map(|due| now - due));
            }
        }
        Ok(late)
    }

    /// When the question of this number is due.
    fn after(&self, nth: u64) -> Duration {
        Duration::from_nanos(nth * 1_000_000_000 / u64::from(self.rate.max(1)))
    }

    /// Waits until then at most for answers; the lanes that have some.
    fn wait(&self, until: Instant) -> Result<Vec<usize>> {
        let left = until.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left)?;
        let streams = self.lanes.iter().map(|lane| &lane.stream);
        let watched = streams.map(|stream| PollFd::new(stream, PollFlags::IN));
        let mut watched: Vec<PollFd<'_>> = watched.collect();
        poll(&mut watched, Some(&left))?;
        let ready = watched.iter().enumerate();
        let ready = ready.filter(|(_, it)| !it.revents().is_empty());
        Ok(ready.map(|(lane, _)| lane).collect())
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            connections, rate, ..
        } = self;
        write!(f, "{BYTES} B at {rate}/s, {connections} connections")
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;
    use crate::backend;

    #[test]
    fn all_questions_are_answered_and_the_first_ones_not_counted() {
        let target = Target {
            address: backend::start().unwrap(),
            pid: None,
            workers: 0,
        };
        let latency = Latency {
            connections: 3,
            rate: 1000,
            lasts: Duration::from_millis(100),
        };
        assert_eq!(latency.questions(latency.lasts), 100);
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let readings = runtime.block_on(latency.run(target)).unwrap();
        let values: Vec<f64> = readings.iter().map(|it| it.value).collect();
        assert!(values.is_sorted() && values[0] > 0.0, "{values:?}");
    }
}
