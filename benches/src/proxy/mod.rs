//! The proxies that are measured: how each is found, set up, started, and where it is reached.
//!
//! All get the same job: one name, one endpoint, as many workers as they are told, no checks, times
//! that no work comes near, and one line a connection in a file, or none. What is not of that job is
//! as each program comes.

mod envoy;
mod gateway;
mod haproxy;
mod installed;
mod nginx;
mod peer;
mod sniproxy;
mod start;
mod told;

use std::net::SocketAddr;
use std::path::Path;

use crate::process::Pid;

// The public interface is:
pub use installed::Installed;
pub use peer::Peer;
pub use start::{Proxy, start};

/// The name that clients ask for.
const NAME: &str = "currency.dc1";

/// What work is done against: all that it knows of a proxy.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Where clients connect.
    pub address: SocketAddr,
    /// The process whose use is counted, with its group; none where there is no proxy between.
    pub pid: Option<Pid>,
    /// How many workers it has.
    pub workers: usize,
}

/// How a proxy is to run.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Worker threads, or processes.
    pub workers: usize,
    /// The CPU that all of them stay on.
    pub cpu: Option<usize>,
    /// Whether each connection gets a line.
    pub access_log: bool,
    /// Lines for the `[relay]` section of the gateway alone.
    pub relay: Vec<String>,
    /// What else the gateway alone has to route.
    pub others: Others,
}

/// Services beside the one that clients ask for.
#[derive(Clone, Debug, Default)]
pub struct Others {
    /// How many.
    pub count: usize,
    /// Where they are served, in turn. These endpoints are checked; all services of one share that.
    pub endpoints: Vec<SocketAddr>,
}

/// What a configuration is written from.
#[derive(Clone, Copy, Debug)]
struct Front<'a> {
    installed: &'a Installed,
    setting: &'a Setting,
    listen: SocketAddr,
    backend: SocketAddr,
    /// Whether the backend is another proxy of the same kind.
    leads_on: bool,
    /// For whatever files it needs.
    directory: &'a Path,
}
