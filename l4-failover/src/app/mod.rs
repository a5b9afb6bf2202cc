//! `l4-failover` as a whole: bound, run, reloaded, drained.

mod admin;
mod bound;
mod front;
mod reload;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify};
use tokio::time::interval;

use crate::admin::pools::Pools;
use crate::life::{self, Doors, Process, Reloads};
use crate::pool::{Retired, Upkeep};
use crate::port::{Context, Door, Front};
use crate::settings::{Settings, Source};

// The public interface is:
pub use crate::life::{ReloadError, Reloaded, Stopped};
pub use bound::{Bound, StartError};
pub use front::FrontError;

/// Endpoints' names are looked up before connections to them are accepted, for this long at most.
const FIRST_LOOK_UP: Duration = Duration::from_secs(2);

/// `l4-failover`, accepting connections. Cheap to clone: clones are the same process.
#[derive(Clone, Debug)]
pub struct App(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    context: Arc<Context>,
    source: Source,
    upkeep: Upkeep,
    reloads: Reloads,
    /// None once the process is on its way out. A reload has it for as long as it takes, and gives
    /// it back at once when the reloads end.
    running: Mutex<Option<Running>>,
    view: Arc<ArcSwap<View>>,
    /// The same pools, for operators.
    pools: Pools,
    admin: std::sync::Mutex<Option<crate::admin::Bound>>,
    connections_max: usize,
    drain_wanted: Notify,
    started: Instant,
    since: SystemTime,
}

/// What a change of the configuration changes.
#[derive(Debug)]
struct Running {
    settings: Settings,
    doors: Doors<Context>,
    /// What is left of ports and inbounds that are gone, by their names.
    retired: Retired<Arc<str>>,
}

/// What operators see of what a change changes.
#[derive(Debug)]
struct View {
    generation: u64,
    /// When the settings were loaded last.
    loaded: SystemTime,
    /// What the file said then, if there is one.
    text: Option<Arc<str>>,
    listeners: Vec<Listener>,
}

#[derive(Debug)]
struct Listener {
    address: SocketAddr,
    front: Arc<Front>,
}

impl View {
    fn of(generation: u64, text: Option<Arc<str>>, doors: &Doors<Context>) -> Self {
        let listener = |open: &life::Door<Door>| Listener {
            address: open.address,
            front: open.listener.front(),
        };
        Self {
            generation,
            loaded: SystemTime::now(),
            text,
            listeners: doors.open().iter().map(listener).collect(),
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
            never = self.say_left_out() => match never {},
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
        self.0.context.connections().len()
    }

    fn generation(&self) -> u64 {
        self.0.view.load().generation
    }
}

impl App {
    async fn wind_down(&self, force: impl Future<Output = ()>) -> Stopped {
        let context = &self.0.context;
        context.drain();
        let force = life::unless_forced(force, self.0.reloads.end()).await;
        let Some(running) = self.0.running.lock().await.take() else {
            return Stopped { forced: 0 };
        };
        let mut drain = running.settings.drain;
        if running.settings.admin.is_none() {
            // Nobody could see it.
            drain.announce = Duration::ZERO;
        }
        let stopped = running.doors.drain(drain, force).await;
        context.say_left_out();
        stopped
    }

    async fn say_left_out(&self) -> Infallible {
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            self.0.context.say_left_out();
        }
    }
}
