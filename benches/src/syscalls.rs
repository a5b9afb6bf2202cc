//! System calls per short connection, counted by strace where it is installed. For information:
//! a process that is traced is many times slower, so nothing is timed meanwhile.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid as SignalTo, Signal, kill_process};

use crate::process::{self, Pid};
use crate::proxy::Target;
use crate::work::Short;

/// Enough for a mean that does not move; few enough under strace.
const CONNECTIONS: u64 = 1000;

/// strace attaches at once, or is not allowed to.
const ATTACH: Duration = Duration::from_secs(2);

/// Calls of one kind, per connection.
#[derive(Clone, Debug, PartialEq)]
pub struct Calls {
    /// The system call.
    pub name: String,
    /// How many of them, per connection.
    pub count: f64,
    /// How many of those said no, mostly "not yet" (`EAGAIN`, `EINPROGRESS`).
    pub failed: f64,
}

/// Counts the calls that `target`'s process makes for each of some short connections; the most
/// frequent first.
///
/// # Errors
///
/// When there is no strace, or it may not trace.
pub async fn count(target: Target, work: Short) -> Result<Vec<Calls>> {
    let pid = target.pid.context("no process to trace")?;
    work.connect(target, 100).await?;
    let summary = tempfile::NamedTempFile::new()?;
    let mut tracer = Tracer::attach(pid, summary.path())?;
    work.connect(target, CONNECTIONS).await?;
    // What is left of the last ones.
    tokio::time::sleep(Duration::from_millis(50)).await;
    tracer.end()?;
    Ok(parse(&fs::read_to_string(summary.path())?, CONNECTIONS))
}

struct Tracer(Child);

impl Tracer {
    fn attach(pid: Pid, summary: &std::path::Path) -> Result<Self> {
        let pids = process::members(pid);
        let tracer = Command::new("strace")
            .args(["-c", "-f"])
            .args(pids.iter().map(|pid| format!("--attach={pid}")))
            .arg("-o")
            .arg(summary)
            .stderr(Stdio::null())
            .spawn();
        let mut tracer = Self(tracer.context("no strace")?);
        let since = Instant::now();
        while !pids.iter().all(|pid| is_traced(*pid).unwrap_or(false)) {
            let ended = tracer.0.try_wait()?.is_some();
            ensure!(!ended && since.elapsed() < ATTACH, "strace may not trace");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(tracer)
    }

    /// Detaches; strace writes its summary.
    fn end(&mut self) -> Result<()> {
        let pid = i32::try_from(self.0.id()).ok().and_then(SignalTo::from_raw);
        kill_process(pid.context("no pid")?, Signal::INT)?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // Does nothing once it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether every thread of the process has a tracer.
fn is_traced(pid: Pid) -> Result<bool> {
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        if status.lines().any(|line| line == "TracerPid:\t0") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Reads the table of `strace -c`: its columns are share, seconds, µs a call, calls, errors if
/// any, name.
fn parse(table: &str, connections: u64) -> Vec<Calls> {
    let each = |count: u64| count as f64 / connections as f64;
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (&name, counts) = words.get(3..)?.split_last()?;
        let calls: u64 = counts.first()?.parse().ok()?;
        let failed = counts.get(1).and_then(|it| it.parse().ok()).unwrap_or(0);
        Some(Calls {
            name: name.to_owned(),
            count: each(calls),
            failed: each(failed),
        })
    };
    let mut rows: Vec<Calls> = table
        .lines()
        .filter_map(row)
        .filter(|it| it.name != "total" && it.count >= 0.01)
        .collect();
    rows.sort_by(|a, b| b.count.total_cmp(&a.count));
    rows
}

/// The calls in one line of text.
#[must_use]
pub fn line(calls: &[Calls]) -> String {
    let total: f64 = calls.iter().map(|it| it.count).sum();
    let failed = |failed: f64| match failed {
        0.01.. => format!(" ({failed:.2} failed)"),
        _ => String::new(),
    };
    let each = calls
        .iter()
        .map(|it| format!("{} {:.2}{}", it.name, it.count, failed(it.failed)));
    format!("{total:.1}: {}", each.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_strace_is_read() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.010000          10      1000           sendto
 40.00    0.005000           5      2000       500 recvfrom
------ ----------- ----------- --------- --------- ----------------
100.00    0.015000           5      3000       500 total
";
        let calls = parse(table, 1000);
        assert_eq!(
            line(&calls),
            "3.0: recvfrom 2.00 (0.50 failed), sendto 1.00"
        );
    }
}
