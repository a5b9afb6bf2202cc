//! The thread of a worker, and the runtime that it drives.

use std::io;
use std::thread::{Builder as Thread, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

/// Shorter than the bounds on time that every connection has.
const HEARTBEAT: Duration = Duration::from_millis(250);

/// A worker's runtime, until it runs. The workers are started from within another runtime, where
/// dropping one the ordinary way, when starting fails, would panic.
pub(super) struct Core {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Core {
    pub(super) fn new() -> io::Result<Self> {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_io().enable_time().build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Runs in a thread of its own, until what is returned beside it is dropped.
    pub(super) fn start(self, worker: usize) -> io::Result<(JoinHandle<()>, oneshot::Sender<()>)> {
        let (end, ended) = oneshot::channel();
        let thread = Thread::new().name(format!("worker-{worker}"));
        Ok((thread.spawn(move || self.run(ended))?, end))
    }

    /// Runs until the end, then drops the connections that are still open.
    fn run(mut self, ended: oneshot::Receiver<()>) {
        if let Some(runtime) = self.runtime.take() {
            runtime.block_on(live(ended));
        }
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Keeps a worker's runtime going until its end.
///
/// A timer that is due before every other makes the runtime wake itself through its event queue,
/// which is two system calls; one that is always due sooner than a connection's saves them.
async fn live(mut ended: oneshot::Receiver<()>) {
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // An error means that the sender is gone: it is time to end as well.
            _ = &mut ended => return,
            _ = heartbeat.tick() => {}
        }
    }
}
