//! Programs that read a capture, each a process of its own, and what a reading costs them.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::child::Program;
use crate::process;

/// How often the memory of a program is looked at. Its greatest is the kernel's own count, which
/// misses only what is taken in the last so long.
const LOOK: Duration = Duration::from_millis(4);

/// A program that reads captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Gateway,
    Tcpdump,
    Tshark,
}

/// What a reading took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    pub(super) time: Duration,
    pub(super) cpu: Duration,
    /// Most memory that was resident, in bytes.
    pub(super) peak: u64,
}

impl Tool {
    pub(super) const ALL: [Self; 3] = [Self::Gateway, Self::Tcpdump, Self::Tshark];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "mesh-gateway sni -r",
            Self::Tcpdump => "tcpdump -w /dev/null",
            Self::Tshark => "tshark -Y tls.handshake.type==1",
        }
    }

    /// Why it cannot be run; none if it can.
    pub(super) fn is_missing(self) -> bool {
        let program = match self {
            Self::Gateway => return false,
            Self::Tcpdump => "tcpdump",
            Self::Tshark => "tshark",
        };
        let version = Command::new(program).arg("--version").output();
        version.is_err()
    }

    fn command(self, file: &Path) -> Result<Command> {
        let mut command = match self {
            Self::Gateway => {
                let mut command = Program::Gateway.command(None)?;
                command.args(["sni", "-r"]).arg(file);
                command
            }
            Self::Tcpdump => {
                let mut command = Command::new("tcpdump");
                command.arg("-r").arg(file).args(["-w", "/dev/null"]);
                command
            }
            Self::Tshark => {
                let mut command = Command::new("tshark");
                let filter = ["-Y", "tls.handshake.type==1"];
                command.arg("-n").arg("-r").arg(file).args(filter);
                command
            }
        };
        command.stdin(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// Reads `file` and says how many lines were printed. It warms what is cached.
    pub(super) fn lines(self, file: &Path) -> Result<u64> {
        let mut child = self.command(file)?.stdout(Stdio::piped()).spawn()?;
        let mut text = Vec::new();
        let mut stdout = child.stdout.take().context("no stdout")?;
        stdout.read_to_end(&mut text)?;
        self.check(&mut child)?;
        Ok(text.iter().filter(|byte| **byte == b'\n').count() as u64)
    }

    /// Reads `file`, and says what that took. What it prints goes nowhere.
    pub(super) fn read(self, file: &Path) -> Result<Used> {
        let mut command = self.command(file)?;
        let before = process::ticks("self")?.children;
        let began = Instant::now();
        let mut child = command.stdout(Stdio::null()).spawn()?;
        let peak = peak(&mut child)?;
        let time = began.elapsed();
        self.check(&mut child)?;
        Ok(Used {
            time,
            cpu: process::ticks("self")?.children - before,
            peak,
        })
    }

    fn check(self, child: &mut Child) -> Result<()> {
        let status = child.wait()?;
        ensure!(status.success(), "{} ended with {status}", self.name());
        Ok(())
    }
}

/// Waits until a program ends, and says how much memory it had at most.
fn peak(child: &mut Child) -> Result<u64> {
    let path = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        // The last count holds: before the program's own there may be that of this one, forked.
        peak = fs::read_to_string(&path)
            .ok()
            .and_then(|it| high_water(&it))
            .unwrap_or(peak);
        sleep(LOOK);
    }
    Ok(peak)
}

/// `VmHWM` of proc(5), in bytes.
fn high_water(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_had_memory() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(high_water(&status).unwrap() > 1_000_000);
        assert_eq!(high_water("VmHWM:\t    12 kB\n"), Some(12_288));
    }
}
