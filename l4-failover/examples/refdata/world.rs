//! The two data centres, the ports of one machine, and the applications on it.

use std::path::Path;

use anyhow::Result;
use l4_failover::socket::tls::{Identity, TlsOptions};
use rustls::AlertDescription;
use tempfile::TempDir;
use tests::page::Page;
use tests::pki::Authority;

use crate::caller::Caller;
use crate::operator::{Events, Operator};
use crate::process::Process;
use crate::service::Datacenter;
use crate::site::{CALLERS, Site};
use crate::stranger;

/// The port of webservice: it returns by itself.
pub(crate) const WEB: &str = "refdata-web";
/// The port of ordermanager: the operator decides.
pub(crate) const ORDERS: &str = "refdata-orders";

/// Its certificate is as good as the callers', and refdata does not let it in.
const STRANGER: &str = "stranger.dc1";

/// All that runs.
#[derive(Debug)]
pub(crate) struct World {
    sites: [Site; 2],
    ports: Process,
    /// Calls through [`WEB`].
    pub(crate) webservice: Caller,
    /// Calls through [`ORDERS`].
    pub(crate) ordermanager: Caller,
    /// Sees and commands the ports.
    pub(crate) operator: Operator,
    /// What happens to the ports.
    pub(crate) events: Events,
    directory: TempDir,
}

impl World {
    /// Starts everything.
    pub(crate) async fn start(page: &Page) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let sites = start_sites(page, directory.path()).await?;
        let ports = start_ports(page, directory.path(), &sites[0]).await?;
        let operator = Operator::new(ports.address("admin")?);
        let caller =
            |name, port| -> Result<Caller> { Ok(Caller::start(name, port, ports.address(port)?)) };
        let world = Self {
            events: operator.events().await?,
            webservice: caller("webservice", WEB)?,
            ordermanager: caller("ordermanager", ORDERS)?,
            sites,
            ports,
            operator,
            directory,
        };
        world.show(page)?;
        Ok(world)
    }

    fn show(&self, page: &Page) -> Result<()> {
        page.part("Who calls, and where");
        let mut rows = Vec::new();
        for caller in self.callers() {
            let calls = format!("calls http://{}, the port {}", caller.address, caller.port);
            rows.push(vec![caller.name.to_owned(), calls]);
        }
        let admin = self.ports.address("admin")?;
        rows.push(vec![
            "the operator".to_owned(),
            format!("asks http://{admin}"),
        ]);
        page.table(&["who", "where, for ever"], &rows);
        Ok(())
    }

    /// Both callers.
    pub(crate) fn callers(&self) -> [&Caller; 2] {
        [&self.webservice, &self.ordermanager]
    }

    /// A data centre.
    pub(crate) fn site(&mut self, datacenter: Datacenter) -> &mut Site {
        &mut self.sites[datacenter as usize]
    }

    /// What operators call refdata in a data centre: a name behind the gateway next to the ports.
    pub(crate) fn endpoint(&self, datacenter: Datacenter) -> String {
        format!("{}/refdata.{}", self.sites[0].gateway(), datacenter.name())
    }

    /// How refdata in dc1 refuses one who shows the certificate of a stranger, or none.
    pub(crate) async fn refusal(&self, with_certificate: bool) -> Result<AlertDescription> {
        let file = |name: &str| self.directory.path().join(name);
        let options = TlsOptions {
            server_name: "refdata.dc1".to_owned(),
            ca: Some(file("ca.pem")),
            identity: with_certificate.then(|| Identity {
                cert: file(&format!("{STRANGER}.pem")),
                key: file(&format!("{STRANGER}.key")),
            }),
        };
        stranger::refusal(self.sites[0].gateway(), &options).await
    }

    /// Stops everything; by name, how many sessions were left open.
    pub(crate) async fn stop(mut self) -> Result<Vec<(String, usize)>> {
        for caller in [&mut self.webservice, &mut self.ordermanager] {
            caller.stop().await?;
        }
        let mut left = vec![("ports".to_owned(), self.ports.stop().await?)];
        for site in self.sites {
            left.extend(site.stop().await?);
        }
        Ok(left)
    }
}

/// Starts the data centres, which are alike.
async fn start_sites(page: &Page, directory: &Path) -> Result<[Site; 2]> {
    let authority = Authority::default();
    authority.write(directory);
    for name in CALLERS.into_iter().chain([STRANGER]) {
        authority.issue(&[name]).write(directory, name);
    }
    let [here, there] = Datacenter::ALL;
    let mut sites = [
        Site::start(here, &authority, directory).await?,
        Site::start(there, &authority, directory).await?,
    ];
    let texts = [
        sites[0].gateway_config(&sites[1]),
        sites[1].gateway_config(&sites[0]),
    ];
    for (site, text) in sites.iter_mut().zip(&texts) {
        site.start_gateway(text).await?;
    }
    page.part("dc1: its gateway, and refdata behind mutual TLS; dc2 is alike");
    let inbound = sites[0].inbound_config(directory);
    page.beside(&texts[0], &shortened(&inbound, directory));
    Ok(sites)
}

/// Starts the ports, on a machine beside the gateway of dc1.
async fn start_ports(page: &Page, directory: &Path, beside: &Site) -> Result<Process> {
    let targets = |caller: &str| {
        let primary = target("primary", beside, Datacenter::Dc1, caller, directory);
        let backup = target("backup", beside, Datacenter::Dc2, caller, directory);
        format!("\n{primary}\n{backup}")
    };
    let [web, orders] = CALLERS;
    let web = format!("{WEB_PORT}{CHECK}{}", targets(web));
    let orders = format!("{ORDERS_PORT}{CHECK}{}", targets(orders));
    page.part("The ports: plain HTTP in, mutual TLS out, by the gateway of dc1 to either dc");
    page.beside(&shortened(&web, directory), &shortened(&orders, directory));
    let file = directory.join("l4-failover.toml");
    std::fs::write(&file, format!("{PROCESS}{web}{orders}"))?;
    Process::l4_failover("l4-failover", &file).await
}

fn target(
    tier: &str,
    beside: &Site,
    datacenter: Datacenter,
    caller: &str,
    directory: &Path,
) -> String {
    let (gateway, directory) = (beside.gateway(), directory.display());
    let name = datacenter.name();
    format!(
        "[[port.{tier}]]\naddress = \"{gateway}\"\n[port.{tier}.tls]\n\
         server_name = \"refdata.{name}\"\nca = \"{directory}/ca.pem\"\n\
         cert = \"{directory}/{caller}.pem\"\nkey = \"{directory}/{caller}.key\"\n"
    )
}

/// What is the same for all ports.
const PROCESS: &str = r#"
[admin]
address = "127.0.0.1:0"

[drain]
announce = "0s"
"#;

const WEB_PORT: &str = r#"
[[port]]
name = "refdata-web"
listen = "127.0.0.1:0"
failback = "auto"
hold_down = "2s"
on_failover = "close"
on_failback = "drain"
drain_timeout = "1s"
"#;

const ORDERS_PORT: &str = r#"
[[port]]
name = "refdata-orders"
listen = "127.0.0.1:0"
failback = "manual"
on_failover = "keep"
on_failback = "keep"


"#;

const CHECK: &str = r#"
[port.check]
type = "http"
path = "/health"
interval = "200ms"
timeout = "190ms"
"#;

/// For the page, where a long path of a temporary directory says nothing.
fn shortened(text: &str, directory: &Path) -> String {
    let directory = format!("{}/", directory.display());
    text.trim_start().replace(&directory, "")
}
