//! What a connection costs from its first byte to its last.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::{Result, ensure};
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use super::{Reading, Stopwatch, all, cpu_reading};
use crate::proxy::Target;
use crate::wire::{Command, ask};

/// Done before the measuring begins, so that code and buffers are in memory.
const FIRST: u64 = 200;

/// How connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The backend finishes, then the client.
    Fin,
    /// The client resets.
    Rst,
}

/// Connections of one hello and one byte each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    /// How many.
    pub connections: u64,
    /// How many at once.
    pub at_once: usize,
    /// How each ends.
    pub close: Close,
}

impl Short {
    pub(super) async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        self.connect(target, FIRST).await?;
        let watch = Stopwatch::start(target)?;
        self.connect(target, self.connections).await?;
        let taken = watch.stop()?;
        let connections = self.connections as f64;
        let each = taken.cpu.map(|cpu| cpu * 1e6 / connections);
        let mut readings = cpu_reading("CPU", "µs each", each);
        readings.push(Reading {
            what: "rate",
            unit: "/s",
            value: connections / taken.seconds,
        });
        Ok(readings)
    }

    /// Opens and closes so many connections.
    ///
    /// # Errors
    ///
    /// When one of them fails.
    pub async fn connect(&self, target: Target, connections: u64) -> Result<()> {
        let begun = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..self.at_once {
            let (begun, close) = (Arc::clone(&begun), self.close);
            tasks.spawn(async move {
                while begun.fetch_add(1, Relaxed) < connections {
                    once(target, close).await?;
                }
                Ok(())
            });
        }
        all(tasks).await?;
        Ok(())
    }
}

async fn once(target: Target, close: Close) -> Result<()> {
    match close {
        Close::Fin => {
            let mut stream = ask(target.address, Command::Finish).await?;
            let end = stream.read(&mut [0; 64]).await?;
            ensure!(end == 0, "bytes where the end should be");
        }
        Close::Rst => {
            let stream = ask(target.address, Command::Echo).await?;
            stream.set_zero_linger()?;
        }
    }
    Ok(())
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let close = match self.close {
            Close::Fin => "FIN",
            Close::Rst => "RST",
        };
        write!(f, "short connection, {close}, {} at once", self.at_once)
    }
}
