//! What a route leads to.

use std::sync::Arc;

use l4_failover::Pool;

use crate::metrics::Series;
use crate::route::RouteKind;

/// A service here, or the gateways of another data centre.
#[derive(Debug)]
pub struct Destination {
    /// The name of the service or the data centre, as configured: the label of its metrics.
    pub name: String,
    /// Which of the two.
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
