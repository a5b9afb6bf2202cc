//! What the clones of a pool share, and what happens to it.

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::build::{self, BuildError, Clients};
use super::event::PoolEvent;
use super::hearing::Listeners;
use super::mind::Drain;
use super::options::{EndpointOptions, PoolOptions};
use super::past::{Departed, Past};
use super::recall::Told;
use super::state_file::{self, Found, Remembered, Senseless, StateFileError};
use super::watch::check_tls;
use super::{Endpoint, Upkeep, past};
use crate::choice::{Cause, Choice, HealthPolicy, Member};
use crate::probe::{CheckOptions, Probe, SubjectTls, Watch};

/// What the clones of a pool share.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) name: Arc<str>,
    state: Mutex<State>,
    pub(super) listeners: Listeners,
    /// Made for the first who listens, as of most pools nobody does.
    pub(super) recalls: OnceLock<watch::Sender<Told>>,
    /// Itself, for the tasks that go on as long as somebody has the pool.
    pub(super) me: Weak<Inner>,
    /// What is due, or what must be kept, is another. Shared with the task that waits for it.
    pub(super) wake: Arc<Notify>,
    /// One writer of the state file at a time.
    pub(super) kept: Mutex<Kept>,
    pub(super) upkeep: OnceLock<Upkeep>,
    pub(super) moves: [[AtomicU64; Cause::ALL.len()]; 2],
    pub(super) spilled: AtomicU64,
}

/// What the state file holds, as far as anybody knows.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Where it is, and what was written last.
    pub(super) there: Option<(PathBuf, Remembered)>,
    /// What was found there and is no state.
    pub(super) senseless: Option<Senseless>,
}

/// What changes; locked for moments only, never over an await.
#[derive(Debug)]
pub(super) struct State {
    pub(super) choice: Choice,
    /// In the order of the choice's.
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    /// The same; empty until the pool is started.
    pub(super) watches: Vec<Watch>,
    /// The same: TLS of its checks, where that is not its own.
    pub(super) check_tls: Vec<Option<SubjectTls>>,
    /// Shared with whoever read them.
    pub(super) options: Arc<PoolOptions>,
    /// Endpoints that a reload took out while sessions of theirs go on.
    pub(super) departed: Vec<Departed>,
    pub(super) random: fastrand::Rng,
    pub(super) last_move: Option<PoolEvent>,
    /// A task waits for what is due.
    pub(super) is_minded: bool,
    /// Something that must survive a restart may have changed.
    pub(super) is_unkept: bool,
    /// A reload took the pool out: sessions of it go on, and it decides nothing any more, as another may
    /// be in its place, with the same sessions and the same state file.
    pub(super) is_retired: bool,
    pub(super) state_file_error: Option<Arc<str>>,
    /// Sessions that are being ended little by little.
    pub(super) drains: Vec<Drain>,
}

impl Inner {
    pub(super) fn new(options: Arc<PoolOptions>, past: &Past) -> Result<Arc<Self>, BuildError> {
        options.validate()?;
        let mut clients = Clients::default();
        let endpoints = build::endpoints(&options, &[], &past.departed, &mut clients)?;
        let check_tls = check_tls(&options, &mut clients)?;
        let now = Instant::now().into_std();
        let (policy, health) = (options.policy.clone(), health(&options.check));
        let mut choice = Choice::new(members(&options), policy, health, now);
        let name: Arc<str> = options.name.as_str().into();
        let kept = Kept::load(options.state_file.as_ref(), &name)?;
        let last_move = kept.restore(&mut choice, now);
        // What was in force here counts more than what a file says.
        if past.has_decisions() {
            choice.restore(&past.memory, now);
        }
        number(&endpoints);
        let mut departed = past.departed.clone();
        past::depart(&mut departed, &[], &endpoints);
        let state = State {
            choice,
            endpoints,
            watches: Vec::new(),
            check_tls,
            random: fastrand::Rng::new(),
            last_move,
            is_minded: false,
            is_retired: false,
            // What is not there yet, or is otherwise there, is written once the pool is started.
            is_unkept: options.state_file.is_some()
                && (kept.there.is_none() || past.has_decisions()),
            state_file_error: None,
            drains: Vec::new(),
            departed,
            options,
        };
        Ok(Arc::new_cyclic(|me| Self {
            name,
            state: Mutex::new(state),
            listeners: Listeners::default(),
            recalls: OnceLock::new(),
            me: Weak::clone(me),
            wake: Arc::default(),
            kept: Mutex::new(kept),
            upkeep: OnceLock::new(),
            moves: Default::default(),
            spilled: AtomicU64::new(0),
        }))
    }

    pub(super) fn start(&self, upkeep: &Upkeep) {
        if self.upkeep.set(upkeep.clone()).is_err() {
            return;
        }
        let mut state = self.state();
        state.endpoints.iter().for_each(|it| it.keep(upkeep));
        state
            .check_tls
            .iter()
            .flatten()
            .for_each(|it| upkeep.watch(it.client.files()));
        state.watches = self.watches(&state, upkeep);
        // What was restored may have to move at once.
        self.tick_on(&mut state);
        self.mind(&mut state);
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn load(path: Option<&PathBuf>, pool: &Arc<str>) -> Result<Self, StateFileError> {
        let mut kept = Self::default();
        let Some(path) = path else { return Ok(kept) };
        match state_file::load(path, pool)? {
            Found::Nothing => {}
            Found::Remembered(remembered) => kept.there = Some((path.clone(), remembered)),
            Found::Senseless(senseless) => kept.senseless = Some(senseless),
        }
        Ok(kept)
    }

    /// Lets `choice` go on from what was remembered; how that tier became active.
    fn restore(&self, choice: &mut Choice, now: std::time::Instant) -> Option<PoolEvent> {
        let (_, Remembered { memory, last_move }) = self.there.as_ref()?;
        let is_there = choice.restore(memory, now);
        last_move.clone().filter(|_| is_there)
    }
}

pub(super) fn number(endpoints: &[Arc<Endpoint>]) {
    for (place, endpoint) in endpoints.iter().enumerate() {
        endpoint.set_place(Some(place));
    }
}

pub(super) fn is_checked(check: &CheckOptions) -> bool {
    check.probe != Some(Probe::None)
}

pub(super) fn health(check: &CheckOptions) -> HealthPolicy {
    HealthPolicy {
        is_checked: is_checked(check),
        rise: check.rise,
        fall: check.fall,
        fast_interval: check.fast_interval,
    }
}

pub(super) fn members(options: &PoolOptions) -> Vec<Vec<Member>> {
    let member = |endpoint: &EndpointOptions| Member {
        name: endpoint.name().into(),
        weight: endpoint.weight,
        max_connections: endpoint.max_connections,
        health: endpoint.check.as_ref().map(health),
    };
    let tier = |tier: &Vec<EndpointOptions>| tier.iter().map(member).collect();
    options.tiers.iter().map(tier).collect()
}
