//! `l4-failover` on threads of its own, through the library.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use l4_failover::app::{Bound, Stopped};
use l4_failover::process::log::LostLines;
use l4_failover::settings::Source;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// Starting and stopping take milliseconds.
const START_MAX: Duration = Duration::from_secs(5);
const STOP_MAX: Duration = Duration::from_secs(3);
/// By the time it is told to stop, no session is left; any that is gets reset after this.
const GRACE: Duration = Duration::from_secs(1);

/// An `l4-failover` that runs. If it is dropped it stops as well, but nobody waits for it.
#[derive(Debug)]
pub(crate) struct Process {
    addresses: BTreeMap<String, SocketAddr>,
    stop: Sender<()>,
    thread: JoinHandle<Result<Stopped>>,
}

impl Process {
    /// Starts what the configuration `file` describes.
    pub(crate) async fn start(file: &Path) -> Result<Self> {
        let source = Source::File(file.to_owned());
        let bound = Bound::bind(source.read()?, source, LostLines::default())?;
        let addresses = addresses(&bound.to_string());
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("l4-failover".to_owned())
            .spawn(move || run(bound, ready, stopped))?;
        let is_ready = timeout(START_MAX, is_ready).await;
        is_ready.context("l4-failover does not start")??;
        Ok(Self {
            addresses,
            stop,
            thread,
        })
    }

    /// Where a port listens, or operators are served: `admin`.
    pub(crate) fn address(&self, name: &str) -> Result<SocketAddr> {
        let address = self.addresses.get(name).copied();
        address.with_context(|| format!("l4-failover is not ready for {name}"))
    }

    /// Stops it, and waits until all its threads have ended.
    pub(crate) async fn stop(self) -> Result<Stopped> {
        // Should it have ended already, its thread says why.
        let _ = self.stop.send(());
        let joined = timeout(STOP_MAX, spawn_blocking(|| self.thread.join())).await;
        let joined = joined.context("l4-failover does not stop")?;
        joined?.map_err(|_| anyhow!("l4-failover panicked"))?
    }
}

/// What the line says that it prints when all is bound: `ready NAME=ADDR … admin=ADDR`.
fn addresses(ready: &str) -> BTreeMap<String, SocketAddr> {
    let words = ready.split(' ').filter_map(|word| word.split_once('='));
    let addresses = words.filter_map(|(name, address)| Some((name.into(), address.parse().ok()?)));
    addresses.collect()
}

fn run(bound: Bound, ready: Sender<()>, stopped: Receiver<()>) -> Result<Stopped> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let stop = async {
        // An error means that the sender is gone: it is time to stop as well.
        let _ = stopped.await;
    };
    let force = async { sleep(GRACE).await };
    runtime.block_on(async {
        let app = bound.start().await?;
        // Whoever waited may have given up.
        let _ = ready.send(());
        Ok(app.run(stop, force).await)
    })
}
