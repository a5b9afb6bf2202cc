//! How evenly long-lived connections lie on the workers.
//!
//! Threads share their descriptors, so that only the instances of epoll(7) tell them apart: each worker
//! of each of these programs has one of its own, whether it is a thread or a process, and an idle
//! connection's sockets are registered with it. /proc/PID/fdinfo says which.

use std::fmt;

use anyhow::{Context, Result, ensure};

use super::Reading;
use super::idle::hold;
use crate::process;
use crate::proxy::Target;

/// Connections that are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// How many.
    pub connections: usize,
}

impl Balance {
    pub(super) async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        let pid = target.pid.context("without a proxy there are no workers")?;
        let held = hold(target, self.connections).await?;
        let mut sockets = process::sockets_by_poller(pid)?;
        drop(held);
        sockets.sort_unstable_by(|a, b| b.cmp(a));
        sockets.resize(target.workers, 0);
        let all: usize = sockets.iter().sum();
        // Two a connection; the few of other purposes do not matter among so many.
        let expected = 2 * self.connections;
        ensure!(
            all >= expected && all < expected + expected / 10,
            "{all} sockets are registered with its workers, where {expected} were expected"
        );
        let mean = all as f64 / target.workers as f64;
        let value = sockets.first().map_or(f64::NAN, |most| *most as f64 / mean);
        let (what, unit) = ("largest ÷ mean", "of a worker");
        Ok(vec![Reading { what, unit, value }])
    }
}

impl fmt::Display for Balance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "balance over workers, {} connections", self.connections)
    }
}
