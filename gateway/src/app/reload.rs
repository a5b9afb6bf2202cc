//! The configuration is read again, and what differs is changed: all of it, or nothing.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use l4_failover::Prepared;
use l4_failover::life::{Door, Opened, Place};

use super::destinations::{Destinations, Retired};
use super::{
    FIRST_LOOK_UP, ReloadError, Reloaded, Running, Shared, Source, View, bound, others, plan,
};
use crate::admin::named_pools;
use crate::config::Config;
use crate::context::Context;
use crate::front::Listener;
use crate::tables::Tables;

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
        let file = source.file.clone();
        let (config, source) = self.reloads.read(move || load(&file)).await?;
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

fn load(file: &Path) -> Result<(Config, Source), ReloadError> {
    Source::load(file).map_err(ReloadError::Mistaken)
}

/// Another configuration, and where it leads.
struct Led {
    config: Config,
    tables: Tables,
    pools: Vec<Prepared>,
}

impl Led {
    /// Reads the files that `config` names.
    fn by(config: Config, retired: &Retired, shared: &Shared) -> Result<Self, ReloadError> {
        let view = shared.view.load();
        let mut destinations = Destinations::of(&view.tables, retired, &shared.context.metrics);
        let tables = plan::tables(&config, |kind, pool| destinations.prepare(kind, pool));
        let tables = tables.map_err(ReloadError::unmade)?;
        let pools = destinations.into_changes();
        Ok(Self {
            config,
            tables,
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
        for to in self.tables.destinations() {
            to.pool.start(&shared.upkeep);
        }
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
        let (config, tables) = (self.config, self.tables);
        let places = plan::wanted(&config).into_iter().zip(places);
        let listener = |nth: usize| plan::listener(&config, nth, &tables, &context.metrics);
        let doors = running.doors.accept(places, listener).await?;
        Ok(Changed {
            config,
            source,
            tables,
            pools: self.pools,
            doors,
        })
    }
}

/// All that a reload changes, when nothing can fail any more.
struct Changed {
    config: Config,
    source: Source,
    tables: Tables,
    pools: Vec<Prepared>,
    doors: Opened<Listener>,
}

impl Changed {
    /// Changes all of it; the doors that are to be closed.
    fn apply(self, shared: &Shared, running: &mut Running) -> Vec<Door<Listener>> {
        let gone = running.doors.apply(self.doors);
        let listeners = self.config.listeners.iter();
        for (listener, door) in listeners.zip(running.doors.open()) {
            let front = plan::front(&self.config, listener, &self.tables);
            door.listener.lead_to(front);
        }
        self.pools.into_iter().for_each(Prepared::apply);
        (running.config, running.source) = (self.config, Some(self.source));
        let before = shared.show(self.tables, running);
        retire(
            &mut running.retired,
            &before.tables,
            &shared.view.load().tables,
        );
        gone
    }
}

impl Shared {
    /// Shows operators what is in force now; what was.
    fn show(&self, tables: Tables, running: &Running) -> Arc<View> {
        let generation = self.view.load().generation + 1;
        self.pools.replace(named_pools(&tables));
        let view = View::of(generation, running, tables);
        self.context.metrics.set_generation(generation);
        self.view.swap(Arc::new(view))
    }
}

/// Ends the checks of pools that no route leads to any more; their sessions go on.
fn retire(retired: &mut Retired, before: &Tables, now: &Tables) {
    let kept: HashSet<_> = now.destinations().map(|to| to.key()).collect();
    let gone = before.destinations().filter(|to| !kept.contains(&to.key()));
    let gone = gone.map(|to| ((to.kind, to.name.clone()), to.pool.retire()));
    retired.settle(|(kind, name)| kept.contains(&(*kind, name.as_str())), gone);
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
