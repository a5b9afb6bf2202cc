//! Where connections go: services here, gateways elsewhere.

use super::names::Names;
use l4_failover::choice::Failback;
use l4_failover::config::{Addresses, Ends, PoolBase, Pools, Table, Unique, label, one_of};
use l4_failover::{DialLimits, PoolOptions};

/// A service of this data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name: one label.
    pub name: String,
    /// Where it is served, when it moves, how it is checked.
    pub pool: PoolOptions,
}

/// Another data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datacenter {
    /// Its name: one label, never that of the gateway's own.
    pub name: String,
    /// Its gateways: a tier each, in order, or one tier if the file says how to balance them.
    pub pool: PoolOptions,
}

/// Reads both; no two of them share a state file.
pub(super) struct Peers {
    pools: Pools,
    dial: DialLimits,
}

impl Peers {
    pub(super) fn new(dial: DialLimits) -> Self {
        Self {
            pools: Pools::default(),
            dial,
        }
    }

    /// Reads the services; one whose endpoints are wrong is kept, so that its name is known.
    pub(super) fn services(
        &mut self,
        table: &mut Table<'_>,
        names: &mut Names<'_>,
    ) -> Vec<Service> {
        let mut unique = Unique::new("the name of a service");
        table.tables("service", |table| {
            let name = name(table, &mut unique);
            if let Some(name) = &name {
                names.claim(table, name);
            }
            let base = self.base(name.as_deref());
            let mut pool = self.pools.tiered(table, ["endpoints", "primary"], base);
            introduce(table, &mut pool);
            Some(Service { name: name?, pool })
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
            let base = self.base(name.as_deref());
            let mut pool = self.pools.listed(table, "gateways", base);
            introduce(table, &mut pool);
            Some(Datacenter { name: name?, pool })
        })
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

const OWN_NAME: &str = "this is the gateway's own data centre; its services are given \
     as [[service]], other data centres as [[datacenter]]";

fn name(table: &mut Table<'_>, names: &mut Unique<String>) -> Option<String> {
    let name = table.required("name", label())?;
    names.claim(table, "name", name.clone());
    Some(name)
}
