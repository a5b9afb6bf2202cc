//! The two data centres, the ports of one machine, and the applications on it.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use hyper::Method;
use tempfile::TempDir;
use tests::page::Page;

use crate::caller::Caller;
use crate::http::once;
use crate::operator::{Events, Operator};
use crate::process::Process;
use crate::service::{Datacenter, Refdata};

/// The port of webservice: it returns by itself.
pub(crate) const WEB: &str = "refdata-web";
/// The port of ordermanager: the operator decides.
pub(crate) const ORDERS: &str = "refdata-orders";

/// All that runs.
#[derive(Debug)]
pub(crate) struct World {
    refdata: [Refdata; 2],
    process: Process,
    /// Calls through [`WEB`].
    pub(crate) webservice: Caller,
    /// Calls through [`ORDERS`].
    pub(crate) ordermanager: Caller,
    /// Sees and commands the ports.
    pub(crate) operator: Operator,
    /// What happens to the ports.
    pub(crate) events: Events,
    _directory: TempDir,
}

impl World {
    /// Starts everything.
    pub(crate) async fn start(page: &Page) -> Result<Self> {
        let [dc1, dc2] = Datacenter::ALL;
        let refdata = [Refdata::start(dc1).await?, Refdata::start(dc2).await?];
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("l4-failover.toml");
        let ports = [web_port(&refdata), orders_port(&refdata)];
        std::fs::write(&file, format!("{PROCESS}\n{}\n{}", ports[0], ports[1]))?;
        page.part("The ports of one machine, in one file");
        page.beside(&ports[0], &ports[1]);
        let process = Process::start(&file).await?;
        let operator = Operator::new(process.address("admin")?);
        let events = operator.events().await?;
        let caller = |name, port| -> Result<Caller> {
            Ok(Caller::start(name, port, process.address(port)?))
        };
        let world = Self {
            webservice: caller("webservice", WEB)?,
            ordermanager: caller("ordermanager", ORDERS)?,
            refdata,
            process,
            operator,
            events,
            _directory: directory,
        };
        world.show(page)?;
        Ok(world)
    }

    fn show(&self, page: &Page) -> Result<()> {
        page.part("Who runs, and where");
        let mut rows = Vec::new();
        for refdata in &self.refdata {
            let name = format!("refdata, {}", refdata.datacenter().name());
            rows.push(vec![name, refdata.address().to_string()]);
        }
        for caller in self.callers() {
            let calls = format!("calls {}, port {}, for ever", caller.address, caller.port);
            rows.push(vec![caller.name.to_owned(), calls]);
        }
        let admin = self.process.address("admin")?;
        rows.push(vec!["the operator".to_owned(), format!("asks {admin}")]);
        page.table(&["who", "where"], &rows);
        Ok(())
    }

    /// Both callers.
    pub(crate) fn callers(&self) -> [&Caller; 2] {
        [&self.webservice, &self.ordermanager]
    }

    /// What operators call refdata in a data centre.
    pub(crate) fn endpoint(&self, datacenter: Datacenter) -> String {
        self.refdata[datacenter as usize].address().to_string()
    }

    /// Turns the toggle of refdata: whether its `/health` is good.
    pub(crate) async fn set_health(&self, datacenter: Datacenter, ok: bool) -> Result<()> {
        let address: SocketAddr = self.refdata[datacenter as usize].address();
        let path = format!("/admin/health?ok={ok}");
        let (status, _) = once(address, Method::POST, &path, "").await?;
        ensure!(status.is_success(), "{path}: {status}");
        Ok(())
    }

    /// refdata is gone from one moment to the next.
    pub(crate) fn kill(&mut self, datacenter: Datacenter) {
        self.refdata[datacenter as usize].kill();
    }

    /// refdata is back, at the same address.
    pub(crate) async fn start_again(&mut self, datacenter: Datacenter) -> Result<()> {
        let refdata = &mut self.refdata[datacenter as usize];
        let started = refdata.start_again().await;
        started.context("refdata does not start again")
    }

    /// Stops everything; how many sessions were left open.
    pub(crate) async fn stop(mut self) -> Result<usize> {
        for caller in [&mut self.webservice, &mut self.ordermanager] {
            caller.stop().await?;
        }
        Ok(self.process.stop().await?.forced)
    }
}

/// What is the same for all ports.
const PROCESS: &str = r#"
[admin]
address = "127.0.0.1:0"

[drain]
announce = "0s"
deadline = "1s"
"#;

const CHECK: &str = r#"
[port.check]
type = "http"
path = "/health"
interval = "200ms"
"#;

fn web_port(refdata: &[Refdata; 2]) -> String {
    let policy = r#"
failback = "auto"
hold_down = "3s"
on_failover = "close"
on_failback = "drain"
drain_timeout = "1s"
"#;
    port(WEB, refdata, policy)
}

fn orders_port(refdata: &[Refdata; 2]) -> String {
    let policy = r#"
failback = "manual"
on_failover = "keep"
on_failback = "keep"
"#;
    port(ORDERS, refdata, policy)
}

fn port(name: &str, refdata: &[Refdata; 2], policy: &str) -> String {
    let [primary, backup] = refdata.each_ref().map(Refdata::address);
    let policy = policy.trim_start();
    format!(
        "[[port]]\nname = \"{name}\"\nlisten = \"127.0.0.1:0\"\nprimary = [\"{primary}\"]\n\
         backup = [\"{backup}\"]\n{policy}{CHECK}"
    )
}
