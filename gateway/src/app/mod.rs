//! The gateway as a whole: bound, run, reloaded, drained.

mod bound;
mod destinations;
mod others;
mod plan;
mod reload;
mod source;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use l4_failover::Upkeep;
use l4_failover::admin::pools::Pools;
use l4_failover::life::{self, Doors, Process, Reloads};
use tokio::sync::{Mutex, Notify};
use tokio::time::interval;

use crate::config::Config;
use crate::context::Context;
use crate::front::Listener;
use crate::name::NamePattern;
use crate::tables::Tables;

// The public interface is:
pub use bound::{Bound, StartError};
pub use destinations::destination;
pub use l4_failover::life::{ReloadError, Reloaded, Stopped};
pub(crate) use plan::doors;
pub use plan::tables;
pub use source::Source;

/// Endpoints' names are looked up before connections to them are accepted, for this long at most.
const FIRST_LOOK_UP: Duration = Duration::from_secs(2);

/// A gateway that accepts connections. Cheap to clone: clones are the same process.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    context: Arc<Context>,
    upkeep: Upkeep,
    reloads: Reloads,
    /// None once the process is on its way out. A reload has it for as long as it takes, and gives
    /// it back at once when the reloads end.
    running: Mutex<Option<Running>>,
    view: ArcSwap<View>,
    /// The pools of the view, for operators.
    pools: Pools,
    admin: std::sync::Mutex<Option<l4_failover::admin::Bound>>,
    connections_max: usize,
    workers: usize,
    drain_wanted: Notify,
    started: Instant,
    since: SystemTime,
}

/// What a change of the configuration changes.
#[derive(Debug)]
struct Running {
    config: Arc<Config>,
    /// Where it came from, and is read from again.
    source: Option<Source>,
    doors: Doors<Context>,
    /// What was configured once, and may be again.
    retired: destinations::Retired,
}

/// What operators see of what a change changes.
#[derive(Debug)]
pub(crate) struct View {
    /// How often the configuration was read again.
    pub(crate) generation: u64,
    /// When it was loaded last.
    pub(crate) loaded: SystemTime,
    pub(crate) datacenter: String,
    pub(crate) source: Option<Source>,
    pub(crate) tables: Tables,
    /// The forms of names.
    pub(crate) patterns: Vec<NamePattern>,
    /// The listeners' names and addresses.
    pub(crate) listeners: Vec<(Arc<str>, SocketAddr)>,
    /// What is behind each of them.
    pub(crate) fronts: Vec<Arc<Listener>>,
}

impl View {
    fn of(generation: u64, running: &Running, tables: Tables) -> Self {
        let (config, open) = (&running.config, running.doors.open().iter());
        Self {
            generation,
            loaded: SystemTime::now(),
            datacenter: config.datacenter.clone(),
            source: running.source.clone(),
            tables,
            patterns: config.name_patterns.clone(),
            listeners: open
                .clone()
                .map(|door| (Arc::clone(&door.name), door.address))
                .collect(),
            fronts: open.map(|door| Arc::clone(&door.listener)).collect(),
        }
    }
}

impl Process for App {
    async fn run(
        &self,
        stop: impl Future<Output = ()>,
        force: impl Future<Output = ()>,
    ) -> Stopped {
        let ended = Notify::new();
        let life = async {
            let commanded = self.0.drain_wanted.notified();
            let force = life::told_to_drain(stop, commanded, force).await;
            let stopped = self.wind_down(force).await;
            ended.notify_one();
            stopped
        };
        let operators = self.serve_operators(ended.notified());
        let whole = async { tokio::join!(life, operators).0 };
        tokio::select! {
            stopped = whole => stopped,
            never = self.do_chores() => match never {},
        }
    }

    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let (reloads, shared) = (&self.0.reloads, Arc::clone(&self.0));
        reloads.told(self.clone(), shared.reload()).await
    }

    fn drain(&self) {
        self.0.drain_wanted.notify_one();
    }

    fn sessions(&self) -> usize {
        self.0.context.live.len()
    }

    fn generation(&self) -> u64 {
        self.0.view.load().generation
    }
}

impl App {
    async fn wind_down(&self, force: impl Future<Output = ()>) -> Stopped {
        let context = &self.0.context;
        context.stopping.store(true, Relaxed);
        let force = life::unless_forced(force, self.0.reloads.end()).await;
        let Some(running) = self.0.running.lock().await.take() else {
            return Stopped { forced: 0 };
        };
        let mut drain = running.config.drain;
        if running.config.admin.is_none() {
            // Nobody could see it.
            drain.announce = Duration::ZERO;
        }
        let stopped = running.doors.drain(drain, force).await;
        context.log.say_left_out();
        stopped
    }

    async fn do_chores(&self) -> Infallible {
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            self.0.context.log.say_left_out();
            self.0.context.sources.tidy(Instant::now());
        }
    }
}

/// As operators see the gateway.
impl App {
    /// What all connections share.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.0.context
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.0.view.load_full()
    }

    pub(crate) fn pools(&self) -> &Pools {
        &self.0.pools
    }

    /// Where operators are to be served; for whoever serves them, once.
    pub(crate) fn take_admin(&self) -> Option<l4_failover::admin::Bound> {
        let admin = &self.0.admin;
        admin.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn connections_max(&self) -> usize {
        self.0.connections_max
    }

    pub(crate) fn workers(&self) -> usize {
        self.0.workers
    }

    /// Since when it runs.
    pub(crate) fn since(&self) -> SystemTime {
        self.0.since
    }

    /// For how long it has run.
    pub(crate) fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }
}
