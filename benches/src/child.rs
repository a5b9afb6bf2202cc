//! This program again, as a process of its own: one of the programs that are measured. No other
//! file is needed, and all are of one build.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, ChildStderr, Command, ExitCode, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use rustix::process::{Pid as SignalTo, Signal, kill_process};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::process::Pid;

/// The hidden subcommand by which this program runs another.
pub const RUN: &str = "run";

/// The hidden subcommand by which this program becomes one that is not its own.
pub const BECOME: &str = "become";

/// What is not ready by then will not be.
const START: Duration = Duration::from_secs(10);

/// A program that can be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Program {
    /// `mesh-gateway`.
    Gateway,
    /// `l4-failover`.
    Failover,
    /// `soupbintcp-sim`.
    Feed,
}

/// What the hidden subcommand is given.
#[derive(Debug, Args)]
pub struct Run {
    /// The CPU that the program stays on.
    #[arg(long)]
    cpu: Option<usize>,
    program: Program,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// What the hidden subcommand for another's program is given.
#[derive(Debug, Args)]
pub struct Become {
    /// The CPU that the program stays on.
    #[arg(long)]
    cpu: Option<usize>,
    binary: PathBuf,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

impl Become {
    /// Becomes the program.
    #[must_use]
    pub fn run(self) -> ExitCode {
        // Asked to end and not killed: it may have workers of its own, and takes them with it.
        prepare(self.cpu, Signal::TERM);
        let error = Command::new(&self.binary).args(self.words).exec();
        eprintln!("cannot run {}: {error}", self.binary.display());
        ExitCode::FAILURE
    }

    /// What becomes the program, on one CPU if one is given; its words are still to be added.
    ///
    /// # Errors
    ///
    /// When this program's own file is not known.
    pub fn command(binary: &Path, cpu: Option<usize>) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(BECOME);
        if let Some(cpu) = cpu {
            command.args(["--cpu", &cpu.to_string()]);
        }
        command.arg(binary);
        Ok(command)
    }
}

/// A benchmark that ends takes its programs with it, by this signal. Where that cannot be asked for,
/// they are only left behind.
fn prepare(cpu: Option<usize>, end: Signal) {
    let _ = rustix::process::set_parent_process_death_signal(Some(end));
    if let Some(cpu) = cpu {
        stay_on(cpu);
    }
}

impl Run {
    /// Becomes the program.
    #[must_use]
    pub fn run(self) -> ExitCode {
        prepare(self.cpu, Signal::KILL);
        let words = std::iter::once(self.program.name().into()).chain(self.words);
        match self.program {
            Program::Gateway => gateway::cli::main_from(words),
            Program::Failover => l4_failover::cli::main_from(words),
            Program::Feed => soupbintcp_sim::cli::main_from(words),
        }
    }
}

/// Keeps this thread, and those that it starts, on one CPU; where that is not allowed, not.
pub fn stay_on(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    let _ = sched_setaffinity(None, &set);
}

impl Program {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "mesh-gateway",
            Self::Failover => "l4-failover",
            Self::Feed => "soupbintcp-sim",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Failover => "failover",
            Self::Feed => "feed",
        }
    }

    /// What runs it, on one CPU if one is given; its words are still to be added.
    ///
    /// # Errors
    ///
    /// When this program's own file is not known.
    pub fn command(self, cpu: Option<usize>) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(RUN);
        if let Some(cpu) = cpu {
            command.args(["--cpu", &cpu.to_string()]);
        }
        command.arg(self.word());
        Ok(command)
    }

    /// Starts it, on one CPU if one is given, and waits until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not get ready; it says why on stderr.
    pub fn start<W: Into<OsString>>(
        self,
        cpu: Option<usize>,
        words: impl IntoIterator<Item = W>,
    ) -> Result<Child> {
        let mut process = self
            .command(cpu)?
            .args(words.into_iter().map(Into::into))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = process.stderr.take().context("no stderr")?;
        let mut child = Child {
            process,
            ready: String::new(),
        };
        child.ready = ready(self.name(), stderr)?;
        Ok(child)
    }
}

/// A program that runs until this is dropped.
#[derive(Debug)]
pub struct Child {
    process: Process,
    ready: String,
}

impl Child {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.process.id()
    }

    /// An address of the line that said that it was ready: the one behind `name=`.
    ///
    /// # Errors
    ///
    /// When there is none of that name.
    pub fn address(&self, name: &str) -> Result<SocketAddr> {
        let mut words = self.ready.split(' ');
        let address = words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let address = address.with_context(|| format!("no {name}= in \"{}\"", self.ready))?;
        Ok(address.parse()?)
    }

    /// Sends it a signal.
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(SignalTo::from_raw);
        Ok(kill_process(pid.context("no pid")?, signal)?)
    }

    /// Kills it, if it still runs, and waits until it is gone.
    pub fn end(&mut self) {
        // It holds nothing worth saving. Waited for, so that its use is counted as ours.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// Waits for the line that says that it is ready; passes all others on.
fn ready(name: &'static str, stderr: ChildStderr) -> Result<String> {
    let (said, heard) = channel();
    thread::spawn(move || pass_on(name, stderr, &said));
    let line = heard.recv_timeout(START);
    line.with_context(|| format!("{name} did not get ready"))
}

fn pass_on(name: &str, stderr: ChildStderr, ready: &Sender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.starts_with("ready ") {
            // Nobody waits any longer where it came too late.
            let _ = ready.send(line);
        } else {
            eprintln!("{name}: {line}");
        }
    }
}
