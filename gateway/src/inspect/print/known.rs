//! What is remembered of a flow whose hello was told, for what is told of it later.

use std::net::SocketAddr;

use crate::inspect::flow::{Carrier, Sighting};

/// A flow whose hello was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Who sent the hello.
    pub client: SocketAddr,
    /// Who received it.
    pub server: SocketAddr,
    /// What carried it.
    pub carrier: Carrier,
}

impl Known {
    /// The flow of a hello.
    #[must_use]
    pub fn of(sighting: &Sighting) -> Self {
        Self {
            client: sighting.source,
            server: sighting.destination,
            carrier: sighting.carrier,
        }
    }
}
