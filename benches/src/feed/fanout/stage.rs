//! The local port in front of two servers: one login for all who come.

use std::net::SocketAddr;

use anyhow::Result;
use tempfile::TempDir;
use tests::config::{DESK, secret};

use super::super::cpus::Cpus;
use super::super::stage::{Feed, PROCESS, Server, port, start};
use crate::child::Child;
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
        let child = start(&directory, &text(&servers, &directory), cpus)?;
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
    let targets = servers.each_ref().map(target);
    let lines = format!(
        r#"protocol = "soupbintcp"

[[port.consumer]]
username = {name:?}
password_file = {consumer:?}
"#
    );
    format!("{PROCESS}{}", port("feed", &targets, &lines))
}
