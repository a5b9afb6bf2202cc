//! What is due: waited for beside the connections, as long as there is a pool.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

use super::inner::{Inner, State};
use super::session::{Cut, Signal};
use crate::choice::Event;

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
        is_unkept || state.choice.due(Instant::now().into_std()).is_some()
    }

    /// Does what is due. Whether there is more to wait for, and until when.
    fn tick(&self) -> Option<Option<Instant>> {
        let now = Instant::now().into_std();
        let mut state = self.state();
        let changes = state.choice.observe(Event::Tick, now);
        self.apply(&mut state, &changes);
        state.is_minded = self.is_waiting(&state);
        let due = state.choice.due(now).map(Instant::from_std);
        state.is_minded.then_some(due)
    }
}

/// Does what is due and keeps what must be kept, until nothing waits or the pool is gone.
async fn mind(pool: Weak<Inner>, wake: Arc<Notify>) {
    while let Some(inner) = pool.upgrade() {
        if let Err(error) = inner.keep().await {
            warn!(target: "pool", pool = %inner.name, %error, "a restart will forget what changed");
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

/// Ends sessions one after the other, spread evenly.
pub(super) async fn drain(signals: Vec<Weak<Signal>>, within: Duration, why: Cut) {
    let each = within / u32::try_from(signals.len()).unwrap_or(u32::MAX);
    for signal in signals {
        sleep(each).await;
        cut(&signal, why);
    }
}

pub(super) fn cut(signal: &Weak<Signal>, why: Cut) {
    if let Some(signal) = signal.upgrade() {
        signal.cut(why);
    }
}
