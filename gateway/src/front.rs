//! What is behind a listening address.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use l4_failover::Reach;
use prometheus::IntCounter;

use crate::access::{Doors, SourceLimits};
use crate::answer::AnswerLimits;
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

impl Face {
    /// Who connects, in one word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Peers => "peers",
        }
    }

    /// Which endpoints its connections may go to.
    #[must_use]
    pub fn reach(self) -> Reach {
        match self {
            Self::Clients => Reach::All,
            Self::Peers => Reach::Own,
        }
    }
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
    /// How long another gateway may take to say that nobody answers.
    pub answer: AnswerLimits,
    /// Whose connections are accepted.
    pub access: Access,
    /// Whose connections each destination takes.
    pub doors: Arc<Doors>,
    /// How much each source may take.
    pub sources: SourceLimits,
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

    /// Whether a connection from `peer`, the other end of its socket, is accepted.
    #[must_use]
    pub fn admits(&self, peer: IpAddr) -> bool {
        self.front.load().access.admits(peer)
    }

    /// Connections that are not routed yet, and those to come, go there.
    pub fn lead_to(&self, front: Front) {
        self.front.store(Arc::new(front));
    }
}

impl Access {
    /// Whether connections from `address` are accepted. Who is in both lists is denied.
    ///
    /// ```
    /// use gateway::front::Access;
    ///
    /// let access = Access {
    ///     allow: ["10.0.0.0/8".parse()?].into_iter().collect(),
    ///     deny: ["10.66.0.0/16".parse()?].into_iter().collect(),
    /// };
    /// assert!(access.admits("10.1.2.3".parse()?) && access.admits("::ffff:10.1.2.3".parse()?));
    /// assert!(!access.admits("10.66.0.1".parse()?) && !access.admits("192.0.2.1".parse()?));
    /// assert!(Access::default().admits("192.0.2.1".parse()?));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        let is_allowed = self.allow.is_empty() || self.allow.contains(address);
        is_allowed && !self.deny.contains(address)
    }
}
