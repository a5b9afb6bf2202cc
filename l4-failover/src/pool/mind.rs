//! What is due: waited for beside the connections, as long as there is a pool.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

use super::Upkeep;
use super::inner::{Inner, State};
use super::session::{Cut, Signal};
use crate::choice::Event;
use crate::error::with_causes;

/// A state file that could not be written is tried again after this.
const KEEP_AGAIN: Duration = Duration::from_secs(5);

impl Inner {
    /// Sees to it that what is due happens, and that what must be kept is kept.
    pub(super) fn mind(&self, state: &mut State) {
        let Some(upkeep) = self.upkeep.get() else {
            return;
        };
        if state.is_minded {
            self.wake.notify_one();
        } else if self.is_waiting(state) {
            state.is_minded = true;
            let (me, wake) = (Weak::clone(&self.me), Arc::clone(&self.wake));
            upkeep.runtime().spawn(mind(me, wake));
        }
    }

    fn is_waiting(&self, state: &State) -> bool {
        let is_unkept = state.is_unkept && state.options.state_file.is_some();
        !state.is_retired && (is_unkept || state.choice.due(Instant::now().into_std()).is_some())
    }

    /// Does what is due. Whether there is more to wait for, and until when.
    fn tick(&self) -> Option<Option<Instant>> {
        let mut state = self.state();
        self.tick_on(&mut state);
        let now = Instant::now();
        state.is_minded = self.is_waiting(&state);
        let due = state.choice.due(now.into_std()).map(Instant::from_std);
        let again = state.is_unkept.then(|| now + KEEP_AGAIN);
        state
            .is_minded
            .then_some([due, again].into_iter().flatten().min())
    }

    pub(super) fn tick_on(&self, state: &mut State) {
        if state.is_retired {
            return;
        }
        let changes = state.choice.observe(Event::Tick, Instant::now().into_std());
        self.apply(state, &changes);
    }
}

/// Does what is due and keeps what must be kept, until nothing waits or the pool is gone.
async fn mind(pool: Weak<Inner>, wake: Arc<Notify>) {
    while let Some(inner) = pool.upgrade() {
        // What went wrong before was said.
        let is_new = inner.state().state_file_error.is_none();
        if let Err(error) = inner.keep().await
            && is_new
        {
            let error = with_causes(&error);
            warn!(target: "pool", pool = %inner.name, error, "a restart will forget what changed");
        }
        let Some(due) = inner.tick() else { return };
        drop(inner);
        let wait = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = wait => {}
            () = wake.notified() => {}
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Lets the task that waits find that the pool is gone.
        self.wake.notify_one();
    }
}

/// Sessions that are being ended little by little.
#[derive(Debug)]
pub(super) struct Drain {
    why: Cut,
    /// The endpoints that they are on.
    endpoints: Vec<Arc<str>>,
    task: AbortHandle,
}

impl Drain {
    pub(super) fn start(
        upkeep: &Upkeep,
        (endpoints, signals): (Vec<Arc<str>>, Vec<Weak<Signal>>),
        within: Duration,
        why: Cut,
    ) -> Self {
        let task = upkeep.runtime().spawn(drain(signals, within, why));
        Self {
            why,
            endpoints,
            task: task.abort_handle(),
        }
    }

    /// Whether sessions are still to be ended.
    pub(super) fn goes_on(&self) -> bool {
        !self.task.is_finished()
    }

    /// Whether it ends sessions of this endpoint, for a tier that was left or else for its own
    /// sake.
    pub(super) fn is_of(&self, endpoint: &str, for_tier: bool) -> bool {
        let is_for_tier = self.why != Cut::EndpointDown;
        is_for_tier == for_tier && self.endpoints.iter().any(|it| **it == *endpoint)
    }

    /// What is left of them goes on: what they are on is in use again.
    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

/// Ends sessions one after the other, spread evenly.
async fn drain(signals: Vec<Weak<Signal>>, within: Duration, why: Cut) {
    let (began, all) = (Instant::now(), signals.len());
    for (nth, signal) in (1_u32..).zip(signals) {
        // To the time of each, not for a time: waits are longer than they are told.
        let share = f64::from(nth) / all as f64;
        sleep_until(began + within.mul_f64(share)).await;
        cut(&signal, why);
    }
}

pub(super) fn cut(signal: &Weak<Signal>, why: Cut) {
    if let Some(signal) = signal.upgrade() {
        signal.cut(why);
    }
}
