//! What is behind a listening address.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus::IntCounter;

use crate::destination::Destination;
use crate::hello::HelloLimits;
use crate::networks::Networks;
use crate::route::Routes;

/// Who connects to a listening address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Face {
    /// Clients: every route is theirs.
    Clients,
    /// Gateways of other data centres: only services here answer them, so that nothing goes in a
    /// circle.
    Peers,
}

/// What the connections of one listening address share.
#[derive(Debug)]
pub struct Listener {
    /// What logs, metrics and the `ready` line call it.
    pub name: String,
    /// Who connects there.
    pub face: Face,
    /// Counts the connections that it accepted.
    pub accepted: Arc<IntCounter>,
    front: ArcSwap<Front>,
}

/// What is behind a listening address now; a reload puts another in its place.
#[derive(Debug)]
pub struct Front {
    /// Bounds of reading a hello.
    pub hello: HelloLimits,
    /// Where names lead.
    pub routes: Arc<Routes<Destination>>,
    /// How long an endpoint may take to accept the hello.
    pub replay_timeout: Duration,
    /// Whose connections are accepted.
    pub access: Access,
    /// Who must say by a PROXY header whom it connects for.
    pub proxies: Networks,
}

/// Whose connections are accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Only these, if there is any.
    pub allow: Networks,
    /// Never these.
    pub deny: Networks,
}

impl Listener {
    /// A listener in front of `front`.
    #[must_use]
    pub fn new(name: String, face: Face, accepted: Arc<IntCounter>, front: Front) -> Self {
        Self {
            name,
            face,
            accepted,
            front: ArcSwap::from_pointee(front),
        }
    }

    /// What is behind it now. To be let go of once the connection is routed: it keeps a whole
    /// table of routes.
    #[must_use]
    pub fn front(&self) -> Arc<Front> {
        self.front.load_full()
    }

    /// Connections that are not routed yet, and those to come, go there.
    pub fn lead_to(&self, front: Front) {
        self.front.store(Arc::new(front));
    }
}
