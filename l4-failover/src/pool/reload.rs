//! A pool is made of something else while it is used.

use std::ptr;
use std::sync::Arc;

use tokio::time::Instant;

use super::build::{self, BuildError, Clients};
use super::inner::{self, Inner, State};
use super::options::PoolOptions;
use super::watch::check_tls;
use super::{Endpoint, Upkeep, past, state_file};
use crate::probe::SubjectTls;

/// What a pool is to be made of, read and found good. Dropped, it changes nothing.
#[derive(Debug)]
pub struct Prepared {
    inner: Arc<Inner>,
    options: Arc<PoolOptions>,
    before: Vec<Arc<Endpoint>>,
    endpoints: Vec<Arc<Endpoint>>,
    check_tls: Vec<Option<SubjectTls>>,
}

impl Inner {
    /// Whether a reload with `options` would find all as it is. Whether a state file can be written is
    /// found out by each reload: where there is one, this is never so.
    pub(super) fn is_made_of(&self, options: &PoolOptions) -> bool {
        if options.state_file.is_some() {
            return false;
        }
        let before = &*self.state().options;
        // Whoever read both may have found that they are the same.
        ptr::eq(before, options) || before == options
    }
}

impl Prepared {
    pub(super) fn new(inner: &Arc<Inner>, options: Arc<PoolOptions>) -> Result<Self, BuildError> {
        options.validate()?;
        let mut clients = Clients::default();
        let (before, departed) = {
            let state = inner.state();
            (state.endpoints.clone(), state.departed.clone())
        };
        let endpoints = build::endpoints(&options, &before, &departed, &mut clients)?;
        let check_tls = check_tls(&options, &mut clients)?;
        if let Some(path) = &options.state_file {
            // What is in force now counts, not what is there; only whether it can be written.
            state_file::check(path)?;
        }
        Ok(Self {
            inner: Arc::clone(inner),
            options,
            before,
            endpoints,
            check_tls,
        })
    }

    /// The pool is made of this from here on.
    pub fn apply(self) {
        let inner = Arc::clone(&self.inner);
        let now = Instant::now().into_std();
        let mut state = inner.state();
        let (left, on_it) = inner.left(&state, state.choice.active());
        let (members, health) = (
            inner::members(&self.options),
            inner::health(&self.options.check),
        );
        let policy = self.options.policy.clone();
        let (choice, changes) = state.choice.reconfigured(members, policy, health, now);
        state.endpoints.iter().for_each(|it| it.set_place(None));
        inner::number(&self.endpoints);
        state.choice = choice;
        self.keep(&mut state);
        for change in &changes.endpoints {
            inner.endpoint_changed(&mut state, change);
        }
        if let Some(moved) = changes.moved {
            inner.moved(&mut state, &moved, left);
            // Those of endpoints that went away go on.
            let stay = on_it.into_iter().filter(|it| it.place().is_some());
            inner.end_left(&mut state, &moved, &Vec::from_iter(stay));
        }
        inner.forced(&state, changes.forced);
        state.is_unkept = true;
        inner.mind(&mut state);
    }

    fn keep(self, state: &mut State) {
        past::depart(&mut state.departed, &state.endpoints, &self.endpoints);
        state.endpoints = self.endpoints;
        state.check_tls = self.check_tls;
        state.options = self.options;
        let Some(upkeep) = self.inner.upkeep.get() else {
            return;
        };
        for endpoint in &state.endpoints {
            match self.before.iter().find(|old| old.is(endpoint)) {
                None => endpoint.keep(upkeep),
                // Its name is looked up already; its certificates are others.
                Some(old) if old.options().tls != endpoint.options().tls => {
                    endpoint.watch_files(upkeep);
                }
                Some(_) => {}
            }
        }
        watch_check(upkeep, state);
        // The old watches are dropped after the new are there: no series of checks ends.
        let _before = std::mem::take(&mut state.watches);
        state.watches = self.inner.watches(state, upkeep);
    }
}

fn watch_check(upkeep: &Upkeep, state: &State) {
    let check = state.check_tls.iter().flatten();
    check.for_each(|it| upkeep.watch(it.client.files()));
}
