//! The two data centres: services with certificates, gateways with configurations.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tests::client::Client;
use tests::pki::Authority;
use tests::service::Service;

use crate::feed::FEED;
use crate::gateways::Gateway;
use tests::page::Page;
use tests::ports::Reserved;

/// The data centres.
pub(crate) const DATACENTERS: [&str; 2] = ["dc1", "dc2"];
/// Services that run in both.
pub(crate) const SERVICES: [&str; 2] = ["currency", "orders"];
/// The one of them that each data centre stands in for the other with.
pub(crate) const STOOD_IN_FOR: &str = "currency";
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
    authority: Authority,
    gateways: Vec<Gateway>,
    sites: Vec<Site>,
}

/// What stands behind a gateway.
#[derive(Debug)]
struct Site {
    datacenter: &'static str,
    services: Vec<(&'static str, Service)>,
    not_running: Reserved,
    /// Where the feed is listened for.
    feed: Reserved,
    /// Where its gateway listens, for clients and for the other gateway; kept while that is dead.
    listen: Reserved,
    peer: Reserved,
    /// The file that the gateway is started with, once all addresses are known.
    text: String,
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
        let gateways = start_gateways(page, &mut sites).await?;
        Ok(Self {
            client: Client::new(authority.client(), PATIENCE),
            authority,
            gateways,
            sites,
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

    /// Where the gateway of a data centre looks for the feed there.
    pub(crate) fn feed(&self, datacenter: &str) -> Result<SocketAddr> {
        let mut sites = self.sites.iter();
        let site = sites.find(|site| site.datacenter == datacenter);
        Ok(site.context("no such data centre")?.feed.address())
    }

    /// Whom everybody trusts.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Ends a service; where it was.
    pub(crate) async fn stop_service(
        &mut self,
        name: &str,
        datacenter: &str,
    ) -> Result<SocketAddr> {
        let services = &mut self.site(datacenter)?.services;
        let place = services.iter().position(|(service, _)| *service == name);
        let (_, service) = services.swap_remove(place.context("no such service")?);
        let address = service.address();
        service.stop().await;
        Ok(address)
    }

    /// Starts a service again, where it was.
    pub(crate) async fn start_service(
        &mut self,
        name: &'static str,
        datacenter: &'static str,
        address: SocketAddr,
    ) -> Result<()> {
        let service = serve(name, datacenter, &self.authority, address).await?;
        self.site(datacenter)?.services.push((name, service));
        Ok(())
    }

    /// Ends a gateway.
    pub(crate) async fn stop_gateway(&mut self, datacenter: &str) -> Result<()> {
        let mut gateways = self.gateways.iter();
        let place = gateways.position(|it| it.datacenter == datacenter);
        let gateway = self.gateways.swap_remove(place.context("no such gateway")?);
        gateway.stop().await?;
        Ok(())
    }

    /// Starts a gateway again, where it was.
    pub(crate) async fn start_gateway(&mut self, datacenter: &'static str) -> Result<()> {
        let text = &self.site(datacenter)?.text;
        let gateway = Gateway::start(datacenter, text).await?;
        self.gateways.push(gateway);
        Ok(())
    }

    fn site(&mut self, datacenter: &str) -> Result<&mut Site> {
        let mut sites = self.sites.iter_mut();
        let site = sites.find(|site| site.datacenter == datacenter);
        site.context("no such data centre")
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
            let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
            let started = serve(service, datacenter, authority, anywhere).await?;
            services.push((service, started));
        }
        Ok(Self {
            datacenter,
            services,
            not_running: Reserved::new()?,
            feed: Reserved::new()?,
            listen: Reserved::new()?,
            peer: Reserved::new()?,
            text: String::new(),
        })
    }

    /// The file that the gateway of this data centre is started with.
    fn config(&self, other: &Self) -> String {
        let (listen, peer) = (self.listen.address(), self.peer.address());
        let services = self.services.iter();
        let mut endpoints: Vec<_> = services.map(|(name, it)| (*name, it.address())).collect();
        endpoints.push((NOT_RUNNING, self.not_running.address()));
        endpoints.push((FEED, self.feed.address()));
        let mut text = format!("datacenter = \"{}\"\n\n", self.datacenter);
        text += &format!("[listen]\naddress = \"{listen}\"\npeer_address = \"{peer}\"\n\n");
        text += "[admin]\naddress = \"127.0.0.1:0\"\n";
        for (name, address) in endpoints {
            text += &format!("\n[[service]]\nname = \"{name}\"\nendpoints = [\"{address}\"]\n");
            if name == STOOD_IN_FOR {
                let other = other.datacenter;
                text += &format!("failover = [\"{other}\"]\nadopts = [\"{other}\"]\n");
                text += "hold_down = \"500ms\"\n";
                text += CHECK;
            }
        }
        let (name, gateway) = (other.datacenter, other.peer.address());
        text += &format!("\n[[datacenter]]\nname = \"{name}\"\ngateways = [\"{gateway}\"]\n");
        text += CHECK;
        text
    }
}

/// Faster than the default, so that the story need not wait.
const CHECK: &str =
    "check.interval = \"500ms\"\ncheck.fast_interval = \"100ms\"\ncheck.timeout = \"400ms\"\n";

async fn serve(
    name: &str,
    datacenter: &str,
    authority: &Authority,
    address: SocketAddr,
) -> Result<Service> {
    let names = match name == STOOD_IN_FOR {
        // Who stands in for another shows a certificate for the other's name.
        true => DATACENTERS.map(|it| format!("{name}.{it}")).to_vec(),
        false => vec![format!("{name}.{datacenter}")],
    };
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let tls = authority.issue(&names).server();
    let instance = instance(name, datacenter);
    Ok(Service::start_at(address, &instance, tls).await?)
}

fn show_services(page: &Page, sites: &[Site]) {
    page.part("Services: each has a certificate for its own name; currency stands in for the other's, too");
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

async fn start_gateways(page: &Page, sites: &mut [Site]) -> Result<Vec<Gateway>> {
    let [one, other] = sites else {
        anyhow::bail!("the gateways of two data centres know each other, not of {sites:?}");
    };
    let texts = [one.config(other), other.config(one)];
    page.part("Gateways: one in each data centre, without any certificate or key");
    [one.text, other.text] = texts;
    let [left, right] = [&one.text, &other.text];
    page.beside(
        &format!("# {}.toml\n{left}", one.datacenter),
        &format!("# {}.toml\n{right}", other.datacenter),
    );
    let mut gateways = Vec::new();
    for site in sites {
        gateways.push(Gateway::start(site.datacenter, &site.text).await?);
    }
    Ok(gateways)
}
