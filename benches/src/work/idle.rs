//! What a connection costs while it says nothing: memory.

use std::fmt;

use anyhow::{Result, bail};
use tokio::net::TcpStream;

use super::Reading;
use crate::process;
use crate::proxy::Target;
use crate::wire::{Command, ask};

/// Held before the first look: buffers and code that the first connections bring into memory are
/// not the price of one more.
const FIRST: usize = 16;

/// Connections that have exchanged the hello and one byte, and are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle {
    /// How many.
    pub connections: usize,
}

impl Idle {
    pub(super) async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        let Some(pid) = target.pid else {
            bail!("without a proxy, no connection costs it anything");
        };
        let first = hold(target, FIRST).await?;
        let before = process::memory(pid)?;
        let held = hold(target, self.connections).await?;
        let after = process::memory(pid)?;
        drop((first, held));
        let grown = after.saturating_sub(before) as f64;
        let value = grown / self.connections as f64;
        let (what, unit) = ("memory per connection (PSS)", "B");
        Ok(vec![Reading { what, unit, value }])
    }
}

/// Opens so many, one after the other.
pub(super) async fn hold(target: Target, connections: usize) -> Result<Vec<TcpStream>> {
    let mut held = Vec::with_capacity(connections);
    for _ in 0..connections {
        held.push(ask(target.address, Command::Echo).await?);
    }
    Ok(held)
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "idle, {} connections", self.connections)
    }
}
