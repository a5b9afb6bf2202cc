//! The tables of routes of one configuration.

use std::collections::HashSet;
use std::sync::Arc;

use crate::destination::Destination;
use crate::front::Face;
use crate::route::{Routes, Rule};

/// The tables of routes of one configuration.
#[derive(Debug)]
pub struct Tables {
    /// For clients.
    pub clients: Arc<Routes<Destination>>,
    /// For the gateways of other data centres; empty where none can connect.
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

    /// Every rule with who it is for and where it leads, in the order exact, suffix, default.
    #[must_use]
    pub fn rules(&self) -> Vec<(Face, Rule<'_>, &Destination)> {
        let faces = [Face::Clients, Face::Peers].into_iter();
        let rules = faces.flat_map(|face| {
            let mut rules: Vec<_> = self.at(face).rules().collect();
            rules.sort_by_key(|(rule, _)| *rule);
            rules.into_iter().map(move |(rule, to)| (face, rule, &**to))
        });
        rules.collect()
    }

    /// Every destination once, in no order.
    pub fn destinations(&self) -> impl Iterator<Item = &Arc<Destination>> {
        let mut seen = HashSet::new();
        let all = self.clients.rules().chain(self.peers.rules());
        all.map(|(_, to)| to)
            .filter(move |to| seen.insert(Arc::as_ptr(to)))
    }
}
