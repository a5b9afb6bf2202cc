//! The proxies that are measured: how each is started, and where it is reached.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::process::Pid;

/// The hidden subcommand by which this program runs the gateway.
pub const RUN_GATEWAY: &str = "run-gateway";

/// A proxy that is not ready by then will not be.
const START: Duration = Duration::from_secs(10);

/// What work is done against: all that it knows of a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Where clients connect.
    pub address: SocketAddr,
    /// The process whose use is counted; none where there is no proxy between.
    pub pid: Option<Pid>,
}

/// A proxy that runs until this is dropped.
#[derive(Debug)]
pub struct Proxy {
    target: Target,
    child: Child,
    _directory: TempDir,
}

impl Proxy {
    /// Where it is reached.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It holds nothing worth saving. Waited for, so that its use is counted as ours.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The gateway, as a process of its own.
#[derive(Clone, Debug, Default)]
pub struct Gateway {
    /// Lines for its `[relay]` section.
    pub relay: Vec<String>,
    /// Worker threads; the gateway's own choice where not given.
    pub workers: Option<usize>,
}

impl Gateway {
    /// Starts the gateway in front of `backend`.
    ///
    /// # Errors
    ///
    /// When it does not get ready; it says why on stderr.
    pub fn start(&self, backend: SocketAddr) -> Result<Proxy> {
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("gateway.toml");
        fs::write(&config, self.config(backend))?;
        // This program again: a process of its own, and no other file needed.
        let mut child = Command::new(std::env::current_exe()?)
            .arg(RUN_GATEWAY)
            .args(["run", "--config"])
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let pid = child.id();
        let stderr = child.stderr.take().context("no stderr")?;
        let mut proxy = Proxy {
            target: Target {
                address: backend,
                pid: Some(pid),
            },
            child,
            _directory: directory,
        };
        proxy.target.address = ready(stderr)?;
        Ok(proxy)
    }

    fn config(&self, backend: SocketAddr) -> String {
        let workers = self.workers.map(|count| format!("workers = {count}\n"));
        let workers = workers.unwrap_or_default();
        let relay = self.relay.join("\n");
        format!(
            r#"datacenter = "dc1"
{workers}
[listen]
address = "127.0.0.1:0"

[relay]
{relay}

[log]
level = "error"
connections = "off"

[[service]]
name = "currency"
endpoints = ["{backend}"]
"#
        )
    }
}

/// Waits for the line that says where the gateway listens; passes all others on.
fn ready(stderr: ChildStderr) -> Result<SocketAddr> {
    let (said, heard) = channel();
    thread::spawn(move || pass_on(stderr, &said));
    let line: String = heard
        .recv_timeout(START)
        .context("the gateway did not get ready")?;
    let address = line
        .split(' ')
        .find_map(|word| word.strip_prefix("listen="));
    Ok(address.context("no address of the gateway")?.parse()?)
}

fn pass_on(stderr: ChildStderr, ready: &Sender<String>) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if line.starts_with("ready ") {
            // Nobody waits any longer where it came too late.
            let _ = ready.send(line);
        } else {
            eprintln!("gateway: {line}");
        }
    }
}
