//! What is behind a listening address.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::metrics::Series;
use crate::pool::Pool;
use crate::socket::tls::{Caller, San, TlsServer, TlsServerOptions};
use crate::soupbin::bridge::SharedFeed;
use crate::soupbin::fanout::Fanout;

/// A port, or an inbound, as the configuration names it.
#[derive(Debug)]
pub struct Front {
    /// What logs and metrics call it.
    pub name: Arc<str>,
    /// Where its connections go.
    pub pool: Pool,
    /// Who is let in. `None`: whoever connects, as plain TCP.
    pub gate: Option<Arc<Gate>>,
    /// What it is as a SoupBinTCP feed. `None`: its bytes are passed on as they are.
    pub feed: Option<SharedFeed>,
    /// The one login of all its consumers. `None`: each has its own.
    pub fanout: Option<Fanout>,
    /// What is counted of it.
    pub series: Arc<Series>,
}

impl Front {
    /// `port` or `inbound`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.gate {
            None => "port",
            Some(_) => "inbound",
        }
    }
}

/// Where callers show who they are.
#[derive(Debug)]
pub struct Gate {
    /// Shakes hands with them.
    pub tls: TlsServer,
    /// What that is made of.
    pub options: TlsServerOptions,
    /// For one handshake.
    pub timeout: Duration,
}

impl Gate {
    /// The name by which a caller was let in.
    #[must_use]
    pub fn matched(&self, caller: &Caller) -> Option<San> {
        let mut names = caller.names().iter();
        names
            .find(|name| self.options.allow.contains(name))
            .cloned()
    }
}

/// A listening address, and what is behind it now: that changes without a word to its clients.
#[derive(Clone, Debug)]
pub struct Door(Arc<ArcSwap<Front>>);

impl Door {
    /// A door in front of `front`.
    #[must_use]
    pub fn new(front: Arc<Front>) -> Self {
        Self(Arc::new(ArcSwap::new(front)))
    }

    /// What is behind it now.
    #[must_use]
    pub fn front(&self) -> Arc<Front> {
        self.0.load_full()
    }

    /// Connections accepted from here on go there.
    pub fn lead_to(&self, front: Arc<Front>) {
        self.0.store(front);
    }
}
