//! What all connections of the process share, and what its workers do with them.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::net::TcpStream;

use super::connection;
use super::front::{Door, Front};
use super::log::ConnectionLog;
use super::metrics::Metrics;
use super::record::{Record, report};
use crate::metrics::Snapshot;
use crate::process::log::LostLines;
use crate::socket::crowd::Crowd;
use crate::socket::live::Live;
use crate::socket::relay::{RelayContext, RelayLimits};
use crate::socket::workers::{Accepted, Pause, Serve};

/// A handshake owns some 40 KiB until it is finished: 20 MiB in all.
const HANDSHAKES_MAX: usize = 512;

/// What a [`Context`] is made with.
#[derive(Debug)]
pub struct ContextOptions {
    /// Worker threads.
    pub workers: usize,
    /// Connections that may be open at once.
    pub connections_max: usize,
    /// The bounds of relays.
    pub relay: RelayLimits,
    /// Counts the lines of the log that were lost.
    pub lost: LostLines,
}

/// What all connections of the process share.
#[derive(Debug)]
pub struct Context {
    pub(super) relay: RelayContext,
    pub(super) live: Live<Arc<Front>>,
    /// Handshakes under way.
    pub(super) handshakes: Crowd,
    pub(super) log: ConnectionLog,
    metrics: Metrics,
    lost: LostLines,
    draining: AtomicBool,
}

impl Context {
    /// A context without a connection.
    ///
    /// # Errors
    ///
    /// When the metrics cannot be made: a name used twice, which a test would find.
    pub fn new(options: ContextOptions) -> prometheus::Result<Self> {
        Ok(Self {
            relay: RelayContext::new(options.relay),
            live: Live::new(options.workers, options.connections_max),
            handshakes: Crowd::new(HANDSHAKES_MAX),
            log: ConnectionLog::default(),
            metrics: Metrics::new()?,
            lost: options.lost,
            draining: AtomicBool::new(false),
        })
    }

    /// The open connections, each with where it came in.
    #[must_use]
    pub fn connections(&self) -> &Live<Arc<Front>> {
        &self.live
    }

    /// What is counted.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Whether the process is on its way out.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }

    /// The process is on its way out.
    pub fn drain(&self) {
        self.draining.store(true, Relaxed);
    }

    /// Says how many lines about refused callers were left out, if any were.
    pub fn say_left_out(&self) {
        self.log.say_left_out();
    }

    /// Brings what is counted of bytes up to now.
    pub fn count_bytes(&self) {
        self.live.for_each(|entry| report(entry));
    }

    /// All metrics in the text format of Prometheus.
    #[must_use]
    pub fn render_metrics(&self) -> Vec<u8> {
        self.count_bytes();
        let now = Snapshot {
            owned_bytes: self.relay.owned_bytes(),
            pipes_lent: self.relay.pipes_lent(),
            log_lost: self.lost.count(),
        };
        self.metrics.process.set(self.live.loads(), now);
        self.metrics.render()
    }
}

impl Serve for Context {
    type Listener = Door;
    type Entry = Arc<Front>;
    type Record = Record;

    fn live(&self) -> &Live<Arc<Front>> {
        &self.live
    }

    fn open(self: &Arc<Self>, accepted: Accepted<'_, Self>) -> Record {
        Record::open(self, accepted)
    }

    fn serve(stream: TcpStream, record: Record) -> impl Future<Output = ()> + Send {
        connection::serve(stream, record)
    }

    fn paused(&self, why: Pause) {
        self.metrics.process.paused(why);
    }

    fn handed_over(&self) {
        self.metrics.process.handed_over();
    }
}
