//! The configuration is read again, and what differs is changed: all of it, or nothing.

use std::collections::HashSet;
use std::sync::Arc;

use super::front::{Ready, Wanted, places_of, wanted};
use super::{FIRST_LOOK_UP, Running, Shared, View, bound};
use crate::life::{Door, Opened, Place, ReloadError, Reloaded};
use crate::pool::Past;
use crate::port::{self, Context, Front};
use crate::settings::{Loaded, Settings, Source};

impl Shared {
    /// Reads the file again and does what it says. No connection notices: sessions of ports and
    /// endpoints that are gone go on. Wherever it waits, the end of the process is not kept waiting.
    pub(super) async fn reload(self: Arc<Self>) -> Result<Reloaded, ReloadError> {
        if matches!(self.source, Source::Flags(_)) {
            return Err(ReloadError::NoFile);
        }
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
    async fn changed(&self, running: &Running) -> Result<Changed, ReloadError> {
        let source = self.source.clone();
        let read = move || source.load().map_err(ReloadError::Mistaken);
        let Loaded { settings, text, .. } = self.reloads.read(read).await?;
        refuse_restarts(&running.settings, &settings)?;
        let wanted = wanted(&settings);
        bound::room(&settings, &wanted, running.doors.activated())?;
        let known = |wanted: Wanted| Known {
            before: running.front(&wanted.name),
            past: running.retired.find(&wanted.name).cloned(),
            wanted,
        };
        let wanted: Vec<_> = wanted.into_iter().map(known).collect();
        let context = Arc::clone(&self.context);
        let readies = self.reloads.read(move || ready(wanted, &context)).await?;
        let places = running.doors.places(&places_of(&readies))?;
        let change = Change {
            settings,
            text,
            readies,
            places,
        };
        change.look_up(self).await;
        change.open(running).await
    }
}

/// What is wanted, and what is known of it.
struct Known {
    wanted: Wanted,
    before: Option<Arc<Front>>,
    past: Option<Past>,
}

/// Makes each, or says what becomes of the one that there is; reads the files that it names.
fn ready(wanted: Vec<Known>, context: &Context) -> Result<Vec<Ready>, ReloadError> {
    let ready = |it: Known| {
        it.wanted
            .ready(context, it.before.as_deref(), it.past.as_ref())
    };
    let readies = wanted.into_iter().map(ready);
    readies
        .collect::<Result<_, _>>()
        .map_err(ReloadError::unmade)
}

/// All that a reload changes, found good.
struct Change {
    settings: Settings,
    text: Option<Arc<str>>,
    readies: Vec<Ready>,
    places: Vec<Place>,
}

impl Change {
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
            text: self.text,
            readies: self.readies,
        })
    }
}

/// All that a reload changes, when nothing can fail any more.
struct Changed {
    settings: Settings,
    text: Option<Arc<str>>,
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
            let known = before.iter().find(|front| front.name == ready.front.name);
            if let Some(known) = known {
                ready.part_with(known, shared.context.connections());
            }
            ready.log_in(&shared.upkeep);
            ready.apply();
        }
        running.settings = self.settings;
        running.retire(&before);
        shared.show(self.text, running);
        gone
    }
}

impl Shared {
    fn show(&self, text: Option<Arc<str>>, running: &Running) {
        let generation = self.view.load().generation + 1;
        let named = |open: &Door<port::Door>| open.listener.front().named(open.address);
        let pools = running.doors.open().iter().map(named);
        self.pools.replace(pools.collect());
        let view = View::of(generation, text, &running.doors);
        self.view.store(Arc::new(view));
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
