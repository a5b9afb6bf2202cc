//! The processes of a measurement: servers of one feed, and the local port in front of them.

use std::fs;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::ValueEnum;
use rustix::process::Signal;
use tempfile::TempDir;

use super::cpus::Cpus;
use crate::child::{Child, Program};
use crate::loopback::of_this_run;
use crate::process::Pid;

/// The feed that all servers serve.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) seed: u64,
    /// Messages a second; none: as fast as a consumer reads.
    pub(super) rate: Option<u32>,
    /// When message 0 was due; whole microseconds.
    pub(super) start: SystemTime,
    /// Messages of the session; none: it has no end.
    pub(super) messages: Option<u64>,
}

impl Feed {
    /// A feed that starts now.
    pub(super) fn now(seed: u64, rate: Option<u32>) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let micros = since.unwrap_or_default().as_micros();
        let since = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
        let start = UNIX_EPOCH + since;
        Self {
            seed,
            rate,
            start,
            messages: None,
        }
    }

    fn words(&self, listen: SocketAddr) -> Vec<String> {
        let since = self.start.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, micros) = (since.as_secs(), since.subsec_micros());
        let rate = self.rate.map_or("max".to_owned(), |rate| rate.to_string());
        let end = self.messages.map(|it| format!(" --messages {it}"));
        let words = format!(
            "serve --log-level error --admin 127.0.0.1:0 --listen {listen} --seed {} --rate {rate} \
             --start @{seconds}.{micros:06}{}",
            self.seed,
            end.unwrap_or_default()
        );
        words.split(' ').map(str::to_owned).collect()
    }
}

/// `soupbintcp-sim serve`, which can be killed, and started again at the same place.
#[derive(Debug)]
pub(super) struct Server {
    feed: Feed,
    cpu: Option<usize>,
    pub(super) address: SocketAddr,
    pub(super) admin: SocketAddr,
    child: Child,
}

impl Server {
    pub(super) fn start(feed: &Feed, cpus: Cpus, nth: u8) -> Result<Self> {
        // While a server is dead, nobody else may be given its port.
        let listen = (of_this_run(nth), 0).into();
        let child = Program::Feed.start(cpus.servers, feed.words(listen))?;
        Ok(Self {
            feed: feed.clone(),
            cpu: cpus.servers,
            address: child.address("feed")?,
            admin: child.address("admin")?,
            child,
        })
    }

    /// Starts it again, in place of the process that was.
    pub(super) fn restart(&mut self) -> Result<()> {
        // Its address is free only then.
        self.child.end();
        self.child = Program::Feed.start(self.cpu, self.feed.words(self.address))?;
        self.admin = self.child.address("admin")?;
        Ok(())
    }

    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        self.child.signal(signal)
    }
}

/// What becomes of the line that a consumer is not on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Standby {
    /// Nobody logs in to it before it is needed.
    Cold,
    /// It is logged in to, and compared.
    Hot,
}

impl Standby {
    pub(super) const ALL: [Self; 2] = [Self::Cold, Self::Hot];
}

/// `l4-failover`: ports that join lines, and one that knows nothing of what it passes on.
#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) feed: SocketAddr,
    pub(super) hot: SocketAddr,
    pub(super) plain: SocketAddr,
    pub(super) admin: SocketAddr,
    child: Child,
    _directory: TempDir,
}

impl Bridge {
    /// In front of these servers, the first of which is the primary.
    pub(super) fn start(servers: &[Server], silence: Duration, cpus: Cpus) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let child = start(&directory, &text(servers, silence), cpus)?;
        Ok(Self {
            feed: child.address("feed")?,
            hot: child.address("hot")?,
            plain: child.address("plain")?,
            admin: child.address("admin")?,
            child,
            _directory: directory,
        })
    }

    /// The port with this standby.
    pub(super) fn port(&self, standby: Standby) -> SocketAddr {
        match standby {
            Standby::Cold => self.feed,
            Standby::Hot => self.hot,
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.child.pid()
    }
}

/// `l4-failover` with this configuration, which lies in a directory of its own.
pub(super) fn start(directory: &TempDir, text: &str, cpus: Cpus) -> Result<Child> {
    let config = directory.path().join("l4-failover.toml");
    fs::write(&config, text)?;
    let words = ["run".as_ref(), "--config".as_ref(), config.as_os_str()];
    Program::Failover.start(cpus.bridge, words)
}

/// What is not written here is as by default; `stall` is longer, since consumers are paused on purpose.
fn text(servers: &[Server], silence: Duration) -> String {
    let targets = servers.iter().map(|it| format!("\"{}\"", it.address));
    let targets: Vec<String> = targets.collect();
    let silence = silence.as_millis();
    let feed = format!("protocol = \"soupbintcp\"\nsilence = \"{silence}ms\"\nstall = \"2min\"\n");
    let hot = format!("{feed}standby = \"hot\"\n");
    let ports = [("feed", &*feed), ("hot", &*hot), ("plain", "")];
    let ports = ports.map(|(name, lines)| port(name, &targets, lines));
    format!("{PROCESS}{}", ports.concat())
}

/// What is said of the process itself.
pub(super) const PROCESS: &str = r#"[admin]
address = "127.0.0.1:0"

[log]
level = "error"
"#;

/// A port in front of these targets, the first of which is the primary, with more lines of its own.
pub(super) fn port(name: &str, targets: &[String], lines: &str) -> String {
    let (primary, backup) = (&targets[0], targets[1..].join(", "));
    format!(
        r#"
[[port]]
name = "{name}"
listen = "127.0.0.1:0"
primary = [{primary}]
backup = [{backup}]
{lines}"#
    )
}
