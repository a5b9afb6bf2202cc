//! The way out: new clients are told to go elsewhere, sessions come to their ends.

use std::future::Future;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::{info, warn};

use super::{App, Running};

/// How the process stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Sessions that were still open at the end, and were reset.
    pub forced: usize,
}

impl App {
    /// Says that the process is on its way out, stops accepting and waits for sessions to end, all
    /// until `force`; then resets what is left.
    pub(super) async fn wind_down(&self, force: impl Future<Output = ()>) -> Stopped {
        let context = &self.0.context;
        context.drain();
        // A reload that is under way comes to its end; it is the last.
        let Some(running) = self.0.running.lock().await.take() else {
            return Stopped { forced: 0 };
        };
        tokio::select! {
            () = self.end_in_order(&running) => {}
            () = force => {}
        }
        let forced = context.connections().len();
        if forced > 0 {
            warn!(sessions = forced, "resetting the sessions that are left");
        }
        let workers = running.workers;
        // In a thread of its own: it waits for threads.
        let _ = tokio::task::spawn_blocking(|| workers.end()).await;
        context.say_left_out();
        Stopped { forced }
    }

    async fn end_in_order(&self, running: &Running) {
        let live = self.0.context.connections();
        let drain = running.settings.drain;
        let announce = match &running.settings.admin {
            Some(_) => drain.announce,
            // Nobody could see it.
            None => Duration::ZERO,
        };
        let (sessions, deadline) = (live.len(), drain.deadline);
        info!(sessions, ?announce, ?deadline, "draining");
        sleep(announce).await;
        let ended = async {
            running.workers.stop_accepting().await;
            live.emptied().await;
        };
        // Who is left at the deadline is counted by the caller.
        let _ = timeout(deadline, ended).await;
    }
}
