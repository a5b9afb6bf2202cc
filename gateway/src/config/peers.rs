//! Where connections go: services here, gateways elsewhere.

use super::names::Names;
use super::networks::access;
use crate::front::Access;
use crate::in_order::InOrder;
use l4_failover::choice::Failback;
use l4_failover::config::{
    Addresses, Ends, Located, PoolBase, Pools, Table, Unique, checked, did_you_mean, label, list,
    located, one_of,
};
use l4_failover::{DialLimits, EndpointOptions, PoolOptions};
use std::sync::Arc;

/// A service of this data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name: one label.
    pub name: String,
    /// Where it is served here, when it moves, how it is checked.
    pub pool: Arc<PoolOptions>,
    /// The data centres whose gateways it goes to while it has no endpoint here, in order.
    pub failover: Vec<String>,
    /// The data centres whose service of this name it answers for.
    pub adopts: Vec<String>,
    /// Whose connections it takes.
    pub access: Access,
}

/// Another data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datacenter {
    /// Its name: one label, never that of the gateway's own.
    pub name: String,
    /// Its gateways: a tier each, in order, or one tier if the file says how to balance them.
    pub pool: Arc<PoolOptions>,
    /// Whose connections it takes.
    pub access: Access,
}

/// Reads both; no two of them share a state file.
pub(super) struct Peers {
    pools: Pools,
    dial: DialLimits,
    elsewhere: Vec<Elsewhere>,
}

/// What a service has to do with other data centres.
struct Elsewhere {
    failover: Vec<Located<String>>,
    adopts: Vec<Located<String>>,
    /// The endpoints that it has here.
    here: Vec<String>,
}

impl Peers {
    pub(super) fn new(dial: DialLimits) -> Self {
        Self {
            pools: Pools::default(),
            dial,
            elsewhere: Vec::new(),
        }
    }

    /// Reads the services; one whose endpoints are wrong is kept, so that its name is known, and one
    /// that is as it was is that of `before`.
    pub(super) fn services(
        &mut self,
        table: &mut Table<'_>,
        here: Option<&str>,
        names: &mut Names<'_>,
        before: &[Arc<Service>],
    ) -> Vec<Arc<Service>> {
        let room = table.count("service");
        let mut unique = Unique::with_room("the name of a service", room);
        let mut known = InOrder::new(before, |it: &Arc<Service>| it.name.clone());
        table.tables("service", |table| {
            let name = name(table, &mut unique);
            if let Some(name) = &name {
                names.claim(table, name);
            }
            let access = access(table, "allow", "deny");
            let base = self.base(name.as_deref());
            let mut pool = self.pools.tiered(table, ["endpoints", "primary"], base);
            introduce(table, &mut pool);
            let failover = elsewhere(table, "failover", here, NO_FAILOVER);
            let adopts = elsewhere(table, "adopts", here, NO_ADOPTION);
            let values = |of: &[Located<String>]| of.iter().map(|it| it.value.clone()).collect();
            let service = Service {
                name: name?,
                failover: values(&failover),
                adopts: values(&adopts),
                pool: pool.into(),
                access,
            };
            for adopted in &adopts {
                names.claim_in(table, &adopted.value, &service.name, "adopts");
            }
            if !failover.is_empty() || !adopts.is_empty() {
                self.elsewhere.push(Elsewhere {
                    failover,
                    adopts,
                    here: names_of(&service.pool),
                });
            }
            let is_it = |it: &Arc<Service>| it.name == service.name;
            let known = known.find(is_it, || service.name.clone());
            let known = known.map(|place| &before[place]);
            Some(match known.filter(|it| ***it == service) {
                Some(known) => Arc::clone(known),
                None => Arc::new(service),
            })
        })
    }

    /// Reads the other data centres; `here` is the name of this one, if it could be read.
    pub(super) fn datacenters(
        &mut self,
        table: &mut Table<'_>,
        here: Option<&str>,
        names: &Names<'_>,
    ) -> Vec<Datacenter> {
        let mut unique = Unique::new("the name of a data centre");
        table.tables(super::DATACENTER, |table| {
            let name = name(table, &mut unique);
            if name.is_some() && name.as_deref() == here {
                table.report("name", OWN_NAME);
            }
            if let Some(name) = &name {
                names.check_suffixes(table, name);
            }
            let access = access(table, "allow", "deny");
            let base = self.base(name.as_deref());
            let mut pool = self.pools.listed(table, "gateways", base);
            introduce(table, &mut pool);
            Some(Datacenter {
                name: name?,
                pool: pool.into(),
                access,
            })
        })
    }

    /// Notes failovers to data centres that are not there, or that lead to one endpoint twice, and
    /// adoptions where gateways have no address of their own.
    pub(super) fn report_elsewhere(
        &self,
        table: &Table<'_>,
        datacenters: &[Datacenter],
        has_peer_address: bool,
    ) {
        // Nothing is said while one is not in the list because its own name is wrong.
        if table.count(super::DATACENTER) == datacenters.len() {
            let services = self.elsewhere.iter();
            services.for_each(|it| it.report(table, datacenters));
        }
        let adoptions = self.elsewhere.iter().flat_map(|it| &it.adopts);
        for adopted in adoptions.filter(|_| !has_peer_address) {
            table.report_at(&adopted.spot, NO_PEER_ADDRESS);
        }
    }

    /// Notes which endpoints and gateways are this gateway itself.
    pub(super) fn report_circles(&self, table: &Table<'_>, own: &Addresses) {
        self.pools.report_circles(table, own, "this gateway");
    }

    fn base<'n>(&self, name: Option<&'n str>) -> PoolBase<'n> {
        PoolBase {
            name,
            ends: Ends::Passed,
            failback: Failback::Auto,
            dial: self.dial,
        }
    }
}

/// Whether the endpoints of `pool` are told whose connections they get.
fn introduce(table: &mut Table<'_>, pool: &mut PoolOptions) {
    let versions = one_of(&[("off", false), ("v2", true)]);
    let proxy = table.with_default("proxy", versions, false);
    let endpoints = pool.tiers.iter_mut().flatten();
    endpoints.for_each(|endpoint| endpoint.proxy = proxy);
}

const NO_FAILOVER: &str = "it is served here, or not at all";
const NO_ADOPTION: &str = "it answers by its own names alone";
const DATACENTERS: &str = "the names of data centres";
const OWN_FAILOVER: &str = "this is the gateway's own data centre, where the service is served by \
     its endpoints; name another one";
const NO_PEER_ADDRESS: &str = "adopting needs an address where gateways connect, and where nothing \
     is led on, so that nothing goes in a circle: give peer_address in [listen]";

/// A list of data centres that are not this one, `here`.
fn elsewhere(
    table: &mut Table<'_>,
    key: &'static str,
    here: Option<&str>,
    absence: &'static str,
) -> Vec<Located<String>> {
    let name = checked(label(), |name: &String| {
        (Some(name.as_str()) == here).then(|| OWN_FAILOVER.to_owned())
    });
    let names = list(DATACENTERS, located(name)).not_empty();
    let names: Vec<Located<String>> = table.optional(key, names, absence).unwrap_or_default();
    for (nth, name) in names.iter().enumerate() {
        let first = names[..nth].iter().find(|first| first.value == name.value);
        if let Some(first) = first {
            let first = table.name_of(&first.spot);
            table.report_at(&name.spot, format!("this is named already, as {first}"));
        }
    }
    names
}

fn names_of(pool: &PoolOptions) -> Vec<String> {
    let endpoints = pool.tiers.iter().flatten();
    endpoints.map(EndpointOptions::name).collect()
}

impl Elsewhere {
    fn report(&self, table: &Table<'_>, datacenters: &[Datacenter]) {
        let mut gateways = Vec::new();
        for to in &self.failover {
            match datacenters.iter().find(|it| it.name == to.value) {
                Some(datacenter) => self.report_twice(table, to, datacenter, &mut gateways),
                None => {
                    let hint = did_you_mean(&to.value, datacenters.iter().map(|it| &*it.name));
                    let message = format!("there is no [[datacenter]] named {:?}{hint}", to.value);
                    table.report_at(&to.spot, message);
                }
            }
        }
        for adopted in &self.adopts {
            if let Some(datacenter) = datacenters.iter().find(|it| it.name == adopted.value) {
                self.report_twice(table, adopted, datacenter, &mut Vec::new());
            }
        }
    }

    /// Notes that a gateway of `datacenter` is an endpoint here, or one of `gateways`, which are
    /// those of the data centres before it.
    fn report_twice(
        &self,
        table: &Table<'_>,
        place: &Located<String>,
        datacenter: &Datacenter,
        gateways: &mut Vec<(String, String)>,
    ) {
        for gateway in names_of(&datacenter.pool) {
            let before = gateways.iter().find(|(name, _)| *name == gateway);
            let role = match before {
                Some((_, datacenter)) => Some(format!("a gateway of {datacenter:?}")),
                None if self.here.contains(&gateway) => {
                    Some("an endpoint of this service".to_owned())
                }
                None => None,
            };
            if let Some(role) = role {
                let message = format!("its gateway \"{gateway}\" is {role} as well");
                table.report_at(&place.spot, message);
            }
            gateways.push((gateway, datacenter.name.clone()));
        }
    }
}

const OWN_NAME: &str = "this is the gateway's own data centre; its services are given \
     as [[service]], other data centres as [[datacenter]]";

fn name(table: &mut Table<'_>, names: &mut Unique<String>) -> Option<String> {
    let name = table.required("name", label())?;
    names.claim(table, "name", name.clone());
    Some(name)
}
