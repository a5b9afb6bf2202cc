//! What a route leads to.

use std::sync::Arc;

use l4_failover::Pool;

use crate::front::Face;
use crate::metrics::Series;
use crate::route::RouteKind;

/// A service here, one that was adopted, or the gateways of another data centre.
#[derive(Debug)]
pub struct Destination {
    /// The name of the service or the data centre, as configured, or both with a dot between where a
    /// service was adopted: the label of its metrics.
    pub name: String,
    /// Which of the three.
    pub kind: RouteKind,
    /// Where its connections go.
    pub pool: Pool,
    /// Its metrics.
    pub series: Arc<Series>,
}

impl Destination {
    /// What tells it from every other, and stays through a reload.
    #[must_use]
    pub fn key(&self) -> (RouteKind, &str) {
        (self.kind, &self.name)
    }
}

impl Destination {
    /// The names of the endpoints that those who connect at `face` may be led to, tier by tier.
    #[must_use]
    pub fn endpoints(&self, face: Face) -> Vec<String> {
        let endpoints = self.pool.endpoints().into_iter();
        let reached = endpoints.filter(|it| face == Face::Clients || !it.options().leads_on);
        reached.map(|it| it.name().to_string()).collect()
    }
}
