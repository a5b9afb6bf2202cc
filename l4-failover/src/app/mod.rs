//! `l4-failover` as a whole: bound, run, reloaded, drained.

mod admin;
mod bound;
mod drain;
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
use crate::config::Listen;
use crate::pool::Upkeep;
use crate::port::{Context, Door, Front};
use crate::settings::{Settings, Source};
use crate::socket::workers::{ListenerId, Workers};

// The public interface is:
pub use bound::{Bound, StartError};
pub use drain::Stopped;
pub use front::FrontError;
pub use reload::{ReloadError, Reloaded};

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
    /// One change at a time; none once the process is on its way out.
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
    workers: Workers<Context>,
    open: Vec<Open>,
}

/// A listening address.
#[derive(Debug)]
struct Open {
    name: Arc<str>,
    /// As configured: a port of 0 stands for the one that was free.
    listen: Listen,
    address: SocketAddr,
    id: ListenerId,
    door: Door,
}

/// What operators see of what a change changes.
#[derive(Debug)]
struct View {
    generation: u64,
    listeners: Vec<Listener>,
}

#[derive(Debug)]
struct Listener {
    address: SocketAddr,
    front: Arc<Front>,
}

impl View {
    fn of(generation: u64, open: &[Open]) -> Self {
        let listener = |open: &Open| Listener {
            address: open.address,
            front: open.door.front(),
        };
        Self {
            generation,
            listeners: open.iter().map(listener).collect(),
        }
    }
}

impl App {
    /// Serves until `stop`, or an operator, says to drain; then drains, which `force` cuts short.
    pub async fn run(
        &self,
        stop: impl Future<Output = ()>,
        force: impl Future<Output = ()>,
    ) -> Stopped {
        let ended = Notify::new();
        let life = async {
            tokio::select! {
                () = stop => {}
                () = self.0.drain_wanted.notified() => {}
            }
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

    async fn say_left_out(&self) -> Infallible {
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            self.0.context.say_left_out();
        }
    }

    /// Asks the process to drain, as a signal does.
    pub fn drain(&self) {
        self.0.drain_wanted.notify_one();
    }
}
