//! The pools of all destinations, as operators know them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use l4_failover::Pool;
use l4_failover::admin::pools::NamedPool;

use crate::destination::Destination;
use crate::route::RouteKind;
use crate::tables::Tables;

/// The pools of all destinations, services first.
pub(crate) fn named_pools(tables: &Tables) -> Vec<NamedPool> {
    let destinations = tables.destinations();
    let mut destinations: Vec<&Destination> = destinations.map(|to| &**to).collect();
    destinations.sort_by_key(|to| to.key());
    let wholes = Wholes::of(&destinations);
    let named = |to: &&Destination| {
        let named = NamedPool::new(to.pool.clone(), to.kind.as_str());
        let whole = wholes.with(to).into_iter();
        whole.fold(named, |named, pool| named.part_of(pool.clone()))
    };
    destinations.iter().map(named).collect()
}

/// Pools that are made of several: services that fail over to gateways elsewhere, and adoptions.
#[derive(Default)]
struct Wholes<'d> {
    by_gateway: HashMap<Arc<str>, Vec<&'d Pool>>,
    by_service: HashMap<&'d str, Vec<&'d Pool>>,
}

impl<'d> Wholes<'d> {
    fn of(destinations: &[&'d Destination]) -> Self {
        let mut wholes = Self::default();
        let made_of_several = |it: &&&Destination| it.kind != RouteKind::Datacenter;
        for whole in destinations.iter().filter(made_of_several) {
            let endpoints = whole.pool.endpoints().into_iter();
            for gateway in endpoints.filter(|it| it.options().leads_on) {
                let name = Arc::clone(gateway.name());
                wholes.by_gateway.entry(name).or_default().push(&whole.pool);
            }
            let service = whole.name.split_once('.').map(|(service, _)| service);
            if let Some(service) = service.filter(|_| whole.kind == RouteKind::Adoption) {
                wholes
                    .by_service
                    .entry(service)
                    .or_default()
                    .push(&whole.pool);
            }
        }
        wholes
    }

    /// Those that the endpoints of `part` are in.
    fn with(&self, part: &Destination) -> Vec<&'d Pool> {
        let mut pools: Vec<&Pool> = match part.kind {
            RouteKind::Service => self
                .by_service
                .get(&*part.name)
                .cloned()
                .unwrap_or_default(),
            RouteKind::Adoption => Vec::new(),
            RouteKind::Datacenter => {
                let gateways = part.pool.endpoints().into_iter();
                let pools = gateways.filter_map(|it| self.by_gateway.get(it.name()));
                pools.flatten().copied().collect()
            }
        };
        let mut seen = HashSet::new();
        pools.retain(|pool| seen.insert(Arc::as_ptr(pool.name())));
        pools
    }
}
