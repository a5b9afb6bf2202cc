//! Where connections go: services here, gateways elsewhere.

use super::names::Names;
use l4_failover::Target;
use l4_failover::config::{Addresses, Kind, Table, Unique, checked, label, list, or_table, parsed};

const TARGET: &str = "\"host:port\"";

/// A service of this data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name: one label.
    pub name: String,
    /// Where it is served, in order; at least one, none twice.
    pub endpoints: Vec<Endpoint>,
}

/// Another data centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datacenter {
    /// Its name: one label, never that of the gateway's own.
    pub name: String,
    /// Its gateways, in order; at least one, none twice.
    pub gateways: Vec<Endpoint>,
}

/// One address to pass connections on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The host and port.
    pub address: Target,
}

impl Endpoint {
    fn at(address: Target) -> Self {
        Self { address }
    }

    fn read(table: &mut Table<'_>) -> Option<Self> {
        let address = table.required("address", parsed(TARGET));
        address.map(Self::at)
    }
}

/// One connection through an endpoint that leads back to `own` would take every place there is.
fn endpoints(own: &Addresses) -> impl Kind<Value = Vec<Endpoint>> {
    let endpoint = or_table(parsed(TARGET), Endpoint::at, Endpoint::read);
    let endpoint = checked(endpoint, |endpoint| {
        let listener = own.leads_back(&endpoint.address)?;
        Some(format!(
            "\"{}\" is this gateway itself, by {listener}: \
             a connection would go round in a circle; name another address",
            endpoint.address
        ))
    });
    list(TARGET, endpoint).not_empty().distinct()
}

/// Reads the services; one whose endpoints are wrong is kept, so that its name is known.
pub(super) fn services(
    table: &mut Table<'_>,
    names: &mut Names<'_>,
    own: &Addresses,
) -> Vec<Service> {
    let mut unique = Unique::new("the name of a service");
    table.tables("service", |table| {
        let name = name(table, &mut unique);
        if let Some(name) = &name {
            names.claim(table, name);
        }
        let endpoints = table.required("endpoints", endpoints(own));
        Some(Service {
            name: name?,
            endpoints: endpoints.unwrap_or_default(),
        })
    })
}

/// Reads the other data centres; `here` is the name of this one, if it could be read.
pub(super) fn datacenters(
    table: &mut Table<'_>,
    here: Option<&str>,
    names: &Names<'_>,
    own: &Addresses,
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
        let gateways = table.required("gateways", endpoints(own));
        Some(Datacenter {
            name: name?,
            gateways: gateways.unwrap_or_default(),
        })
    })
}

const OWN_NAME: &str = "this is the gateway's own data centre; its services are given \
     as [[service]], other data centres as [[datacenter]]";

fn name(table: &mut Table<'_>, names: &mut Unique<String>) -> Option<String> {
    let name = table.required("name", label())?;
    names.claim(table, "name", name.clone());
    Some(name)
}
