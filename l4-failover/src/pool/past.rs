//! What is left of endpoints and pools that a change of the configuration took out: their sessions go
//! on, and an operator's decisions hold, so that who comes back is who it was.

use std::sync::{Arc, Weak};

use super::Endpoint;
use super::inner::State;
use super::session::Sessions;
use crate::choice::Memory;

/// Endpoints of a pool that are gone and have sessions: so many, the last that went. Each has at
/// least one open connection; where a file renames more than these under load, some old sessions do
/// not count among those of an endpoint that comes back, and nothing else is lost.
const DEPARTED_MAX: usize = 256;

/// Pools that are gone and left something to remember: so many, the last that went.
const RETIRED_MAX: usize = 256;

/// An endpoint that is gone while sessions of it go on: they keep it, not this.
#[derive(Clone, Debug)]
pub(super) struct Departed {
    pub(super) name: Arc<str>,
    sessions: Weak<Sessions>,
}

impl Departed {
    fn of(endpoint: &Arc<Endpoint>) -> Self {
        Self {
            name: Arc::clone(endpoint.name()),
            sessions: Arc::downgrade(endpoint.sessions()),
        }
    }

    /// Its sessions; none any more, if all of them have ended.
    pub(super) fn sessions(&self) -> Arc<Sessions> {
        self.sessions.upgrade().unwrap_or_default()
    }

    fn has_sessions(&self) -> bool {
        let sessions = self.sessions.upgrade();
        sessions.is_some_and(|it| it.count() > 0)
    }
}

/// Adds those of `before` to `departed` that are not among `now`, and takes those out that are, or
/// whose sessions have ended.
pub(super) fn depart(
    departed: &mut Vec<Departed>,
    before: &[Arc<Endpoint>],
    now: &[Arc<Endpoint>],
) {
    departed.extend(before.iter().map(Departed::of));
    let is_here = |it: &Departed| now.iter().any(|here| *here.name() == it.name);
    departed.retain(|it| !is_here(it) && it.has_sessions());
    let beyond = departed.len().saturating_sub(DEPARTED_MAX);
    departed.drain(..beyond);
}

/// What is left of a pool that was [retired](crate::Pool::retire).
#[derive(Clone, Debug, Default)]
pub struct Past {
    pub(super) departed: Vec<Departed>,
    pub(super) memory: Memory,
}

impl Past {
    pub(super) fn of(state: &State) -> Self {
        let mut departed = state.departed.clone();
        depart(&mut departed, &state.endpoints, &[]);
        Self {
            departed,
            memory: state.choice.memory(),
        }
    }

    /// Whether an operator has decided something that still holds.
    pub(super) fn has_decisions(&self) -> bool {
        let memory = &self.memory;
        memory.is_held || memory.is_forced || !memory.maintenance.is_empty()
    }

    fn is_worth_keeping(&self) -> bool {
        self.has_decisions() || self.departed.iter().any(Departed::has_sessions)
    }
}

/// What is left of the pools that are gone, by what tells them apart, until they come back: of the
/// last 256 that had open sessions when they went, or something that an operator had decided. Such a
/// decision is remembered however long the pool is gone; after a restart, by its state file alone.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use l4_failover::{Pool, Retired};
/// let pool = Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
/// pool.maintenance("127.0.0.1:9000", Some("a new disk")).await?;
/// let mut retired = Retired::default();
/// retired.settle(|_| false, [("orders", pool.retire())]);
///
/// let past = retired.find(&"orders").ok_or("it is remembered")?;
/// let pool = Pool::after(pool.options(), past)?;
/// assert_eq!(pool.status().active, 1); // the primary is in maintenance still
/// retired.settle(|name| *name == "orders", []);
/// assert!(retired.find(&"orders").is_none());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Retired<K>(Vec<(K, Past)>);

impl<K> Default for Retired<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: PartialEq> Retired<K> {
    /// What is left of this one.
    #[must_use]
    pub fn find(&self, key: &K) -> Option<&Past> {
        let mut all = self.0.iter();
        all.find(|(of, _)| of == key).map(|(_, past)| past)
    }

    /// Those that are here (`is_here`) are no longer past; those of `gone` are from now on. For want of
    /// room, who has been gone for longest is forgotten.
    pub fn settle(
        &mut self,
        is_here: impl Fn(&K) -> bool,
        gone: impl IntoIterator<Item = (K, Past)>,
    ) {
        self.0.extend(gone);
        self.0
            .retain(|(key, past)| !is_here(key) && past.is_worth_keeping());
        let beyond = self.0.len().saturating_sub(RETIRED_MAX);
        self.0.drain(..beyond);
    }
}
