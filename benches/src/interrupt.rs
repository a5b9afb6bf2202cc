//! Ctrl-C and SIGTERM: whatever is measured is given up, and proxies and files are put away.

use std::thread;

use anyhow::{Context, Result, bail};
use l4_failover::process::signals::Signals;
use tokio::runtime::Builder;
use tokio::sync::watch;

/// Knows whether somebody wants an end.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    /// Takes both signals from the kernel's hands, for the life of the process. A second one ends it
    /// at once.
    ///
    /// # Errors
    ///
    /// When the system refuses a handler, or a thread.
    pub fn watch() -> Result<Self> {
        let (come, seen) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_io().build()?;
        let signals = runtime.block_on(async { Signals::new() })?;
        let wait = async move {
            signals.next().await;
            come.send_replace(true);
            signals.next().await;
            std::process::exit(130);
        };
        let thread = thread::Builder::new().name("signals".into());
        thread.spawn(move || runtime.block_on(wait))?;
        Ok(Self(seen))
    }

    /// Does the work, unless it is interrupted.
    ///
    /// # Errors
    ///
    /// Those of the work; and when it is interrupted.
    pub async fn or<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut seen = self.0.clone();
        tokio::select! {
            done = work => done,
            come = seen.wait_for(|come| *come) => {
                come.context("nobody watches for signals")?;
                bail!("interrupted")
            }
        }
    }

    /// Whether it has come.
    #[must_use]
    pub fn has_come(&self) -> bool {
        *self.0.borrow()
    }
}
