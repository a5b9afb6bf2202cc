//! The two data centres: services with certificates, gateways with configurations.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::client::Client;
use tests::pki::Authority;
use tests::service::Service;

use crate::gateways::Gateway;
use tests::page::Page;
use tests::ports::Reserved;

/// The data centres.
pub(crate) const DATACENTERS: [&str; 2] = ["dc1", "dc2"];
/// Services that run in both.
pub(crate) const SERVICES: [&str; 2] = ["currency", "orders"];
/// A service that both gateways know, and that runs in neither.
pub(crate) const NOT_RUNNING: &str = "quotes";

/// The longest a question may take. Those of 64 MiB take a second or two, and more where others
/// want the processors as well.
const PATIENCE: Duration = Duration::from_secs(20);

/// All that runs.
#[derive(Debug)]
pub(crate) struct World {
    /// The client that trusts the authority of this world, and no other.
    pub(crate) client: Client,
    gateways: Vec<Gateway>,
    _sites: Vec<Site>,
}

/// What stands behind a gateway.
#[derive(Debug)]
struct Site {
    datacenter: &'static str,
    services: Vec<(&'static str, Service)>,
    not_running: Reserved,
}

impl World {
    /// Starts everything.
    pub(crate) async fn start(page: &Page) -> Result<Self> {
        let authority = Authority::default();
        let mut sites = Vec::new();
        for datacenter in DATACENTERS {
            sites.push(Site::start(datacenter, &authority).await?);
        }
        show_services(page, &sites);
        Ok(Self {
            client: Client::new(authority.client(), PATIENCE),
            gateways: start_gateways(page, &sites).await?,
            _sites: sites,
        })
    }

    /// The gateways.
    pub(crate) fn gateways(&self) -> &[Gateway] {
        &self.gateways
    }

    /// Where the gateway of a data centre listens.
    pub(crate) fn gateway(&self, datacenter: &str) -> Result<SocketAddr> {
        let mut gateways = self.gateways.iter();
        let gateway = gateways.find(|gateway| gateway.datacenter == datacenter);
        Ok(gateway.context("no such data centre")?.listen)
    }

    /// Stops the gateways, and the services with them; the checks that failed.
    pub(crate) async fn stop(self, page: &Page) -> Result<Vec<String>> {
        page.part("Stopped");
        let mut failures = Vec::new();
        for gateway in self.gateways {
            let name = gateway.datacenter;
            match gateway.stop().await?.forced {
                0 => page.line(&format!("  ✓ gateway {name}: no connection was left open")),
                cut => {
                    failures.push(format!("gateway {name} had to cut {cut} connections"));
                    page.line(&format!("  ✗ gateway {name}: {cut} connections were cut"));
                }
            }
        }
        Ok(failures)
    }
}

/// What the one instance of a service in a data centre calls itself.
pub(crate) fn instance(service: &str, datacenter: &str) -> String {
    format!("{service}-1@{datacenter}")
}

impl Site {
    async fn start(datacenter: &'static str, authority: &Authority) -> Result<Self> {
        let mut services = Vec::new();
        for service in SERVICES {
            let identity = authority.issue(&[&format!("{service}.{datacenter}")]);
            let instance = instance(service, datacenter);
            let started = Service::start(&instance, identity.server()).await?;
            services.push((service, started));
        }
        Ok(Self {
            datacenter,
            services,
            not_running: Reserved::new()?,
        })
    }

    /// The file that the gateway of this data centre is started with.
    fn config(&self, listen: SocketAddr, other: &str, gateway: SocketAddr) -> String {
        let services = self.services.iter();
        let mut endpoints: Vec<_> = services.map(|(name, it)| (*name, it.address())).collect();
        endpoints.push((NOT_RUNNING, self.not_running.address()));
        let mut text = format!("datacenter = \"{}\"\n\n", self.datacenter);
        text += &format!("[listen]\naddress = \"{listen}\"\n\n");
        text += "[admin]\naddress = \"127.0.0.1:0\"\n";
        for (name, address) in endpoints {
            text += &format!("\n[[service]]\nname = \"{name}\"\nendpoints = [\"{address}\"]\n");
        }
        text += &format!("\n[[datacenter]]\nname = \"{other}\"\ngateways = [\"{gateway}\"]\n");
        text
    }
}

fn show_services(page: &Page, sites: &[Site]) {
    page.part("Services: each has a certificate for its own name, and for no other");
    let mut rows = Vec::new();
    for site in sites {
        for (name, service) in &site.services {
            let asked = format!("{name}.{}", site.datacenter);
            let address = service.address().to_string();
            rows.push(vec![asked, address, service.name().to_owned()]);
        }
        let asked = format!("{NOT_RUNNING}.{}", site.datacenter);
        let address = site.not_running.address().to_string();
        rows.push(vec![asked, address, "(not running)".to_owned()]);
    }
    page.table(&["name", "address", "calls itself"], &rows);
}

async fn start_gateways(page: &Page, sites: &[Site]) -> Result<Vec<Gateway>> {
    let [one, other] = sites else {
        anyhow::bail!("the gateways of two data centres know each other, not of {sites:?}");
    };
    let ports = [Reserved::new()?, Reserved::new()?];
    let [here, there] = [ports[0].address(), ports[1].address()];
    let texts = [
        one.config(here, other.datacenter, there),
        other.config(there, one.datacenter, here),
    ];
    page.part("Gateways: one in each data centre, without any certificate or key");
    let [left, right] = &texts;
    page.beside(
        &format!("# {}.toml\n{left}", one.datacenter),
        &format!("# {}.toml\n{right}", other.datacenter),
    );
    let mut gateways = Vec::new();
    for (site, text) in sites.iter().zip(&texts) {
        gateways.push(Gateway::start(site.datacenter, text).await?);
    }
    Ok(gateways)
}
