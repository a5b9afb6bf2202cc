//! What a configuration comes to: tables of routes, and what is behind each listening address.

use std::collections::HashMap;
use std::sync::Arc;

use l4_failover::config::Listen;
use l4_failover::life::Wanted;
use l4_failover::{Pool, PoolOptions, Prepared};

use super::StartError;
use crate::config::{self, Config};
use crate::destination::Destination;
use crate::front::{Front, Listener};
use crate::hello::{HelloBounds, HelloLimits};
use crate::metrics::Metrics;
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

/// A destination that nobody was led to before.
///
/// # Errors
///
/// [`StartError::Pool`].
pub fn destination(
    metrics: &Metrics,
    kind: RouteKind,
    pool: &PoolOptions,
) -> Result<Arc<Destination>, StartError> {
    Ok(Arc::new(Destination {
        name: pool.name.clone(),
        kind,
        pool: Pool::new(pool.clone())?,
        series: metrics.series(kind, &pool.name),
    }))
}

/// What routes lead to after a reload: pools of kept names are changed in place, and keep their
/// health, sessions and holds.
pub(super) struct Destinations<'a> {
    metrics: &'a Metrics,
    before: HashMap<(RouteKind, &'a str), &'a Arc<Destination>>,
    changes: Vec<Prepared>,
}

impl<'a> Destinations<'a> {
    pub(super) fn of(before: &'a Tables, metrics: &'a Metrics) -> Self {
        Self {
            metrics,
            before: before.destinations().map(|to| (to.key(), to)).collect(),
            changes: Vec::new(),
        }
    }

    /// What is to be led to by this name; nothing has changed yet.
    pub(super) fn prepare(
        &mut self,
        kind: RouteKind,
        pool: &PoolOptions,
    ) -> Result<Arc<Destination>, StartError> {
        let Some(before) = self.before.get(&(kind, pool.name.as_str())) else {
            return destination(self.metrics, kind, pool);
        };
        self.changes.push(before.pool.prepare(pool.clone())?);
        Ok(Arc::new(Destination {
            name: before.name.clone(),
            kind,
            pool: before.pool.clone(),
            series: Arc::clone(&before.series),
        }))
    }

    /// What is to become of the pools that there were.
    pub(super) fn into_changes(self) -> Vec<Prepared> {
        self.changes
    }
}

/// The addresses that `config` wants.
pub(super) fn wanted(config: &Config) -> Vec<Wanted> {
    let wanted = |listener: &config::Listener| Wanted {
        name: listener.name.as_str().into(),
        listen: Listen {
            address: listener.address,
            backlog: listener.backlog,
        },
    };
    config.listeners.iter().map(wanted).collect()
}

/// The listener of this number, new.
pub(super) fn listener(
    config: &Config,
    nth: usize,
    tables: &Tables,
    metrics: &Metrics,
) -> Arc<Listener> {
    let listener = &config.listeners[nth];
    let (name, accepted) = (listener.name.clone(), metrics.accepted(&listener.name));
    let front = front(config, listener, tables);
    Arc::new(Listener::new(name, listener.face, accepted, front))
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
