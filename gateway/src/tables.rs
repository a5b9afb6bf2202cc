//! The tables of routes of one configuration.

use std::collections::HashSet;
use std::sync::Arc;

use crate::destination::Destination;
use crate::front::Face;
use crate::route::Routes;

/// The tables of routes of one configuration.
#[derive(Debug)]
pub struct Tables {
    /// For clients.
    pub clients: Arc<Routes<Destination>>,
    /// For the gateways of other data centres.
    pub peers: Arc<Routes<Destination>>,
}

impl Tables {
    /// The table for those who connect at `face`.
    #[must_use]
    pub fn at(&self, face: Face) -> &Arc<Routes<Destination>> {
        match face {
            Face::Clients => &self.clients,
            Face::Peers => &self.peers,
        }
    }

    /// Every destination once, in no order.
    pub fn destinations(&self) -> impl Iterator<Item = &Arc<Destination>> {
        let mut seen = HashSet::new();
        let all = self.clients.rules().chain(self.peers.rules());
        all.map(|(_, to)| to)
            .filter(move |to| seen.insert(Arc::as_ptr(to)))
    }
}
