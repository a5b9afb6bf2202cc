//! The gateway as a process of its own: started, awaited, asked, stopped.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::http;

/// Nothing that a test waits for takes longer, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Starts the gateway with this configuration, and waits until it is ready.
#[macro_export]
macro_rules! gateway {
    ($config:expr) => {
        $crate::process::Gateway::start(env!("CARGO_BIN_EXE_mesh-gateway-under-test"), &$config)
    };
}

/// A gateway that runs. Dropping it ends it at once.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    log: Arc<Log>,
    addresses: HashMap<String, SocketAddr>,
    _directory: TempDir,
}

/// What a process has said on stderr so far.
#[derive(Debug, Default)]
struct Log {
    said: Mutex<Said>,
    more: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    lines: Vec<String>,
    is_over: bool,
}

impl Log {
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
    fn find(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut said = self.said.lock().unwrap();
        loop {
            if let Some(line) = said.lines.iter().find(|line| wanted(line)) {
                return line.clone();
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(
                !said.is_over && !left.is_zero(),
                "no {what} in {:#?}",
                said.lines
            );
            said = self.more.wait_timeout(said, left).unwrap().0;
        }
    }
}

impl Gateway {
    /// Starts `program` with `config` in a file; see [`gateway!`](crate::gateway).
    pub fn start(program: &str, config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("gateway.toml");
        fs::write(&file, config).unwrap();
        let mut child = Command::new(program)
            .arg("run")
            .arg("--config")
            .arg(&file)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Log::default());
        let (stderr, reader) = (child.stderr.take().unwrap(), Arc::clone(&log));
        std::thread::spawn(move || reader.read(stderr));
        let ready = log.find("ready line", |line| line.starts_with("ready "));
        Self {
            child,
            log,
            addresses: addresses(&ready),
            _directory: directory,
        }
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

    /// Every line that was logged so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.said.lock().unwrap().lines.clone()
    }

    /// Asks the admin address for a path.
    pub fn get(&self, path: &str) -> http::Answer {
        http::get(self.address("admin"), path)
    }

    /// The value of a series of `/metrics`, given as it stands there; 0 where it is absent.
    pub fn metric(&self, series: &str) -> f64 {
        let metrics = self.get("/metrics").body;
        let value = metrics
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
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
        self.child.wait().unwrap()
    }

    /// Tells the process to stop, and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }
}

impl Drop for Gateway {
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
