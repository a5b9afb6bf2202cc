//! What a byte costs.

use std::fmt;

use anyhow::Result;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Reading, Stopwatch, all, cpu_reading};
use crate::proxy::Target;
use crate::wire::{Command, answered, ask, discard, exchange, send};

/// Where the bytes flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From backends to clients.
    Down,
    /// From clients to backends.
    Up,
    /// Half of the bytes each way, at once.
    Both,
}

/// Many bytes over some connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// How many connections share the bytes.
    pub connections: u64,
    /// Which way.
    pub direction: Direction,
    /// Bytes of all connections together.
    pub bytes: u64,
}

impl Bulk {
    pub(super) async fn run(&self, target: Target) -> Result<Vec<Reading>> {
        let share = self.bytes / self.connections;
        let mut streams = Vec::new();
        for _ in 0..self.connections {
            streams.push(ask(target.address, self.command(share)).await?);
        }
        let watch = Stopwatch::start(target)?;
        let mut tasks = JoinSet::new();
        for stream in streams {
            tasks.spawn(pass(stream, self.direction, share));
        }
        all(tasks).await?;
        let taken = watch.stop()?;
        let gigabytes = (share * self.connections) as f64 / 1e9;
        let per_gigabyte = taken.cpu.map(|cpu| cpu / gigabytes);
        let mut readings = cpu_reading("CPU", "s/GB", per_gigabyte);
        readings.push(Reading {
            what: "throughput",
            unit: "Gbit/s",
            value: gigabytes * 8.0 / taken.seconds,
        });
        Ok(readings)
    }

    fn command(&self, share: u64) -> Command {
        match self.direction {
            Direction::Down => Command::Send(share),
            Direction::Up => Command::Take(share),
            Direction::Both => Command::Both(share / 2),
        }
    }
}

async fn pass(mut stream: TcpStream, direction: Direction, share: u64) -> Result<()> {
    match direction {
        Direction::Down => {
            stream.write_u8(0).await?;
            discard(&stream, share).await?;
        }
        Direction::Up => {
            send(&mut stream, share).await?;
            answered(&mut stream).await?;
        }
        Direction::Both => {
            exchange(&mut stream, share / 2).await?;
            answered(&mut stream).await?;
        }
    }
    Ok(())
}

impl fmt::Display for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Down => "down",
            Direction::Up => "up",
            Direction::Both => "both ways",
        };
        let s = if self.connections == 1 { "" } else { "s" };
        write!(f, "bulk {direction}, {} connection{s}", self.connections)
    }
}
