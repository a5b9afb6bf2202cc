//! Looking endpoints' names up, beside the connections and never in their way.

use std::sync::Arc;
use std::time::Duration;

use l4_failover::Endpoint;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::warn;

use crate::destination::Destination;

/// How often names are looked up.
const EVERY: Duration = Duration::from_secs(30);
/// How often while a name has no address yet.
const EVERY_WHILE_UNKNOWN: Duration = Duration::from_secs(1);
/// Names looked up at once.
const AT_ONCE: usize = 16;

/// The endpoints that are given by name.
#[derive(Debug)]
pub(crate) struct Resolver {
    named: Vec<Arc<Endpoint>>,
}

impl Resolver {
    pub(crate) fn new<'a>(destinations: impl Iterator<Item = &'a Arc<Destination>>) -> Self {
        let endpoints = destinations.flat_map(|to| to.pool.endpoints());
        let named = endpoints.filter(|endpoint| !endpoint.is_literal());
        Self {
            named: named.cloned().collect(),
        }
    }

    /// Looks every name up, for ever.
    pub(crate) async fn keep(&self) {
        loop {
            let is_known = |endpoint: &Arc<Endpoint>| endpoint.addresses().is_ok();
            match self.named.iter().all(is_known) {
                true => sleep(EVERY).await,
                false => sleep(EVERY_WHILE_UNKNOWN).await,
            }
            self.look_up().await;
        }
    }

    /// Looks every name up once.
    pub(crate) async fn look_up(&self) {
        let mut running = JoinSet::new();
        for endpoint in &self.named {
            if running.len() == AT_ONCE {
                running.join_next().await;
            }
            running.spawn(look_up(Arc::clone(endpoint)));
        }
        while running.join_next().await.is_some() {}
    }
}

async fn look_up(endpoint: Arc<Endpoint>) {
    if let Err(error) = endpoint.resolve().await {
        let has_address = endpoint.addresses().is_ok();
        warn!(%endpoint, %error, has_address, "cannot look up an endpoint's name");
    }
}
