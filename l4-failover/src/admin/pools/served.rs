//! A pool with what passes through it: a part of `/status`.

use serde::{Deserialize, Serialize};

use super::PoolJson;

/// A pool at one moment, with what passed through it since the start: a rate is what two of these
/// differ by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServedJson {
    /// Connections open now.
    pub connections: u64,
    /// Bytes read from clients.
    pub from_client_bytes: u64,
    /// Bytes read from endpoints.
    pub from_upstream_bytes: u64,
    /// The pool.
    #[serde(flatten)]
    pub pool: PoolJson,
}

impl ServedJson {
    /// `pool`, through which so many bytes passed from clients, and from endpoints.
    #[must_use]
    pub fn of(pool: PoolJson, (from_client_bytes, from_upstream_bytes): (u64, u64)) -> Self {
        let endpoints = pool.tiers.iter().flat_map(|tier| &tier.endpoints);
        Self {
            connections: endpoints.map(|it| it.connections).sum(),
            from_client_bytes,
            from_upstream_bytes,
            pool,
        }
    }

    /// How many connections its endpoints have taken.
    #[must_use]
    pub fn connects(&self) -> u64 {
        let endpoints = self.pool.tiers.iter().flat_map(|tier| &tier.endpoints);
        endpoints.map(|it| it.connects).sum()
    }
}
