//! The local port in front of two servers: one login for all who come.

use std::fs;
use std::net::SocketAddr;

use anyhow::Result;
use tempfile::TempDir;
use tests::config::{DESK, secret};

use super::super::cpus::Cpus;
use super::super::stage::{Feed, Server};
use crate::child::{Child, Program};
use crate::process::Pid;

/// The consumer that [`login`](super::super::decode::login) is of; any number may come as this one.
const CONSUMER: (&str, &str) = ("BENCH", "SECRET");

/// `l4-failover` with one login, and the servers behind it.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) address: SocketAddr,
    child: Child,
    _servers: [Server; 2],
    _directory: TempDir,
}

impl Stage {
    pub(super) fn start(feed: &Feed, cpus: Cpus) -> Result<Self> {
        let servers = [Server::start(feed, cpus, 1)?, Server::start(feed, cpus, 2)?];
        let directory = tempfile::tempdir()?;
        let config = directory.path().join("l4-failover.toml");
        fs::write(&config, text(&servers, &directory))?;
        let words = ["run".as_ref(), "--config".as_ref(), config.as_os_str()];
        let child = Program::Failover.start(cpus.bridge, words)?;
        Ok(Self {
            address: child.address("feed")?,
            child,
            _servers: servers,
            _directory: directory,
        })
    }

    pub(super) fn pid(&self) -> Pid {
        self.child.pid()
    }
}

/// What is not written here is as by default.
fn text(servers: &[Server; 2], directory: &TempDir) -> String {
    let (name, password) = CONSUMER;
    let desk = secret(directory.path(), "desk", DESK);
    let consumer = secret(directory.path(), "consumer", password);
    let target = |it: &Server| {
        let address = it.address;
        format!("{{ address = \"{address}\", username = \"DESK01\", password_file = {desk:?} }}")
    };
    let [primary, backup] = servers.each_ref().map(target);
    format!(
        r#"[admin]
address = "127.0.0.1:0"

[log]
level = "error"

[[port]]
name = "feed"
listen = "127.0.0.1:0"
primary = [{primary}]
backup = [{backup}]
protocol = "soupbintcp"

[[port.consumer]]
username = {name:?}
password_file = {consumer:?}
"#
    )
}
