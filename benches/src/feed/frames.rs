//! Whether a server has written a part of a frame, by its own count of bytes.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use soupbintcp_sim::day::Day;

use super::http;

/// Bytes of the answer to a login.
const ACCEPTED: u64 = 33;

/// Bytes of a frame that are not its message.
const HEADER: u64 = 3;

/// Bytes of a heartbeat.
const HEARTBEAT: u64 = 3;

/// A server that wrote nothing from one look to the next so often is stuck; on a busy machine it may
/// not have run from one look to the next.
const STILL: usize = 3;

/// What a server says of its one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    requested: u64,
    next: u64,
    bytes: u64,
    behind: u64,
}

/// Waits until the server at this admin address can write no more: where it stands then.
pub(super) fn stuck(admin: SocketAddr, within: Duration) -> Result<Place> {
    let deadline = Instant::now() + within;
    let (mut before, mut still) = (Place::at(admin)?, 0);
    while still < STILL {
        let late = Instant::now() >= deadline;
        ensure!(
            !late,
            "a server was not stuck within {within:?}: {before:?}"
        );
        sleep(Duration::from_millis(20));
        let place = Place::at(admin)?;
        let is_still = place.bytes == before.bytes && place.behind > before.behind;
        still = if is_still { still + 1 } else { 0 };
        before = place;
    }
    Ok(before)
}

impl Place {
    fn at(admin: SocketAddr) -> Result<Self> {
        Self::of(&http::get(admin, "/status")?)
    }

    /// Whether the server has written more since.
    pub(super) fn is_past(self, admin: SocketAddr) -> Result<bool> {
        Ok(Self::at(admin)?.bytes > self.bytes)
    }

    fn of(status: &Value) -> Result<Self> {
        let clients = status["clients"].as_array().context("no clients")?;
        let logged_in = clients.iter().find(|it| it["requested"].is_u64());
        let client = logged_in.context("nobody has logged in")?;
        let number = |key: &str| client[key].as_u64().with_context(|| format!("no {key}"));
        Ok(Self {
            requested: number("requested")?.max(1),
            next: number("next")?,
            bytes: number("bytes")?,
            behind: number("behind")?,
        })
    }

    /// Whether the bytes are more than those of whole frames. A heartbeat may have gone before.
    pub(super) fn is_within(self, day: &Day) -> bool {
        let mut messages = day.from(self.requested);
        let whole: u64 = (self.requested..self.next)
            .map(|_| HEADER + messages.next().len() as u64)
            .sum();
        let more = self.bytes.saturating_sub(ACCEPTED + whole);
        more > 0 && !more.is_multiple_of(HEARTBEAT)
    }
}
