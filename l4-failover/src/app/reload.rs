//! The configuration is read again, and what differs is changed: all of it, or nothing.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{info, warn};

use super::front::{FrontError, Ready, wanted};
use super::{App, FIRST_LOOK_UP, Open, Running, Shared, View, bound};
use crate::config::Diagnostics;
use crate::error::with_causes;
use crate::port::Front;
use crate::process::descriptors::TooFewDescriptors;
use crate::settings::{Settings, Source};
use crate::socket::listen::{ListenError, Listening};
use crate::socket::workers::AcceptError;

/// An address that is no longer wanted is closed once its queue is accepted, which may have to wait
/// for places among the open connections; a reload waits for that no longer than this.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// What a reload came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// How often the configuration was loaded; 1 since the start.
    pub generation: u64,
}

/// Why a reload was refused. All is as it was.
#[derive(Debug, Error)]
pub enum ReloadError {
    /// The process was started without a file.
    #[error("there is no file to read again: the port was given by flags")]
    NoFile,
    /// The process is on its way out.
    #[error("the process is draining")]
    Draining,
    /// The file has mistakes.
    #[error("{}", .0.to_string().trim_end())]
    Mistaken(Diagnostics),
    /// What differs is made once, at the start.
    #[error("a change of {} takes a restart", .0.join(", "))]
    Restart(Vec<String>),
    /// A port or an inbound cannot be made.
    #[error(transparent)]
    Front(#[from] FrontError),
    /// More connections are configured than the process may open descriptors for.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// A new address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// A new address is bound, and its connections cannot be accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// It panicked, which was printed.
    #[error("the reload broke off")]
    Broken(#[from] tokio::task::JoinError),
}

impl App {
    /// Reads the file again and does what it says. No connection notices: sessions of ports and
    /// endpoints that are gone go on. What came of it is logged as well.
    ///
    /// # Errors
    ///
    /// [`ReloadError`]: nothing has changed.
    pub async fn reload(&self) -> Result<Reloaded, ReloadError> {
        let shared = Arc::clone(&self.0);
        // A task of its own: whoever asked for it may go away in the middle.
        let reloaded = tokio::spawn(async move { shared.reload().await }).await;
        let reloaded = reloaded.map_err(ReloadError::from).flatten();
        match &reloaded {
            Ok(Reloaded { generation }) => info!(generation, "the configuration was reloaded"),
            Err(error) => {
                let generation = self.0.view.load().generation;
                let error = with_causes(error);
                warn!(
                    generation,
                    error, "the configuration was not reloaded; the old one stays"
                );
            }
        }
        reloaded
    }
}

impl Shared {
    async fn reload(&self) -> Result<Reloaded, ReloadError> {
        if matches!(self.source, Source::Flags(_)) {
            return Err(ReloadError::NoFile);
        }
        let mut running = self.running.lock().await;
        let running = running.as_mut().ok_or(ReloadError::Draining)?;
        let source = self.source.clone();
        let settings = spawn_blocking(move || source.read()).await?;
        let settings = settings.map_err(ReloadError::Mistaken)?;
        let change = Change::prepare(self, running, settings)?;
        change.look_up(self).await;
        let opened = change.open(running).await?;
        let gone = opened.apply(self, running);
        running.close(gone).await;
        let generation = self.view.load().generation;
        Ok(Reloaded { generation })
    }
}

/// All that a reload changes, found good.
struct Change {
    settings: Settings,
    fronts: Vec<(Ready, Place)>,
}

/// Where connections are accepted.
enum Place {
    /// On an address that is open already, by its place among those.
    Kept(usize),
    /// On one that was bound for it.
    New(Listening),
}

impl Change {
    fn prepare(
        shared: &Shared,
        running: &Running,
        settings: Settings,
    ) -> Result<Self, ReloadError> {
        refuse_restarts(&running.settings, &settings)?;
        let wanted = wanted(&settings);
        bound::room(&settings, &wanted)?;
        let mut fronts = Vec::new();
        for wanted in wanted {
            let before = running.front(&wanted.name);
            fronts.push(wanted.ready(&shared.context, before.as_deref())?);
        }
        let places = places(&running.open, &settings, &fronts)?;
        Ok(Self {
            settings,
            fronts: fronts.into_iter().zip(places).collect(),
        })
    }

    /// Looks after what is new, so that it is known when the first connection comes.
    async fn look_up(&self, shared: &Shared) {
        let readies = self.fronts.iter().map(|(ready, _)| ready);
        readies.for_each(|ready| ready.keep(&shared.upkeep));
        shared.upkeep.look_up(FIRST_LOOK_UP).await;
    }

    /// Accepts on the new addresses, the last step that can fail.
    async fn open(self, running: &Running) -> Result<Opened, AcceptError> {
        let mut fronts = Vec::new();
        for (ready, place) in self.fronts {
            match place.open(running, &ready) {
                Ok(open) => fronts.push((ready, open)),
                Err(error) => {
                    let opened = fronts.into_iter().filter_map(|(_, open)| open.ok());
                    running.close(opened.collect()).await;
                    return Err(error);
                }
            }
        }
        Ok(Opened {
            settings: self.settings,
            fronts,
        })
    }
}

impl Place {
    /// Accepts on it; where it is open already, its place among those.
    fn open(self, running: &Running, ready: &Ready) -> Result<Result<Open, usize>, AcceptError> {
        match self {
            Self::Kept(at) => Ok(Err(at)),
            Self::New(listening) => Open::new(&running.workers, ready, listening).map(Ok),
        }
    }
}

/// All that a reload changes, when nothing can fail any more.
struct Opened {
    settings: Settings,
    fronts: Vec<(Ready, Result<Open, usize>)>,
}

impl Opened {
    /// Changes all of it; the addresses that are to be closed.
    fn apply(self, shared: &Shared, running: &mut Running) -> Vec<Open> {
        let mut before: Vec<_> = running.open.drain(..).map(Some).collect();
        for (ready, open) in self.fronts {
            let kept = |at: usize| before[at].take().expect("kept for one front");
            let mut open = open.unwrap_or_else(kept);
            open.name = Arc::clone(&ready.front.name);
            open.door.lead_to(Arc::clone(&ready.front));
            ready.apply();
            running.open.push(open);
        }
        running.settings = self.settings;
        shared.show(running);
        before.into_iter().flatten().collect()
    }
}

impl Shared {
    fn show(&self, running: &Running) {
        let generation = self.view.load().generation + 1;
        let named = |open: &Open| open.door.front().named(open.address);
        self.pools.replace(running.open.iter().map(named).collect());
        self.view
            .store(Arc::new(View::of(generation, &running.open)));
        self.context.metrics().set_generation(generation);
    }
}

impl Running {
    fn front(&self, name: &str) -> Option<Arc<Front>> {
        let open = self.open.iter().find(|open| *open.name == *name)?;
        Some(open.door.front())
    }

    async fn close(&self, gone: Vec<Open>) {
        for open in gone {
            // One that is not closed by then closes by itself.
            let _ = timeout(CLOSE_WAIT, self.workers.close(open.id)).await;
        }
    }
}

/// What is made once, at the start, must be as it was.
fn refuse_restarts(old: &Settings, new: &Settings) -> Result<(), ReloadError> {
    let sections = [
        ("workers", old.workers == new.workers),
        ("[admin]", old.admin == new.admin),
        ("[relay]", old.relay == new.relay),
        ("[limits]", old.limits == new.limits),
        ("[log]", old.log == new.log),
    ];
    let changed = sections.into_iter().filter(|(_, is_same)| !is_same);
    let changed: Vec<_> = changed.map(|(section, _)| section.to_owned()).collect();
    match changed.is_empty() {
        true => Ok(()),
        false => Err(ReloadError::Restart(changed)),
    }
}

/// Where each of `fronts` is to be: addresses that stay keep their sockets, also under another
/// name; the others are bound.
fn places(open: &[Open], settings: &Settings, fronts: &[Ready]) -> Result<Vec<Place>, ReloadError> {
    let place = |ready: &Ready| match open.iter().position(|open| is_for(open, ready)) {
        Some(at) if open[at].listen.backlog != ready.listen.backlog => {
            let key = format!("the backlog of {}", ready.front.name);
            Err(ReloadError::Restart(vec![key]))
        }
        Some(at) => Ok(Place::Kept(at)),
        None => Ok(Place::New(bound::bind(settings, ready)?)),
    };
    fronts.iter().map(place).collect()
}

fn is_for(open: &Open, ready: &Ready) -> bool {
    let address = ready.listen.address;
    // Of several that took any free port, each keeps its own.
    open.listen.address == address && (address.port() != 0 || open.name == ready.front.name)
}
