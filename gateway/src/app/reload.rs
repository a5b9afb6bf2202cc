//! The configuration is read again, and what differs is changed: all of it, or nothing.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use l4_failover::admin::pools::{NamedPool, Next};
use l4_failover::life::{Door, Opened, Place};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::destinations::{Changes, Destinations, Retired};
use super::plan::Behind;
use super::{
    FIRST_LOOK_UP, ReloadError, Reloaded, Running, Shared, Source, View, bound, others, plan,
};
use crate::admin::named_pools;
use crate::config::Config;
use crate::context::Context;
use crate::front::Listener;
use crate::tables::Tables;

/// Longer than any hello takes by default; who takes longer takes the tables apart.
const ROUTED_WITHIN: Duration = Duration::from_secs(10);

/// How often it is looked whether they are all routed.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Shared {
    /// Reads the file again and does what it says. No connection notices: sessions of services
    /// and endpoints that are gone go on. Wherever it waits, the end of the process is not kept
    /// waiting.
    pub(super) async fn reload(self: Arc<Self>) -> Result<Reloaded, ReloadError> {
        let mut running = self.running.lock().await;
        let running = running.as_mut().ok_or(ReloadError::Draining)?;
        let changed = self.reloads.unless_ended(self.changed(running)).await;
        let gone = changed.ok_or(ReloadError::Draining)??.apply(&self, running);
        let closed = running.doors.close(gone);
        // The end closes all.
        let _ = self.reloads.unless_ended(closed).await;
        let generation = self.view.load().generation;
        Ok(Reloaded { generation })
    }

    /// All that can fail; dropped before its end, it changes nothing.
    async fn changed(self: &Arc<Self>, running: &Running) -> Result<Changed, ReloadError> {
        let source = running.source.as_ref().ok_or(ReloadError::NoFile)?;
        let (before, source) = (Arc::clone(&running.config), source.clone());
        let load = move || source.load_after(&before).map_err(ReloadError::Mistaken);
        let (config, source) = self.reloads.read(load).await?;
        refuse_restarts(&running.config, &config)?;
        bound::room(&config, running.doors.activated())?;
        let shared = Arc::clone(self);
        let retired = running.retired.clone();
        let led = move || Led::by(config, &retired, &shared);
        let led = self.reloads.read(led).await?;
        let places = led.places(running)?;
        led.look_up(self).await;
        led.open(source, places, running, &self.context).await
    }
}

/// Another configuration, and where it leads.
struct Led {
    config: Config,
    behind: Behind,
    changes: Changes,
    /// None where they are as they were.
    pools: Option<Next>,
}

impl Led {
    /// Reads the files that `config` names.
    fn by(config: Config, retired: &Retired, shared: &Shared) -> Result<Self, ReloadError> {
        let view = shared.view.load();
        let mut destinations = Destinations::of(&view.tables, retired, &shared.context.metrics);
        let tables = plan::tables(&config, |kind, pool| destinations.prepare(kind, pool));
        let tables = tables.map_err(ReloadError::unmade)?;
        let changes = destinations.into_changes();
        let pools = match changes.count() {
            0 => None,
            _ => Some(shared.pools.next(named_pools(&tables))),
        };
        let doors = Arc::new(plan::doors(&config));
        Ok(Self {
            config,
            behind: Behind { tables, doors },
            changes,
            pools,
        })
    }

    fn places(&self, running: &Running) -> Result<Vec<Place>, ReloadError> {
        let places = running.doors.places(&plan::wanted(&self.config))?;
        others::refuse(&self.config, &places, running.doors.open())?;
        Ok(places)
    }

    /// Looks after what is new, so that it is known when the first connection comes.
    async fn look_up(&self, shared: &Shared) {
        self.changes.start(&shared.upkeep).await;
        shared.upkeep.look_up(FIRST_LOOK_UP).await;
    }

    /// Accepts on the new addresses, the last step that can fail.
    async fn open(
        self,
        source: Source,
        places: Vec<Place>,
        running: &Running,
        context: &Context,
    ) -> Result<Changed, ReloadError> {
        let (config, behind) = (&self.config, &self.behind);
        let places = plan::wanted(config).into_iter().zip(places);
        let listener = |nth: usize| plan::listener(config, nth, behind, &context.metrics);
        let doors = running.doors.accept(places, listener).await?;
        Ok(Changed {
            led: self,
            source,
            doors,
        })
    }
}

/// All that a reload changes, when nothing can fail any more.
struct Changed {
    led: Led,
    source: Source,
    doors: Opened<Listener>,
}

impl Changed {
    /// Changes all of it; the doors that are to be closed.
    fn apply(self, shared: &Shared, running: &mut Running) -> Vec<Door<Listener>> {
        let Led {
            config,
            behind,
            changes,
            pools,
        } = self.led;
        let gone = running.doors.apply(self.doors);
        for (listener, door) in config.listeners.iter().zip(running.doors.open()) {
            let front = plan::front(&config, listener, &behind);
            door.listener.lead_to(front);
        }
        changes.apply(&mut running.retired);
        running.source = Some(self.source);
        let config = mem::replace(&mut running.config, Arc::new(config));
        let (view, pools) = shared.show(behind.tables, pools, running);
        tokio::spawn(let_go(view, (config, pools)));
        gone
    }
}

impl Shared {
    /// Shows operators what is in force now; what was.
    fn show(
        &self,
        tables: Tables,
        pools: Option<Next>,
        running: &Running,
    ) -> (Arc<View>, Option<Arc<[NamedPool]>>) {
        let generation = self.view.load().generation + 1;
        let pools = pools.map(|pools| self.pools.show(pools));
        let view = View::of(generation, running, tables);
        self.context.metrics.set_generation(generation);
        (self.view.swap(Arc::new(view)), pools)
    }
}

/// Takes apart what was in force, on a thread that nobody waits for: of a large configuration that takes
/// longer than a connection may wait. Whoever is being routed has the tables as well, and must not be
/// the last who has them.
async fn let_go<T: Send + 'static>(before: Arc<View>, rest: T) {
    let is_routing = || {
        let tables = [&before.tables.clients, &before.tables.peers];
        tables.into_iter().any(|it| Arc::strong_count(it) > 1)
    };
    let until = Instant::now() + ROUTED_WITHIN;
    while is_routing() && Instant::now() < until {
        sleep(LOOK_AGAIN).await;
    }
    // The runtime is at its end otherwise, as all of it is.
    let _ = spawn_blocking(move || drop((before, rest))).await;
}

/// What is made once, at the start, must be as it was.
fn refuse_restarts(old: &Config, new: &Config) -> Result<(), ReloadError> {
    ReloadError::refuse_restarts(&[
        ("datacenter", old.datacenter == new.datacenter),
        ("workers", old.workers == new.workers),
        ("[admin]", old.admin == new.admin),
        ("[relay]", old.relay == new.relay),
        (
            "limits.connections",
            old.limits.connections == new.limits.connections,
        ),
        (
            "limits.half_read_hellos",
            old.limits.half_read_hellos == new.limits.half_read_hellos,
        ),
        ("[log]", old.log == new.log),
    ])
}
