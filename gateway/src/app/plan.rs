//! What a configuration comes to: tables of routes, and what is behind each listening address.

use std::sync::Arc;

use l4_failover::PoolOptions;
use l4_failover::choice::{Dial, Policy};
use l4_failover::config::Listen;
use l4_failover::life::Wanted;

use super::StartError;
use crate::access::{Doors, SourceLimits};
use crate::answer::AnswerLimits;
use crate::config::{self, Config, Datacenter, Service};
use crate::destination::Destination;
use crate::front::{Face, Front, Listener};
use crate::hello::{HelloBounds, HelloLimits};
use crate::metrics::Metrics;
use crate::route::{RouteKind, Routes};
use crate::tables::Tables;

/// Another gateway's dial may take as long as ours, and its word for it comes over a WAN.
const ANSWER_DIALS: u32 = 2;

/// The tables that `config` gives; `destination` makes what routes lead to, or finds it again.
///
/// # Errors
///
/// [`StartError`]: two destinations claim one name, a name would be none, or a pool cannot be made.
pub fn tables(
    config: &Config,
    mut destination: impl FnMut(RouteKind, &Arc<PoolOptions>) -> Result<Arc<Destination>, StartError>,
) -> Result<Tables, StartError> {
    let mut destinations = Vec::with_capacity(config.services.len());
    let mut destination = |kind, pool: &Arc<PoolOptions>| {
        let to = destination(kind, pool)?;
        destinations.push(Arc::clone(&to));
        Ok::<_, StartError>(to)
    };
    let mut clients = Routes::builder(&config.datacenter, &config.name_patterns);
    let mut peers = Routes::builder(&config.datacenter, &config.name_patterns);
    let has_peers = config.listeners.iter().any(|it| it.face == Face::Peers);
    for service in &config.services {
        let to = destination(RouteKind::Service, &pool(config, service))?;
        clients.service(&service.name, &to)?;
        if has_peers {
            peers.service(&service.name, &to)?;
        }
        for datacenter in &service.adopts {
            // With peers, always: the configuration would not have been read otherwise.
            peers.service_of(&service.name, datacenter, &to)?;
            let adoption = adoption(config, service, datacenter);
            let to = destination(RouteKind::Adoption, &Arc::new(adoption))?;
            clients.service_of(&service.name, datacenter, &to)?;
        }
        let fallback = config.fallback.as_ref();
        if let Some(fallback) = fallback.filter(|it| it.service == service.name) {
            clients.default(&to, fallback.without_name);
        }
    }
    for datacenter in &config.datacenters {
        let to = destination(RouteKind::Datacenter, &Arc::new(gateways(datacenter)))?;
        clients.datacenter(&datacenter.name, &to)?;
    }
    Ok(Tables {
        clients: Arc::new(clients.build()?),
        peers: Arc::new(peers.build()?),
        destinations,
    })
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
    behind: &Behind,
    metrics: &Metrics,
) -> Arc<Listener> {
    let listener = &config.listeners[nth];
    let (name, accepted) = (listener.name.clone(), metrics.accepted(&listener.name));
    let front = front(config, listener, behind);
    Arc::new(Listener::new(name, listener.face, accepted, front))
}

/// What all listeners share: where names lead, and who may go there.
#[derive(Debug)]
pub(super) struct Behind {
    pub(super) tables: Tables,
    pub(super) doors: Arc<Doors>,
}

/// Where a service is served: here, and while that fails by the gateways of other data centres.
fn pool(config: &Config, service: &Service) -> Arc<PoolOptions> {
    if service.failover.is_empty() {
        return Arc::clone(&service.pool);
    }
    let mut pool = PoolOptions::clone(&service.pool);
    let elsewhere = service.failover.iter();
    let elsewhere = elsewhere.filter_map(|name| config.datacenter(name));
    pool.tiers
        .extend(elsewhere.flat_map(|it| gateways(it).tiers));
    pool.into()
}

/// Where a service's names of another data centre are answered: there, and while that fails here.
fn adoption(config: &Config, service: &Service, datacenter: &str) -> PoolOptions {
    let there = config.datacenter(datacenter);
    let there = there.into_iter().flat_map(|it| gateways(it).tiers);
    PoolOptions {
        name: adoption_name(service, datacenter),
        tiers: there.chain(service.pool.tiers.clone()).collect(),
        // The service's own would be written by two.
        state_file: None,
        policy: Policy {
            // Whoever adopted is there for those whom the gateways lead nowhere.
            dial: Dial::Any,
            ..service.pool.policy.clone()
        },
        ..PoolOptions::clone(&service.pool)
    }
}

fn adoption_name(service: &Service, datacenter: &str) -> String {
    format!("{}.{datacenter}", service.name)
}

/// The gateways of a data centre, for a pool that may have other endpoints as well.
fn gateways(datacenter: &Datacenter) -> PoolOptions {
    let mut pool = PoolOptions::clone(&datacenter.pool);
    for gateway in pool.tiers.iter_mut().flatten() {
        gateway.leads_on = true;
        gateway.check = Some(pool.check.clone());
    }
    pool
}

/// What is behind `listener`.
pub(super) fn front(config: &Config, listener: &config::Listener, behind: &Behind) -> Front {
    Front {
        hello: hello_limits(&config.hello),
        routes: Arc::clone(behind.tables.at(listener.face)),
        replay_timeout: config.dial.timeout,
        answer: AnswerLimits {
            delivery: config.dial.attempt_timeout,
            patience: config.dial.timeout,
            answer: ANSWER_DIALS * config.dial.timeout,
        },
        access: listener.access.clone(),
        doors: Arc::clone(&behind.doors),
        sources: match listener.face {
            Face::Clients => config.limits.sources.clone(),
            // A gateway connects for everybody behind it.
            Face::Peers => SourceLimits::default(),
        },
        proxies: listener.proxies.clone(),
    }
}

/// Who may reach what.
pub(crate) fn doors(config: &Config) -> Doors {
    let mut doors = Doors::default();
    for service in &config.services {
        doors.add(RouteKind::Service, &service.name, &service.access);
        let beyond = service.failover.iter();
        for there in beyond.filter_map(|name| config.datacenter(name)) {
            doors.add_beyond(&service.name, &there.access);
        }
        for datacenter in &service.adopts {
            let name = adoption_name(service, datacenter);
            doors.add(RouteKind::Adoption, &name, &service.access);
            if let Some(there) = config.datacenter(datacenter) {
                doors.add(RouteKind::Adoption, &name, &there.access);
            }
        }
    }
    for datacenter in &config.datacenters {
        doors.add(RouteKind::Datacenter, &datacenter.name, &datacenter.access);
    }
    doors
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
