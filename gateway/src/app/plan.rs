//! What a configuration comes to: tables of routes, and what is behind each listening address.

use std::sync::Arc;

use l4_failover::PoolOptions;

use super::StartError;
use crate::config::{self, Config};
use crate::destination::Destination;
use crate::front::Front;
use crate::hello::{HelloBounds, HelloLimits};
use crate::route::{RouteKind, Routes};
use crate::tables::Tables;

/// The tables that `config` gives; `destination` makes what routes lead to, or finds it again.
///
/// # Errors
///
/// [`StartError`]: two destinations claim one name, a name would be none, or a pool cannot be made.
pub fn tables(
    config: &Config,
    mut destination: impl FnMut(RouteKind, &PoolOptions) -> Result<Arc<Destination>, StartError>,
) -> Result<Tables, StartError> {
    let mut clients = Routes::builder(&config.datacenter, &config.name_patterns);
    let mut peers = Routes::builder(&config.datacenter, &config.name_patterns);
    let fallback = config.fallback.as_ref();
    for service in &config.services {
        let to = destination(RouteKind::Service, &service.pool)?;
        clients.service(&service.name, &to)?;
        peers.service(&service.name, &to)?;
        if let Some(fallback) = fallback.filter(|it| it.service == service.name) {
            clients.default(&to, fallback.without_name);
        }
    }
    for datacenter in &config.datacenters {
        let to = destination(RouteKind::Datacenter, &datacenter.pool)?;
        clients.datacenter(&datacenter.name, &to)?;
    }
    Ok(Tables {
        clients: Arc::new(clients.build()?),
        peers: Arc::new(peers.build()?),
    })
}

/// What is behind `listener`.
pub(super) fn front(config: &Config, listener: &config::Listener, tables: &Tables) -> Front {
    Front {
        hello: hello_limits(&config.hello),
        routes: Arc::clone(tables.at(listener.face)),
        replay_timeout: config.dial.timeout,
        access: listener.access.clone(),
        proxies: listener.proxies.clone(),
    }
}

fn hello_limits(hello: &config::Hello) -> HelloLimits {
    HelloLimits {
        bounds: HelloBounds {
            handshake_bytes: hello.bytes,
            raw_bytes: hello.raw_bytes,
        },
        deadline: hello.timeout,
    }
}
