//! Where work is done: backends, and threads for the load.

use std::net::SocketAddr;
use std::thread;

use anyhow::{Result, anyhow};
use tokio::runtime::{Builder, Runtime};

use super::case::{Case, Scene};
use crate::backend;
use crate::interrupt::Interrupt;
use crate::proxy::{Installed, Setting, Target, start};
use crate::work::{Reading, Work};

/// As many as the smallest machine that is worth comparing on has CPUs.
pub(super) const WORKERS: usize = 2;

/// What all cases need.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) interrupt: Interrupt,
    runtime: Runtime,
    backend: SocketAddr,
}

impl Stage {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            interrupt: Interrupt::watch()?,
            runtime: Builder::new_current_thread().enable_all().build()?,
            backend: backend::start()?,
        })
    }

    /// Does the work of a case through a proxy that is started for it.
    pub(super) fn through(&self, installed: &Installed, case: &Case) -> Result<Vec<Reading>> {
        let setting = setting(case.scene);
        // On this thread, which lives to the end: the kernel ends a proxy with its thread.
        let proxy = start(installed, &setting, self.backend, None);
        let proxy = self.runtime.block_on(self.interrupt.or(proxy))?;
        self.work(&case.work, proxy.target())
    }

    /// Does it without a proxy: what the load itself can do, the bound of all that is measured.
    pub(super) fn directly(&self, case: &Case) -> Result<Vec<Reading>> {
        let (address, pid) = (self.backend, None);
        self.work(&case.work, Target { address, pid })
    }

    /// On a thread of its own, so that one that was kept on a CPU is gone with its work.
    fn work(&self, work: &Work, target: Target) -> Result<Vec<Reading>> {
        let load = || {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(self.interrupt.or(work.run(target)))
        };
        let done = thread::scope(|scope| scope.spawn(load).join());
        done.map_err(|_| anyhow!("the load panicked"))?
    }
}

fn setting(scene: Scene) -> Setting {
    Setting {
        workers: match scene {
            Scene::Plain => WORKERS,
        },
        cpu: None,
        access_log: false,
        relay: Vec::new(),
    }
}
