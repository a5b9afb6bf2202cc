//! Rounds of work: through the gateway, and directly.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use tokio::runtime::{Builder, Runtime};

use crate::backend;
use crate::plan::{Kind, Plan};
use crate::proxy::{Installed, Proxy, Setting, Target, start};
use crate::report::Report;
use crate::syscalls;
use crate::work::{Close, Short, Work};

/// What every piece of work needs.
#[derive(Debug)]
pub struct Bench {
    runtime: Runtime,
    backend: SocketAddr,
    gateway: Installed,
    setting: Setting,
}

impl Bench {
    /// Starts the backend; the gateway is started anew for every piece of work.
    ///
    /// # Errors
    ///
    /// When there is no port or no thread to be had.
    pub fn new(setting: Setting) -> Result<Self> {
        Ok(Self {
            runtime: Builder::new_current_thread().enable_all().build()?,
            backend: backend::start()?,
            gateway: Installed::gateway()?,
            setting,
        })
    }

    /// Does the work of these kinds, round by round.
    ///
    /// # Errors
    ///
    /// When a piece of work fails: a figure of the rest would say too little.
    pub fn rounds(&self, plan: &Plan, kinds: &[Kind]) -> Result<Report> {
        let mut report = Report::default();
        // Round by round, so that a slow minute of the machine touches all figures alike.
        for round in 1..=plan.rounds {
            for work in kinds.iter().flat_map(|kind| plan.of(*kind)) {
                eprintln!("round {round} of {}: {work}", plan.rounds);
                self.through_gateway(&work, &mut report)?;
                self.directly(&work, &mut report)?;
            }
        }
        Ok(report)
    }

    fn through_gateway(&self, work: &Work, report: &mut Report) -> Result<()> {
        let proxy = self.start()?;
        let readings = self.runtime.block_on(work.run(proxy.target()));
        let readings = readings.with_context(|| format!("gateway: {work}"))?;
        report.add("gateway", &work.to_string(), &readings);
        Ok(())
    }

    fn start(&self) -> Result<Proxy> {
        let proxy = start(&self.gateway, &self.setting, self.backend, None);
        self.runtime.block_on(proxy)
    }

    /// Without a proxy: what the load itself can do, the bound of all that is measured.
    fn directly(&self, work: &Work, report: &mut Report) -> Result<()> {
        if !work.works_directly() {
            return Ok(());
        }
        let target = Target {
            address: self.backend,
            pid: None,
            workers: 0,
        };
        let readings = self.runtime.block_on(work.run(target));
        let readings = readings.with_context(|| format!("direct: {work}"))?;
        report.add("direct", &work.to_string(), &readings);
        Ok(())
    }

    /// The system calls of short connections, in words; why not, where they cannot be counted.
    #[must_use]
    pub fn calls(&self) -> String {
        let said = [Close::Fin, Close::Rst].map(|close| {
            let counted = self.calls_per(Short {
                connections: 0,
                at_once: 16,
                close,
            });
            counted.unwrap_or_else(|error| format!("system calls not counted: {error:#}\n"))
        });
        said.concat()
    }

    fn calls_per(&self, work: Short) -> Result<String> {
        let proxy = self.start()?;
        let calls = syscalls::count(proxy.target(), work);
        let calls = syscalls::line(&self.runtime.block_on(calls)?);
        Ok(format!("system calls per {}: {calls}\n", Work::Short(work)))
    }
}
