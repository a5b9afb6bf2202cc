//! One line of a consumer, with its socket.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::inbox::Inbox;
use super::outbox::Outbox;
use super::watch::Place;
use crate::pool::{AttemptError, Leased};
use crate::socket::Stream;
use crate::socket::cut::ResetOnDrop;
use crate::soupbin::join::{LineId, TargetId};

/// What a dial comes to.
pub(super) type Dialled = Result<(Stream, SocketAddr), AttemptError>;

pub(super) struct BridgeLine {
    pub(super) id: LineId,
    pub(super) target: TargetId,
    /// Counts it as one of its endpoint's sessions.
    pub(super) lease: Arc<Leased>,
    pub(super) end: LineEnd,
}

impl BridgeLine {
    /// Begins to dial: for as long as the pool's own attempts may take.
    pub(super) fn dial(id: LineId, target: TargetId, lease: Arc<Leased>) -> Self {
        let leased = Arc::clone(&lease);
        let dial = async move { leased.open(Duration::MAX).await };
        Self {
            id,
            target,
            lease,
            end: LineEnd::Dialling(Box::pin(dial)),
        }
    }

    /// Its lease, and the address that it is connected to.
    pub(super) fn connected(&self) -> Option<(&Arc<Leased>, SocketAddr)> {
        match &self.end {
            LineEnd::Open(wire) => Some((&self.lease, wire.address)),
            LineEnd::Dialling(_) => None,
        }
    }

    /// Where it stands, once it is connected.
    pub(super) fn place(&self) -> Option<&Place> {
        match &self.end {
            LineEnd::Open(wire) => Some(&wire.place),
            LineEnd::Dialling(_) => None,
        }
    }
}

impl fmt::Debug for BridgeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, target) = (self.id, self.target);
        let mut line = f.debug_struct("BridgeLine");
        line.field("id", &id).field("target", &target);
        line.finish_non_exhaustive()
    }
}

pub(super) enum LineEnd {
    Dialling(Pin<Box<dyn Future<Output = Dialled> + Send>>),
    Open(Box<Wire>),
}

/// An open line.
pub(super) struct Wire {
    pub(super) stream: ResetOnDrop<Stream>,
    pub(super) address: SocketAddr,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    /// Where it stands.
    pub(super) place: Place,
    /// Since when it has taken nothing of what waits for it.
    pub(super) stuck: Option<Instant>,
    /// Whether its bytes were wanted when they were last looked at.
    pub(super) is_wanted: bool,
}

impl Wire {
    pub(super) fn new(stream: Stream, address: SocketAddr) -> Self {
        Self {
            stream: ResetOnDrop::from(stream),
            address,
            inbox: Inbox::default(),
            outbox: Outbox::default(),
            place: Place::default(),
            stuck: None,
            is_wanted: true,
        }
    }
}
