//! How a server and its clients are.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use l4_failover::socket::live::Entry;
use serde::Serialize;

use super::client::Client;
use super::conduct::Flow;
use super::stage::Stage;
use crate::day::Day;

/// How a server is.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// The name of the session.
    pub session: String,
    /// `open`, or `ended`.
    pub state: &'static str,
    /// The number of the newest message; 0: none yet. Without a rate, the highest that a client was
    /// sent.
    pub newest: u64,
    /// The number of the session's last message, if there is one.
    pub last: Option<u64>,
    /// What every login is answered now, if they are rejected: `A` or `S`.
    pub rejecting: Option<char>,
    /// Messages sent since the start, to all clients together.
    pub messages: u64,
    /// Logins accepted since the start.
    pub logins: u64,
    /// Logins rejected since the start.
    pub rejected: u64,
    /// How much later than due messages were given to the kernel.
    pub lateness: LatenessStatus,
    /// Who is connected, in the order of connecting.
    pub clients: Vec<ClientStatus>,
    /// Who was connected, the newest last; at most 256.
    pub gone: Vec<GoneStatus>,
}

/// What became of a client.
#[derive(Clone, Debug, Serialize)]
pub struct GoneStatus {
    /// What orders called it.
    pub id: u64,
    /// From where it connected.
    pub address: SocketAddr,
    /// The number of the first message that was not given to the kernel whole; 0 without a login.
    pub next: u64,
    /// As of a client that is connected.
    pub sent: u64,
    /// How its connection ended, in a sentence.
    pub end: String,
}

/// Clients that are remembered once they are gone.
const GONE_MAX: usize = 256;

impl GoneStatus {
    /// Keeps what became of a client.
    pub(super) fn remember(self, gone: &mut VecDeque<Self>) {
        if gone.len() == GONE_MAX {
            gone.pop_front();
        }
        gone.push_back(self);
    }
}

/// Upper bounds in microseconds, each a power of two, of messages that became due while their client
/// was connected.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct LatenessStatus {
    /// Of half of the messages.
    pub p50_us: Option<u64>,
    /// Of 99 %.
    pub p99_us: Option<u64>,
    /// Of 99.9 %.
    pub p999_us: Option<u64>,
}

/// How a client is.
#[derive(Clone, Debug, Serialize)]
pub struct ClientStatus {
    /// What orders call it.
    pub id: u64,
    /// From where it connected.
    pub address: SocketAddr,
    /// Who logged in; none before that.
    pub username: Option<String>,
    /// The number that it asked for.
    pub requested: Option<u64>,
    /// The time that it may be silent by its login of version 4.10, in milliseconds.
    pub heartbeat_timeout_ms: Option<u64>,
    /// The number of the message that comes next; 0 before the login.
    pub next: u64,
    /// Frames of messages that were given to the kernel whole. One that was ordered to be left out
    /// or to come twice counts as it is numbered.
    pub sent: u64,
    /// Bytes that were given to the kernel.
    pub bytes: u64,
    /// Messages that are there and were not given to the kernel.
    pub behind: u64,
    /// Messages without a number that it sent.
    pub unsequenced: u64,
    /// `on`, `paused` or `frozen`.
    pub flow: &'static str,
    /// How long ago it connected.
    pub connected_seconds: f64,
}

impl Stage {
    pub(super) fn status(&self) -> Status {
        let now = Instant::now();
        let (common, newest) = (self.common().clone(), self.timeline.newest(now));
        let mut clients = Vec::new();
        self.live
            .for_each(|entry| clients.push(client(entry, newest)));
        clients.sort_by_key(|client| client.id);
        let is_over = self.timeline.is_over(now);
        let lateness = |share| self.counts.lateness.quantile(share);
        Status {
            session: common.session.to_string(),
            state: if is_over { "ended" } else { "open" },
            newest,
            last: Some(self.timeline.last()).filter(|last| *last < Day::FARTHEST),
            rejecting: common.rejecting.map(|it| it as u8 as char),
            messages: read(&self.counts.messages),
            logins: read(&self.counts.logins),
            rejected: read(&self.counts.rejected),
            lateness: LatenessStatus {
                p50_us: lateness(0.5),
                p99_us: lateness(0.99),
                p999_us: lateness(0.999),
            },
            clients,
            gone: self.gone().iter().cloned().collect(),
        }
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Relaxed)
}

fn client(entry: &Entry<Client>, newest: u64) -> ClientStatus {
    let client = &entry.own;
    let (login, progress) = (client.login.get(), &client.progress);
    let next = read(&progress.next);
    let timeout = login.and_then(|it| it.heartbeat_timeout);
    ClientStatus {
        id: client.id,
        address: entry.client,
        username: login.map(|it| it.username.clone()),
        requested: login.map(|it| it.requested),
        heartbeat_timeout_ms: timeout.and_then(|it| u64::try_from(it.as_millis()).ok()),
        next,
        sent: read(&progress.sent),
        bytes: read(&progress.bytes),
        behind: match next {
            0 => 0,
            next => (newest + 1).saturating_sub(next),
        },
        unsequenced: read(&progress.unsequenced),
        flow: match client.conduct().flow {
            Flow::On => "on",
            Flow::Paused => "paused",
            Flow::Frozen => "frozen",
        },
        connected_seconds: entry.opened.elapsed().as_secs_f64(),
    }
}
