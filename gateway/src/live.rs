//! The connections that are open now, and where they go.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use l4_failover::socket::live;
use l4_failover::socket::proxy::{Header, Origin};
use l4_failover::socket::relay::Side;

use crate::destination::Destination;
use crate::front::Listener;

/// Every open connection.
pub type Live = live::Live<Course>;

/// One open connection.
pub type Entry = live::Entry<Course>;

/// Whose a connection is, where it goes, and how much of it the metrics know.
#[derive(Debug)]
pub struct Course {
    /// Where it was accepted.
    pub listener: Arc<Listener>,
    /// The server name as sent, once that is known.
    pub server_name: OnceLock<Box<[u8]>>,
    /// Where it goes, once that is known.
    pub destination: OnceLock<Arc<Destination>>,
    /// What a proxy that is believed said of it. Boxed: most connections have none.
    pub introduction: OnceLock<Box<Header>>,
    reported: [AtomicU64; 2],
}

impl Course {
    /// Of a connection that `listener` accepted.
    #[must_use]
    pub fn at(listener: Arc<Listener>) -> Self {
        Self {
            listener,
            server_name: OnceLock::new(),
            destination: OnceLock::new(),
            introduction: OnceLock::new(),
            reported: Default::default(),
        }
    }

    /// The client's address, and the one that it connected to, as a proxy that is believed said.
    #[must_use]
    pub fn introduced(&self) -> Option<(SocketAddr, SocketAddr)> {
        match self.introduction.get()?.origin {
            Origin::Client {
                source,
                destination,
            } => Some((source, destination)),
            Origin::Local | Origin::Unknown => None,
        }
    }
}

/// Brings the metrics of bytes up to now.
pub fn report(live: &Live) {
    live.for_each(|entry| report_one(entry));
}

/// The connection has ended, and the metrics know all of its bytes.
pub fn close(live: &Live, entry: &Entry) {
    live.close(entry, report_one);
}

/// Adds what passed since the last report to the metrics of the destination. Only under the lock
/// of the entry's shard, so that nothing is added twice.
fn report_one(entry: &Entry) {
    let Some(destination) = entry.own.destination.get() else {
        return;
    };
    let [from_client, from_upstream] = &entry.own.reported;
    for (side, total, reported) in [
        (Side::Client, entry.tally.from_client(), from_client),
        (Side::Upstream, entry.tally.from_upstream(), from_upstream),
    ] {
        let before = reported.swap(total, Relaxed);
        destination.series.add_bytes(side, total - before);
    }
}
