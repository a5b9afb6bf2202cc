//! The programs under test as processes of their own: started, awaited, asked, stopped.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::Value;
use tempfile::TempDir;

use crate::{fifo, http};

/// Nothing that a test waits for takes longer, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The path of `mesh-gateway`.
#[macro_export]
macro_rules! program {
    () => {
        env!("CARGO_BIN_EXE_mesh-gateway-under-test")
    };
}

/// The path of `l4-failover`.
#[macro_export]
macro_rules! failover_program {
    () => {
        env!("CARGO_BIN_EXE_l4-failover-under-test")
    };
}

/// The path of `soupbintcp-sim`.
#[macro_export]
macro_rules! sim_program {
    () => {
        env!("CARGO_BIN_EXE_soupbintcp-sim-under-test")
    };
}

/// Starts the gateway with this configuration, and waits until it is ready.
#[macro_export]
macro_rules! gateway {
    ($config:expr) => {
        $crate::process::Program::start($crate::program!(), &$config)
    };
}

/// Starts `l4-failover` with this configuration, and waits until it is ready.
#[macro_export]
macro_rules! failover {
    ($config:expr) => {
        $crate::process::Program::start($crate::failover_program!(), &$config)
    };
}

/// Runs a command to its end, which must come by itself; what it said.
pub fn run(command: &mut Command) -> Output {
    run_on(Stdio::null(), command)
}

/// [`run`] with this to read from.
pub fn run_on(input: impl Into<Stdio>, command: &mut Command) -> Output {
    let command = command.process_group(0).stdin(input);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let child = child.unwrap();
    let group = Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output()));
    match ended.recv_timeout(PATIENCE) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            // All that the command started has its group.
            let _ = kill_process_group(group, Signal::KILL);
            panic!("{command:?} does not end");
        }
    }
}

/// A program that runs. Dropping it ends it at once.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: Arc<Log>,
    addresses: HashMap<String, SocketAddr>,
    directory: Option<TempDir>,
}

/// A gateway that runs.
pub type Gateway = Program;

/// What the configuration file is called, in a directory of the program's own.
const CONFIG: &str = "config.toml";

/// What a process has said on stderr so far.
#[derive(Debug, Default)]
pub(crate) struct Log {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    lines: Vec<String>,
    is_over: bool,
}

/// Asks again and again until it is so.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "still waiting until {what}");
        std::thread::yield_now();
    }
}

impl Log {
    /// What `stderr` says, from now on.
    pub(crate) fn follow(stderr: ChildStderr) -> Arc<Self> {
        let log = Arc::new(Self::default());
        let reader = Arc::clone(&log);
        std::thread::spawn(move || reader.read(stderr));
        log
    }

    fn read(&self, stderr: ChildStderr) {
        for line in BufReader::new(stderr).lines() {
            let Ok(line) = line else { break };
            self.said.lock().unwrap().lines.push(line);
            self.more.notify_all();
        }
        self.said.lock().unwrap().is_over = true;
        self.more.notify_all();
    }

    /// The first line that `wanted` accepts, once it is there.
    pub(crate) fn find(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let first = |lines: &[String]| lines.iter().find(|line| wanted(line)).cloned();
        self.wait(what, first)
    }

    /// The first line that `wanted` accepts, once it is there; none if the process ends before.
    pub(crate) fn find_or_end(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let first = |lines: &[String]| lines.iter().find(|line| wanted(line)).cloned();
        self.wait_or_end(first)
    }

    /// Whether no more is to come.
    pub(crate) fn is_over(&self) -> bool {
        self.said.lock().unwrap().is_over
    }

    /// Every line so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.said.lock().unwrap().lines.clone()
    }

    /// What `wanted` finds in the lines, once it finds something.
    fn wait<T>(&self, what: &str, wanted: impl Fn(&[String]) -> Option<T>) -> T {
        let found = self.wait_or_end(wanted);
        found.unwrap_or_else(|| panic!("no {what} in {:#?}", self.said.lock().unwrap().lines))
    }

    fn wait_or_end<T>(&self, wanted: impl Fn(&[String]) -> Option<T>) -> Option<T> {
        let until = Instant::now() + PATIENCE;
        let mut said = self.said.lock().unwrap();
        loop {
            let found = wanted(&said.lines);
            let left = until.saturating_duration_since(Instant::now());
            if found.is_some() || said.is_over || left.is_zero() {
                return found;
            }
            said = self.more.wait_timeout(said, left).unwrap().0;
        }
    }
}

impl Program {
    /// Starts `program` with `config` in a file; see [`gateway!`](crate::gateway) and
    /// [`failover!`](crate::failover).
    pub fn start(program: &str, config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(CONFIG);
        fs::write(&file, config).unwrap();
        let mut started = Self::spawn(Command::new(program).arg("run").arg("--config").arg(&file));
        started.directory = Some(directory);
        started
    }

    /// Starts a command that says when it is ready.
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let log = Log::follow(child.stderr.take().unwrap());
        let ready = log.find("ready line", |line| line.starts_with("ready "));
        Self {
            child,
            log,
            addresses: addresses(&ready),
            directory: None,
        }
    }

    /// The configuration that it was started with, or that took its place.
    pub fn config(&self) -> String {
        fs::read_to_string(self.directory().join(CONFIG)).unwrap()
    }

    /// Puts a FIFO in place of the configuration that it was started with.
    pub fn rewrite_as_fifo(&self) {
        let next = self.directory().join("next.toml");
        fifo::make(&next);
        fs::rename(next, self.directory().join(CONFIG)).unwrap();
    }

    fn directory(&self) -> &Path {
        let directory = self.directory.as_ref();
        directory.expect("it was started with a file").path()
    }

    /// Puts another configuration in place of the one that it was started with, which it does not
    /// know before it reads it again.
    pub fn rewrite(&self, config: &str) {
        let next = self.directory().join("next.toml");
        fs::write(&next, config).unwrap();
        fs::rename(next, self.directory().join(CONFIG)).unwrap();
    }

    /// The address of a listener, by its name.
    pub fn address(&self, name: &str) -> SocketAddr {
        self.addresses[name]
    }

    /// The address of the listener of a configuration with just one.
    pub fn listen(&self) -> SocketAddr {
        self.address("listen")
    }

    /// The process id.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The first line of the log that `wanted` accepts; waits until it is there.
    pub fn line(&self, wanted: impl Fn(&str) -> bool) -> String {
        self.log.find("such line", wanted)
    }

    /// The lines about the first `count` connections that ended, once they are there; they are
    /// read as JSON, so the configuration wants [`JSON_LOG`](crate::config::JSON_LOG).
    pub fn ended(&self, count: usize) -> Vec<Value> {
        self.ended_as(count, |_| true)
    }

    /// [`Gateway::ended`] of those connections whose line `wanted` accepts.
    pub fn ended_as(&self, count: usize, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.log.wait("line per connection", |lines| {
            let objects = lines
                .iter()
                .filter_map(|line| serde_json::from_str(line).ok());
            let about_one = |line: &Value| line["target"] == "connection" && line["id"].is_string();
            let ended = objects.filter(|line| about_one(line) && wanted(line));
            let ended: Vec<Value> = ended.take(count).collect();
            (ended.len() == count).then_some(ended)
        })
    }

    /// The line about the first connection that ended; see [`Gateway::ended`].
    pub fn first_ended(&self) -> Value {
        self.ended(1).remove(0)
    }

    /// Waits until the lines logged so far are what `wanted` accepts.
    pub fn lines_until(&self, what: &str, wanted: impl Fn(&[String]) -> bool) {
        self.log.wait(what, |lines| wanted(lines).then_some(()));
    }

    /// Every line that was logged so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Asks the admin address for a path.
    pub fn get(&self, path: &str) -> http::Answer {
        http::get(self.address("admin"), path)
    }

    /// Posts to a path of the admin address.
    pub fn post(&self, path: &str) -> http::Answer {
        http::post(self.address("admin"), path, "")
    }

    /// The value of a series of `/metrics`, given as it stands there; 0 where it is absent.
    pub fn metric(&self, series: &str) -> f64 {
        let metrics = self.get("/metrics").body;
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// The sum of all series of a family of `/metrics`.
    pub fn total(&self, family: &str) -> f64 {
        self.series(family).values().sum()
    }

    /// The series of a family of `/metrics`, by their labels.
    pub fn series(&self, family: &str) -> HashMap<String, f64> {
        let metrics = self.get("/metrics").body;
        let series = metrics.lines().filter_map(|line| {
            let (labels, value) = line
                .strip_prefix(family)?
                .strip_prefix('{')?
                .split_once("} ")?;
            Some((labels.to_owned(), value.parse().ok()?))
        });
        series.collect()
    }

    /// Waits until a series has a value that `wanted` accepts; the value.
    pub fn metric_until(&self, series: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        let until = Instant::now() + PATIENCE;
        loop {
            let value = self.metric(series);
            if wanted(value) {
                return value;
            }
            assert!(Instant::now() < until, "{series} stays {value}");
            std::thread::yield_now();
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until the process has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(
                Instant::now() < until,
                "it does not end: {:#?}",
                self.lines()
            );
            std::thread::yield_now();
        }
    }

    /// Tells the process to stop, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The addresses of a line `ready NAME=ADDR …`.
fn addresses(ready: &str) -> HashMap<String, SocketAddr> {
    let words = ready.split(' ').skip(1);
    let pairs = words.map(|word| word.split_once('=').expect("NAME=ADDR"));
    pairs
        .filter_map(|(name, address)| Some((name.to_owned(), address.parse().ok()?)))
        .collect()
}
