//! The tables of routes of one configuration.

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
    /// What they lead to, each once, in the order of the configuration.
    pub destinations: Vec<Arc<Destination>>,
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

    /// Every destination once, in the order of the configuration.
    pub fn destinations(&self) -> std::slice::Iter<'_, Arc<Destination>> {
        self.destinations.iter()
    }
}
