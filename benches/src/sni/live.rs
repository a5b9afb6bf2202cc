//! What is lost of live traffic: bulk over a pair of veth interfaces while a program captures it.
//!
//! Two namespaces of this measurement's own are linked by a cable that carries one segment at a time,
//! which is more packets than a card with offloads would show. Clients in the one and backends in the
//! other pass as many bytes as they can, so that the program that captures has to win its share of
//! the CPUs from them. Each captures with its own defaults.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ::tests::namespace::Namespace;
use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::{Builder, Runtime};

use super::reading;
use crate::backend;
use crate::child::Program;
use crate::proxy::Target;
use crate::report::Report;
use crate::work::{Bulk, Direction, Reading, Work};

/// Connections at once.
const CONNECTIONS: u64 = 16;

/// What a program has not said by then, when it begins or ends, it will not say.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Gateway,
    Tcpdump,
    Nobody,
}

/// Has each program capture the same work, in turn.
pub(super) fn rounds(rounds: usize, bytes: u64, scratch: &Path, report: &mut Report) -> Result<()> {
    let stage = Stage::build()?;
    let gigabytes = bytes as f64 / 1e9;
    let work = format!("live, {CONNECTIONS} connections, {gigabytes:.1} GB");
    for round in 1..=rounds {
        for by in [By::Gateway, By::Tcpdump, By::Nobody] {
            eprintln!("live, round {round} of {rounds}: {}", by.name());
            if let Some(readings) = stage.round(by, bytes, scratch)? {
                report.add(by.name(), &work, &readings);
            }
        }
    }
    Ok(())
}

/// Two machines and a cable, and a backend on the far one.
struct Stage {
    here: Namespace,
    _there: Namespace,
    target: Target,
    runtime: Runtime,
}

impl Stage {
    fn build() -> Result<Self> {
        let made = || -> Result<_, String> {
            let (here, there) = (Namespace::new()?, Namespace::new()?);
            here.link(&there)?;
            Ok((here, there))
        };
        let (here, there) = made().map_err(|error| anyhow!("no namespaces here: {error}"))?;
        let address = there.enter(|| backend::start_on("10.0.0.2".parse()?))?;
        Ok(Self {
            here,
            _there: there,
            target: Target {
                address,
                pid: None,
                workers: 1,
            },
            runtime: Builder::new_current_thread().enable_all().build()?,
        })
    }

    /// None where the program is not installed.
    fn round(&self, by: By, bytes: u64, scratch: &Path) -> Result<Option<Vec<Reading>>> {
        // One thread for all: a program of ours ends with the thread that started it.
        self.here.enter(|| self.round_inside(by, bytes, scratch))
    }

    fn round_inside(&self, by: By, bytes: u64, scratch: &Path) -> Result<Option<Vec<Reading>>> {
        let printed = scratch.join("printed");
        let Some(mut command) = by.command()? else {
            return Ok(Some(self.work(bytes, None)?));
        };
        let Some(capture) = Capturing::start(command.stdout(File::create(&printed)?))? else {
            return Ok(None);
        };
        let mut readings = self.work(bytes, Some(capture.child.id()))?;
        readings.extend(capture.end()?.readings());
        if by == By::Gateway {
            let hellos = fs::read_to_string(&printed)?.lines().count();
            readings.push(reading("hellos printed", "of 16", hellos as f64));
        }
        Ok(Some(readings))
    }

    fn work(&self, bytes: u64, pid: Option<u32>) -> Result<Vec<Reading>> {
        let work = Work::Bulk(Bulk {
            connections: CONNECTIONS,
            direction: Direction::Down,
            bytes,
        });
        let target = Target { pid, ..self.target };
        self.runtime.block_on(work.run(target))
    }
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Gateway => "mesh-gateway sni -i",
            Self::Tcpdump => "tcpdump -i -w /dev/null",
            Self::Nobody => "nobody captures",
        }
    }

    fn command(self) -> Result<Option<Command>> {
        let (mut command, words) = match self {
            Self::Gateway => (Program::Gateway.command(None)?, "sni -n -i eth0"),
            Self::Tcpdump => (Command::new("tcpdump"), "-n -i eth0 -w /dev/null"),
            Self::Nobody => return Ok(None),
        };
        command.args(words.split(' '));
        Ok(Some(command))
    }
}

/// A program that captures until it is asked to end.
struct Capturing {
    child: Child,
    /// Its lines on stderr.
    said: Receiver<String>,
}

impl Capturing {
    /// Waits until it captures. None if there is no such program.
    fn start(command: &mut Command) -> Result<Option<Self>> {
        let started = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = match started {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            started => started?,
        };
        let stderr = BufReader::new(child.stderr.take().context("no stderr")?);
        let (say, said) = channel();
        thread::spawn(move || {
            let mut lines = stderr.lines().map_while(Result::ok);
            lines.try_for_each(|line| say.send(line))
        });
        // From here on it is ended with this, whatever happens.
        let capturing = Self { child, said };
        let mut before = Vec::new();
        while !before
            .last()
            .is_some_and(|line: &String| line.contains("listening on"))
        {
            let line = capturing.said.recv_timeout(PATIENCE);
            before.push(line.with_context(|| format!("{command:?} does not capture: {before:?}"))?);
        }
        Ok(Some(capturing))
    }

    /// Ends it, and takes its word for what was captured.
    fn end(self) -> Result<Counted> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("no pid")?, Signal::INT)?;
        let mut said = String::new();
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) => said = said + &line + "\n",
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("it does not end: {said}"),
            }
        }
        Counted::of(&said).with_context(|| format!("no counts in: {said}"))
    }
}

impl Drop for Capturing {
    fn drop(&mut self) {
        // Waited for, so that its use is counted as ours.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the kernel showed the program, and what there was no room for.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Counted {
    received: f64,
    dropped: f64,
}

impl Counted {
    /// By the lines that tcpdump, and others since, end with.
    fn of(said: &str) -> Option<Self> {
        let count = |what: &str| {
            let line = said.lines().find(|line| line.contains(what))?;
            line.split(' ').next()?.parse().ok()
        };
        Some(Self {
            received: count("received by filter")?,
            dropped: count("dropped by kernel")?,
        })
    }

    fn readings(self) -> [Reading; 3] {
        let share = 100.0 * self.dropped / self.received.max(1.0);
        [
            reading("packets", "M", self.received / 1e6),
            reading("packets lost", "", self.dropped),
            reading("share of packets lost", "%", share),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_as_tcpdump_writes_them() {
        let said =
            "\n5 packets captured\n12 packets received by filter\n7 packets dropped by kernel\n";
        let (received, dropped) = (12.0, 7.0);
        assert_eq!(Counted::of(said), Some(Counted { received, dropped }));
        assert_eq!(Counted::of("tcpdump: eth0: no such device"), None);
    }
}
