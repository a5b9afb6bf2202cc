//! Where work is done: backends, and threads for the load.

use std::net::SocketAddr;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::runtime::Builder;

use super::case::{Case, Pace, Scene};
use super::reload;
use crate::backend;
use crate::child::stay_on;
use crate::interrupt::Interrupt;
use crate::proxy::{Installed, Others, Proxy, Setting, Target, start};
use crate::syscalls;
use crate::work::{Close, Ping, Reading, Short, Work};

/// As many as the smallest machine that is worth comparing on has CPUs.
pub(super) const WORKERS: usize = 2;

/// The CPU of the load where the proxy has one of its own.
const LOAD_CPU: usize = 0;

/// The CPU of the proxy then.
const PROXY_CPU: usize = 1;

/// Endpoints that many routes share.
const OTHERS: usize = 10;

/// What all cases need.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) interrupt: Interrupt,
    backend: SocketAddr,
    /// The backend that stays on the load's CPU.
    pinned_backend: SocketAddr,
    /// Where services are that nobody asks for.
    others: Vec<SocketAddr>,
}

impl Stage {
    pub(super) fn new() -> Result<Self> {
        let pinned = thread::spawn(|| {
            // The backend's thread is started by this one, and stays where it was.
            stay_on(LOAD_CPU);
            backend::start()
        });
        Ok(Self {
            interrupt: Interrupt::watch()?,
            backend: backend::start()?,
            pinned_backend: pinned.join().map_err(|_| anyhow!("no backend"))??,
            others: (0..OTHERS)
                .map(|_| backend::start())
                .collect::<Result<_>>()?,
        })
    }

    /// Does the work of a case through a proxy that is started for it.
    pub(super) fn through(&self, installed: &Installed, case: &Case) -> Result<Vec<Reading>> {
        if case.scene == Scene::Pinned && available_parallelism()?.get() <= PROXY_CPU {
            bail!("the proxy and its load cannot have a CPU each: there is one");
        }
        let proxy = self.start(installed, case.scene, None)?;
        let mut readings = match case.scene {
            Scene::Plain | Scene::Pinned | Scene::Log => self.work(case, proxy.target())?,
            Scene::Routes { pace, .. } => {
                let mut readings = self.work(case, proxy.target())?;
                readings.extend(reload::measure(self, &proxy, pace)?);
                readings
            }
            Scene::Hops => {
                let first = self.start(installed, case.scene, Some(&proxy))?;
                self.work(case, first.target())?
            }
        };
        if case.scene == Scene::Pinned {
            readings.extend(busy(&readings));
        }
        Ok(readings)
    }

    /// Does it without a proxy: what the load itself can do, the bound of all that is measured.
    pub(super) fn directly(&self, case: &Case) -> Result<Vec<Reading>> {
        let target = Target {
            address: self.backend_of(case.scene),
            pid: None,
            workers: 0,
        };
        self.work(case, target)
    }

    /// The rate of questions that is half of what the slowest program can do.
    pub(super) fn pace(
        &self,
        proxies: &[Installed],
        questions: usize,
        lasts: Duration,
    ) -> Result<Pace> {
        let work = Work::Ping(Ping {
            bytes: 64,
            connections: 64,
            questions,
        });
        let mut slowest = f64::INFINITY;
        for installed in proxies {
            let proxy = self.start(installed, Scene::Plain, None)?;
            let work = work.run(proxy.target());
            let readings = self.block_on(work)?;
            slowest = slowest.min(value(&readings, "rate").context("no rate")?);
        }
        // Whole thousands, as far as there are some: it is written in the table.
        let step = if slowest > 4000.0 { 1000.0 } else { 1.0 };
        let rate = ((slowest / 2.0 / step).floor() * step).max(1.0) as u32;
        Ok(Pace { rate, lasts })
    }

    /// The system calls of a short connection, in words for each program; why not, where they cannot be
    /// counted.
    pub(super) fn calls(&self, proxies: &[Installed]) -> Result<Vec<String>> {
        let work = Short {
            connections: 0,
            at_once: 16,
            close: Close::Fin,
        };
        let mut said = Vec::new();
        for installed in proxies {
            let proxy = self.start(installed, Scene::Plain, None)?;
            let counted = syscalls::count(proxy.target(), work);
            let counted = self.block_on(counted);
            let counted = match counted {
                Ok(calls) => syscalls::line(&calls),
                Err(error) => format!("not counted: {error:#}"),
            };
            said.push(format!("{}: {counted}", installed.peer));
        }
        Ok(said)
    }

    /// On this thread, which lives to the end: the kernel ends a proxy with its thread.
    fn start(&self, installed: &Installed, scene: Scene, behind: Option<&Proxy>) -> Result<Proxy> {
        let setting = self.setting(scene);
        self.block_on(start(installed, &setting, self.backend_of(scene), behind))
    }

    fn backend_of(&self, scene: Scene) -> SocketAddr {
        match scene {
            Scene::Pinned => self.pinned_backend,
            Scene::Plain | Scene::Hops | Scene::Log | Scene::Routes { .. } => self.backend,
        }
    }

    /// On a thread of its own, so that one that was kept on a CPU is gone with its work.
    fn work(&self, case: &Case, target: Target) -> Result<Vec<Reading>> {
        let load = || {
            if case.scene == Scene::Pinned {
                stay_on(LOAD_CPU);
            }
            self.block_on(case.work.run(target))
        };
        let done = thread::scope(|scope| scope.spawn(load).join());
        done.map_err(|_| anyhow!("the load panicked"))?
    }

    /// Does something on this thread, unless it is interrupted.
    pub(super) fn block_on<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.interrupt.or(work))
    }

    fn setting(&self, scene: Scene) -> Setting {
        let is_pinned = scene == Scene::Pinned;
        let others = match scene {
            Scene::Routes { count, .. } => count,
            Scene::Plain | Scene::Pinned | Scene::Hops | Scene::Log => 0,
        };
        Setting {
            workers: if is_pinned { 1 } else { WORKERS },
            cpu: is_pinned.then_some(PROXY_CPU),
            access_log: scene == Scene::Log,
            relay: Vec::new(),
            others: Others {
                count: others,
                endpoints: self.others.clone(),
            },
        }
    }
}

/// How much of its CPU a pinned proxy uses: where that is not nearly all, the load was the bound.
fn busy(readings: &[Reading]) -> Option<Reading> {
    let (micros, rate) = (value(readings, "CPU")?, value(readings, "rate")?);
    Some(Reading {
        what: "proxy is busy",
        unit: "% of a CPU",
        value: micros * rate / 1e4,
    })
}

fn value(readings: &[Reading], what: &str) -> Option<f64> {
    Some(readings.iter().find(|it| it.what == what)?.value)
}
