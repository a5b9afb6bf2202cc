//! A data centre: refdata, what lets callers in to it, and the gateway on the way there.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use hyper::Method;
use tests::pki::Authority;
use tests::ports::Reserved;

use crate::http::once;
use crate::process::Process;
use crate::service::{Datacenter, Refdata};

/// The callers that refdata lets in, as their certificates name them.
pub(crate) const CALLERS: [&str; 2] = ["webservice.dc1", "ordermanager.dc1"];

/// A data centre.
#[derive(Debug)]
pub(crate) struct Site {
    /// Which one.
    pub(crate) datacenter: Datacenter,
    /// The application, which knows no TLS.
    pub(crate) refdata: Refdata,
    /// In front of it, on the same machine: mutual TLS.
    inbound: Option<Process>,
    inbound_port: Reserved,
    inbound_file: PathBuf,
    gateway: Option<Process>,
    gateway_port: Reserved,
}

impl Site {
    /// Starts refdata, with an inbound whose files are in `directory`.
    pub(crate) async fn start(
        datacenter: Datacenter,
        authority: &Authority,
        directory: &Path,
    ) -> Result<Self> {
        let name = format!("refdata-{}", datacenter.name());
        let identity = authority.issue(&[&format!("refdata.{}", datacenter.name())]);
        identity.write(directory, &name);
        let mut site = Self {
            datacenter,
            refdata: Refdata::start(datacenter).await?,
            inbound: None,
            inbound_port: Reserved::new()?,
            inbound_file: directory.join(format!("{name}.toml")),
            gateway: None,
            gateway_port: Reserved::new()?,
        };
        std::fs::write(&site.inbound_file, site.inbound_config(directory))?;
        site.start_inbound().await?;
        Ok(site)
    }

    /// The file of what lets callers in.
    pub(crate) fn inbound_config(&self, directory: &Path) -> String {
        let (listen, target) = (self.inbound_port.address(), self.refdata.address());
        let (directory, datacenter) = (directory.display(), self.datacenter.name());
        let [one, other] = CALLERS;
        format!(
            "[[inbound]]\nname = \"refdata-{datacenter}\"\nlisten = \"{listen}\"\n\
             target = \"{target}\"\ncert = \"{directory}/refdata-{datacenter}.pem\"\n\
             key = \"{directory}/refdata-{datacenter}.key\"\nca = \"{directory}/ca.pem\"\n\
             allow = [\"{one}\", \"{other}\"]\n"
        )
    }

    /// The file of the gateway, which has no certificate and no key.
    pub(crate) fn gateway_config(&self, other: &Self) -> String {
        let (listen, inbound) = (self.gateway(), self.inbound_port.address());
        let (own, other_name) = (self.datacenter.name(), other.datacenter.name());
        let other = other.gateway();
        format!(
            "datacenter = \"{own}\"\n\n[listen]\naddress = \"{listen}\"\n\n\
             [[service]]\nname = \"refdata\"\nendpoints = [\"{inbound}\"]\n\n\
             [[datacenter]]\nname = \"{other_name}\"\ngateways = [\"{other}\"]\n"
        )
    }

    /// Starts the gateway with its file.
    pub(crate) async fn start_gateway(&mut self, text: &str) -> Result<()> {
        let what = format!("gateway-{}", self.datacenter.name());
        self.gateway = Some(Process::gateway(&what, text).await?);
        Ok(())
    }

    /// Where the gateway listens.
    pub(crate) fn gateway(&self) -> SocketAddr {
        self.gateway_port.address()
    }

    async fn start_inbound(&mut self) -> Result<()> {
        let what = format!("the inbound of {}", self.datacenter.name());
        self.inbound = Some(Process::l4_failover(&what, &self.inbound_file).await?);
        Ok(())
    }

    /// Turns the toggle of refdata: whether its `/health` is good.
    pub(crate) async fn set_health(&self, ok: bool) -> Result<()> {
        let path = format!("/admin/health?ok={ok}");
        let (status, _) = once(self.refdata.address(), Method::POST, &path, "").await?;
        anyhow::ensure!(status.is_success(), "{path}: {status}");
        Ok(())
    }

    /// The machine of refdata is gone from one moment to the next, and the inbound with it.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        // First what callers reach: an inbound that stands for nobody would take them in.
        if let Some(inbound) = self.inbound.take() {
            inbound.kill().await?;
        }
        self.refdata.kill();
        Ok(())
    }

    /// The machine is back, at the same address.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        let started = self.refdata.start_again().await;
        started.context("refdata does not start again")?;
        self.start_inbound().await
    }

    /// Stops everything; by name, how many sessions were left open.
    pub(crate) async fn stop(self) -> Result<Vec<(String, usize)>> {
        let datacenter = self.datacenter.name();
        let mut left = Vec::new();
        let processes = [("gateway", self.gateway), ("inbound", self.inbound)];
        for (what, process) in processes {
            if let Some(process) = process {
                left.push((format!("{what} {datacenter}"), process.stop().await?));
            }
        }
        Ok(left)
    }
}
