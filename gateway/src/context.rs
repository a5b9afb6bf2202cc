//! What all connections of a process share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use l4_failover::socket::crowd::Crowd;
use l4_failover::socket::relay::RelayContext;

use crate::access::Sources;
use crate::circle::OnTheWay;
use crate::live::Live;
use crate::log::{ConnectionLog, LostLines};
use crate::metrics::Metrics;
use crate::tap::Tap;

/// What all connections of a process share.
#[derive(Debug)]
pub struct Context {
    /// Connections whose hello is not complete, by the face that they came to.
    pub half_read: Crowd,
    /// What each source of connections has taken.
    pub sources: Arc<Sources>,
    /// Bounds and buffers of relays.
    pub relay: RelayContext,
    /// The hellos that are on their way to other gateways.
    pub on_the_way: OnTheWay,
    /// The open connections.
    pub live: Live,
    /// What is counted.
    pub metrics: Metrics,
    /// What is logged of connections.
    pub log: ConnectionLog,
    /// Shows connections to whoever watches.
    pub tap: Arc<Tap>,
    /// Log lines that were lost.
    pub lost: LostLines,
    /// Set once the process is told to stop.
    pub stopping: AtomicBool,
}

impl Context {
    /// Whether the process was told to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Relaxed)
    }
}
