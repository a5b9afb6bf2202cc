//! One reload at a time, and none once the process is on its way out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::{info, warn};

use super::{Process, ReloadError, Reloaded};
use crate::process::notify;

/// A file system that answers has given a few files long before; of one that does not, an operator
/// wants to know while he looks.
const READ_WAIT: Duration = Duration::from_secs(10);

/// The reloads of a process. Clones are those of the same process.
///
/// Each has its turn: what a supervisor is told of one, that it began and what came of it, stands
/// together. The end of the process never waits for one: it is given up, whatever it waits for.
#[derive(Clone, Debug, Default)]
pub struct Reloads(Arc<Turns>);

#[derive(Debug, Default)]
struct Turns {
    /// Whoever has it reloads, and tells of it.
    turn: Mutex<()>,
    /// Whoever has it reads files: a thread that hangs cannot be ended, so there is one at most.
    reading: Arc<Mutex<()>>,
    has_ended: watch::Sender<bool>,
}

impl Reloads {
    /// Carries out `reload` of `process` when it is its turn, in a task of its own: whoever asked for
    /// it may go away in the middle. What came of it is logged, and told to a supervisor.
    ///
    /// # Errors
    ///
    /// Those of `reload`; [`ReloadError::Draining`] once the reloads have [ended](Self::end).
    pub async fn told(
        &self,
        process: impl Process,
        reload: impl Future<Output = Result<Reloaded, ReloadError>> + Send + 'static,
    ) -> Result<Reloaded, ReloadError> {
        let reloads = self.clone();
        tokio::spawn(async move { reloads.in_turn(&process, reload).await }).await?
    }

    async fn in_turn(
        &self,
        process: &impl Process,
        reload: impl Future<Output = Result<Reloaded, ReloadError>> + Send + 'static,
    ) -> Result<Reloaded, ReloadError> {
        let turn = self.unless_ended(self.0.turn.lock()).await;
        let Some(_turn) = turn else {
            warn!("the process is draining and reloads nothing");
            return Err(ReloadError::Draining);
        };
        notify::reloading().await;
        let reloaded = tokio::spawn(reload).await;
        let reloaded = reloaded.map_err(ReloadError::from).flatten();
        say(process, &reloaded).await;
        reloaded
    }

    /// What `waited` comes to; none once the reloads have [ended](Self::end), for whatever it waits
    /// then.
    pub async fn unless_ended<T>(&self, waited: impl Future<Output = T>) -> Option<T> {
        let mut ended = self.0.has_ended.subscribe();
        tokio::select! {
            biased;
            _ = ended.wait_for(|has_ended| *has_ended) => None,
            value = waited => Some(value),
        }
    }

    /// Does what waits for files, on a thread of its own, and for a bounded time: the process goes on
    /// meanwhile, and where a file does not come, without it.
    ///
    /// # Errors
    ///
    /// Those of `read`; [`ReloadError::Slow`], and [`ReloadError::StillReading`] for as long as an
    /// earlier one is not done.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, ReloadError> + Send + 'static,
    ) -> Result<T, ReloadError> {
        let reading = Arc::clone(&self.0.reading).try_lock_owned();
        let reading = reading.map_err(|_| ReloadError::StillReading)?;
        let read = spawn_blocking(move || {
            let _reading = reading;
            read()
        });
        match timeout(READ_WAIT, read).await {
            Ok(read) => read?,
            Err(_) => Err(ReloadError::Slow(READ_WAIT)),
        }
    }

    /// No reload from here on. One that is under way is given up, and has said so when this returns.
    pub async fn end(&self) {
        self.0.has_ended.send_replace(true);
        let _turn = self.0.turn.lock().await;
    }
}

async fn say(process: &impl Process, reloaded: &Result<Reloaded, ReloadError>) {
    match reloaded {
        Ok(Reloaded { generation }) => {
            info!(generation, "the configuration was reloaded");
            notify::ready(&format!(
                "serving; generation {generation} of the configuration"
            ))
            .await;
        }
        Err(error) => {
            let (generation, error) = (process.generation(), error.sentence());
            warn!(
                generation,
                error, "the configuration was not reloaded; the old one stays"
            );
            notify::ready(&format!("serving with the old configuration: {error}")).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::sync::mpsc;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_file_that_does_not_come_is_waited_for_by_one_thread() {
        let (reloads, (give, file)) = (Reloads::default(), mpsc::channel::<()>());
        let hanging = reloads.read(move || file.recv().map_err(|_| ReloadError::NoFile));
        let mut hanging = Box::pin(hanging);
        assert!((&mut hanging).now_or_never().is_none());
        let second = reloads.read(|| Ok(())).await;
        assert!(matches!(second, Err(ReloadError::StillReading)));
        give.send(()).unwrap();
        hanging.await.unwrap();
        reloads.read(|| Ok(())).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_given_up_after_a_while() {
        let reloads = Reloads::default();
        let is_over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&is_over);
        let hanging = reloads.read(move || {
            while !until.load(SeqCst) {
                std::thread::yield_now();
            }
            Ok(())
        });
        // A thread that works keeps the clock from going on by itself.
        let (hung, ()) = tokio::join!(hanging, tokio::time::advance(READ_WAIT));
        assert!(matches!(hung, Err(ReloadError::Slow(_))));
        is_over.store(true, SeqCst);
    }

    #[tokio::test]
    async fn the_end_gives_up_what_waits_and_lets_nothing_begin() {
        let reloads = Reloads::default();
        let waiting = reloads.unless_ended(std::future::pending::<()>());
        let ended = async { tokio::join!(waiting, reloads.end()).0 };
        assert_eq!(ended.await, None);
        assert_eq!(reloads.unless_ended(async {}).await, None);
    }
}
