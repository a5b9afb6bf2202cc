//! The proxies that are measured: how each is started, and where it is reached.

use std::fs;
use std::net::SocketAddr;

use anyhow::Result;
use tempfile::TempDir;

use crate::child::{Child, Program};
use crate::process::Pid;

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
    _child: Child,
    _directory: TempDir,
}

impl Proxy {
    /// Where it is reached.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
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
        let words = ["run".as_ref(), "--config".as_ref(), config.as_os_str()];
        let child = Program::Gateway.start(None, words)?;
        Ok(Proxy {
            target: Target {
                address: child.address("listen")?,
                pid: Some(child.pid()),
            },
            _child: child,
            _directory: directory,
        })
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
