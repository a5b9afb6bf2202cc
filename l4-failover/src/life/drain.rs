//! The way out: new clients are told to go elsewhere, sessions come to their ends.

use std::future::Future;

use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::Doors;
use crate::config::Drain;
use crate::process::notify;
use crate::socket::workers::Serve;

/// How the process stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Sessions that were still open at the end, and were reset.
    pub forced: usize,
}

/// Waits for `stop`, a signal, or until an operator has `commanded` to drain; what cuts the drain
/// short from here on. After a command that is not the first signal, by which a supervisor only says
/// the same.
pub async fn told_to_drain(
    stop: impl Future<Output = ()>,
    commanded: impl Future<Output = ()>,
    force: impl Future<Output = ()>,
) -> impl Future<Output = ()> {
    let mut stop = Box::pin(stop);
    let is_signal = tokio::select! {
        () = &mut stop => true,
        () = commanded => false,
    };
    async move {
        if !is_signal {
            stop.await;
            info!("draining already; another signal ends it at once");
        }
        force.await;
    }
}

/// Waits until what is `before` the drain is done, or `force` cuts the wait short, which cuts short
/// what comes after it as well: what is returned for it.
pub async fn unless_forced(
    force: impl Future<Output = ()>,
    before: impl Future<Output = ()>,
) -> impl Future<Output = ()> {
    let mut force = Box::pin(force);
    let is_forced = tokio::select! {
        biased;
        () = &mut force => true,
        () = before => false,
    };
    async move {
        if !is_forced {
            force.await;
        }
    }
}

impl<S: Serve> Doors<S> {
    /// Accepts for as long as it takes to announce the end, then what is queued where nobody else
    /// will, and waits for sessions to end until the deadline; `force` cuts all of it short. What
    /// is left is reset.
    pub async fn drain(self, drain: Drain, force: impl Future<Output = ()>) -> Stopped {
        let Drain { announce, deadline } = drain;
        let sessions = self.service().live().len();
        info!(sessions, ?announce, ?deadline, "draining");
        let said = format!("draining; {sessions} sessions are open");
        // Both at once: a supervisor that is slow takes nothing of the time.
        let in_order = async {
            tokio::join!(
                notify::stopping(&said, announce + deadline),
                self.end_in_order(drain)
            )
        };
        tokio::select! {
            _ = in_order => {}
            () = force => {}
        }
        let forced = self.service().live().len();
        if forced > 0 {
            warn!(sessions = forced, "resetting the sessions that are left");
        }
        let workers = self.into_workers();
        // In a thread of its own: it waits for threads.
        let _ = tokio::task::spawn_blocking(|| workers.end()).await;
        notify::status(&format!("stopped; {forced} sessions were reset")).await;
        Stopped { forced }
    }

    async fn end_in_order(&self, drain: Drain) {
        sleep(drain.announce).await;
        let ended = async {
            self.stop_accepting().await;
            self.service().live().emptied().await;
        };
        // Who is left at the deadline is counted by the caller.
        let _ = timeout(drain.deadline, ended).await;
    }
}
