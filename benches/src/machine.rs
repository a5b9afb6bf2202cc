//! The machine that was measured on, and how much else it did meanwhile.

use std::fmt;
use std::fs;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::process;

/// What a reader has to know to compare figures.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The kernel's release.
    pub kernel: String,
    /// The model of the CPU.
    pub cpu: String,
    /// CPUs that this process may use.
    pub cores: usize,
    /// The congestion control of TCP.
    pub tcp: String,
    /// The version of all programs, and the commit that they were built from where git knows.
    pub version: String,
}

impl Machine {
    /// Looks at this machine.
    #[must_use]
    pub fn look() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let info = read("/proc/cpuinfo");
        let model = info.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| Some(line.split_once(':')?.1.trim()));
        let commit = commit().map_or(String::new(), |commit| format!(" ({commit})"));
        Self {
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            cpu: model.unwrap_or("unknown").to_owned(),
            cores: available_parallelism().map_or(1, usize::from),
            tcp: read("/proc/sys/net/ipv4/tcp_congestion_control")
                .trim()
                .to_owned(),
            version: format!("{}{commit}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// For the raw figures.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "kernel": self.kernel,
            "cpu": self.cpu,
            "cores": self.cores,
            "tcp": self.tcp,
            "version": self.version,
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kernel,
            cpu,
            cores,
            tcp,
            version,
        } = self;
        write!(
            f,
            "version {version}; Linux {kernel}, TCP {tcp}; {cpu}, {cores} cores"
        )
    }
}

/// What was typed, for whoever wants to see the same.
#[must_use]
pub fn command() -> String {
    let words: Vec<String> = std::env::args().skip(1).collect();
    format!("cargo run --release -p benches -- {}", words.join(" "))
}

fn commit() -> Option<String> {
    let directory = env!("CARGO_MANIFEST_DIR");
    let describe = ["-C", directory, "describe", "--always", "--dirty"];
    let output = Command::new("git").args(describe).output().ok()?;
    let commit = String::from_utf8(output.stdout).ok()?;
    let commit = commit.trim();
    (output.status.success() && !commit.is_empty()).then(|| commit.to_owned())
}

/// Watches how much CPU other processes, and other guests of the host, take during a run.
#[derive(Debug)]
pub struct Neighbours {
    since: Instant,
    before: Usage,
}

/// CPU time since the machine started.
#[derive(Clone, Copy, Debug)]
struct Usage {
    others: Duration,
    stolen: Duration,
}

impl Neighbours {
    /// Begins to watch.
    ///
    /// # Errors
    ///
    /// When /proc cannot be read.
    pub fn watch() -> Result<Self> {
        Ok(Self {
            since: Instant::now(),
            before: Usage::now()?,
        })
    }

    /// CPUs that others have taken on average, and CPUs that the host has withheld.
    ///
    /// # Errors
    ///
    /// When /proc cannot be read.
    pub fn taken(&self) -> Result<(f64, f64)> {
        let (now, lasted) = (Usage::now()?, self.since.elapsed());
        let share = |now: Duration, before| now.saturating_sub(before).div_duration_f64(lasted);
        let others = share(now.others, self.before.others);
        Ok((others, share(now.stolen, self.before.stolen)))
    }
}

impl Usage {
    fn now() -> Result<Self> {
        let text = fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        let words = line.split_whitespace().skip(1);
        let ticks: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
        let [user, nice, system, _idle, _wait, irq, softirq, stolen, ..] = ticks[..] else {
            anyhow::bail!("/proc/stat is not as proc(5) says");
        };
        let mine = process::ticks("self")?;
        let all = process::tick(user + nice + system + irq + softirq);
        Ok(Self {
            others: all.saturating_sub(mine.own + mine.children),
            stolen: process::tick(stolen),
        })
    }
}
