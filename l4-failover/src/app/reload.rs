//! The configuration is read again, and what differs is changed: all of it, or nothing.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::front::{Ready, places_of, wanted};
use super::{FIRST_LOOK_UP, Running, Shared, View, bound};
use crate::life::{Door, Opened, Place, ReloadError, Reloaded};
use crate::port::{self, Front};
use crate::settings::{Settings, Source};

impl Shared {
    /// Reads the file again and does what it says. No connection notices: sessions of ports and
    /// endpoints that are gone go on.
    pub(super) async fn reload(&self) -> Result<Reloaded, ReloadError> {
        if matches!(self.source, Source::Flags(_)) {
            return Err(ReloadError::NoFile);
        }
        let mut running = self.running.lock().await;
        let running = running.as_mut().filter(|_| !self.context.is_draining());
        let running = running.ok_or(ReloadError::Draining)?;
        let source = self.source.clone();
        let settings = spawn_blocking(move || source.read()).await?;
        let settings = settings.map_err(ReloadError::Mistaken)?;
        let change = Change::prepare(self, running, settings)?;
        change.look_up(self).await;
        let opened = change.open(running).await?;
        let gone = opened.apply(self, running);
        running.doors.close(gone).await;
        let generation = self.view.load().generation;
        Ok(Reloaded { generation })
    }
}

/// All that a reload changes, found good.
struct Change {
    settings: Settings,
    readies: Vec<Ready>,
    places: Vec<Place>,
}

impl Change {
    fn prepare(
        shared: &Shared,
        running: &Running,
        settings: Settings,
    ) -> Result<Self, ReloadError> {
        refuse_restarts(&running.settings, &settings)?;
        let wanted = wanted(&settings);
        bound::room(&settings, &wanted, running.doors.activated())?;
        let mut readies = Vec::new();
        for wanted in wanted {
            let before = running.front(&wanted.name);
            let past = running.retired.find(&wanted.name);
            let ready = wanted.ready(&shared.context, before.as_deref(), past);
            readies.push(ready.map_err(ReloadError::unmade)?);
        }
        let places = running.doors.places(&places_of(&readies))?;
        Ok(Self {
            settings,
            readies,
            places,
        })
    }

    /// Looks after what is new, so that it is known when the first connection comes.
    async fn look_up(&self, shared: &Shared) {
        let readies = self.readies.iter();
        readies.for_each(|ready| ready.keep(&shared.upkeep));
        shared.upkeep.look_up(FIRST_LOOK_UP).await;
    }

    /// Accepts on the new addresses, the last step that can fail.
    async fn open(self, running: &Running) -> Result<Changed, ReloadError> {
        let places = places_of(&self.readies).into_iter().zip(self.places);
        let door = |nth: usize| self.readies[nth].door();
        Ok(Changed {
            doors: running.doors.accept(places, door).await?,
            settings: self.settings,
            readies: self.readies,
        })
    }
}

/// All that a reload changes, when nothing can fail any more.
struct Changed {
    settings: Settings,
    readies: Vec<Ready>,
    doors: Opened<port::Door>,
}

impl Changed {
    /// Changes all of it; the doors that are to be closed.
    fn apply(self, shared: &Shared, running: &mut Running) -> Vec<Door<port::Door>> {
        let before = running.fronts();
        let gone = running.doors.apply(self.doors);
        for (ready, door) in self.readies.into_iter().zip(running.doors.open()) {
            door.listener.lead_to(Arc::clone(&ready.front));
            ready.apply();
        }
        running.settings = self.settings;
        running.retire(&before);
        shared.show(running);
        gone
    }
}

impl Shared {
    fn show(&self, running: &Running) {
        let generation = self.view.load().generation + 1;
        let named = |open: &Door<port::Door>| open.listener.front().named(open.address);
        let pools = running.doors.open().iter().map(named);
        self.pools.replace(pools.collect());
        self.view
            .store(Arc::new(View::of(generation, &running.doors)));
        self.context.metrics().set_generation(generation);
    }
}

impl Running {
    /// Ends the checks of pools that no address leads to any more; their sessions go on.
    fn retire(&mut self, before: &[Arc<Front>]) {
        let open: HashSet<_> = self.doors.open().iter().map(|it| &it.name).collect();
        let gone = before.iter().filter(|it| !open.contains(&it.name));
        let gone = gone.map(|it| (Arc::clone(&it.name), it.pool.retire()));
        self.retired.settle(|name| open.contains(name), gone);
    }

    fn fronts(&self) -> Vec<Arc<Front>> {
        let open = self.doors.open().iter();
        open.map(|it| it.listener.front()).collect()
    }

    fn front(&self, name: &str) -> Option<Arc<Front>> {
        let mut open = self.doors.open().iter();
        Some(open.find(|open| *open.name == *name)?.listener.front())
    }
}

/// What is made once, at the start, must be as it was.
fn refuse_restarts(old: &Settings, new: &Settings) -> Result<(), ReloadError> {
    ReloadError::refuse_restarts(&[
        ("workers", old.workers == new.workers),
        ("[admin]", old.admin == new.admin),
        ("[relay]", old.relay == new.relay),
        ("[limits]", old.limits == new.limits),
        ("[log]", old.log == new.log),
    ])
}
