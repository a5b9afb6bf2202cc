//! `l4-failover` and `mesh-gateway`, each on threads of its own, through the libraries.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use gateway::config::Config;
use l4_failover::life::Process as _;
use l4_failover::process::activation::Activated;
use l4_failover::process::log::LostLines;
use l4_failover::settings::Source;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Starting and stopping take milliseconds.
const START_MAX: Duration = Duration::from_secs(5);
const STOP_MAX: Duration = Duration::from_secs(3);
/// By the time a process is told to stop, no session is left; any that is gets reset after this.
const GRACE: Duration = Duration::from_secs(1);

/// One that runs. If it is dropped it stops as well, but nobody waits for it.
#[derive(Debug)]
pub(crate) struct Process {
    what: String,
    addresses: BTreeMap<String, SocketAddr>,
    stop: Sender<()>,
    force: Sender<()>,
    thread: JoinHandle<Result<usize>>,
}

/// What the process waits for and answers; who is at the other end may have given up.
struct Signals {
    ready: Sender<()>,
    stop: Receiver<()>,
    force: Receiver<()>,
}

impl Process {
    /// Starts `l4-failover` with the configuration `file`.
    pub(crate) async fn l4_failover(what: &str, file: &Path) -> Result<Self> {
        let source = Source::File(file.to_owned());
        let (loaded, activated) = (source.load()?, Activated::default());
        let bound = l4_failover::app::Bound::bind(loaded, activated, LostLines::default())?;
        // The line that the program prints when all is bound is how to learn the addresses.
        let ready = bound.to_string();
        let life = async move |signals: Signals| {
            let app = bound.start().await?;
            let _ = signals.ready.send(());
            let stopped = app.run(told(signals.stop), told(signals.force)).await;
            Ok(stopped.forced)
        };
        Self::start(what, &ready, life).await
    }

    /// Starts `mesh-gateway` with the configuration `text`.
    pub(crate) async fn gateway(what: &str, text: &str) -> Result<Self> {
        let config = Config::parse(&format!("{what}.toml"), text)?;
        let (activated, lost) = (Activated::default(), LostLines::default());
        let bound = gateway::app::Bound::bind(config, None, activated, lost)?;
        let ready = bound.to_string();
        let life = async move |signals: Signals| {
            let app = bound.start().await?;
            let _ = signals.ready.send(());
            let stopped = app.run(told(signals.stop), told(signals.force)).await;
            Ok(stopped.forced)
        };
        Self::start(what, &ready, life).await
    }

    async fn start(
        what: &str,
        ready: &str,
        life: impl AsyncFnOnce(Signals) -> Result<usize> + Send + 'static,
    ) -> Result<Self> {
        let (ready_tx, is_ready) = oneshot::channel();
        let ((stop, stop_rx), (force, force_rx)) = (oneshot::channel(), oneshot::channel());
        let signals = Signals {
            ready: ready_tx,
            stop: stop_rx,
            force: force_rx,
        };
        let thread = std::thread::Builder::new().spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(life(signals))
        })?;
        let is_ready = timeout(START_MAX, is_ready).await;
        is_ready.with_context(|| format!("{what} does not start"))??;
        Ok(Self {
            what: what.to_owned(),
            addresses: addresses(ready),
            stop,
            force,
            thread,
        })
    }

    /// Where one of its ports listens, or operators are served: `admin`.
    pub(crate) fn address(&self, name: &str) -> Result<SocketAddr> {
        let address = self.addresses.get(name).copied();
        address.with_context(|| format!("{} is not ready for {name}", self.what))
    }

    /// Stops it, and waits until all its threads have ended; how many sessions were left open.
    pub(crate) async fn stop(self) -> Result<usize> {
        self.end(GRACE).await
    }

    /// Ends it as if it was killed: its sessions are reset.
    pub(crate) async fn kill(self) -> Result<usize> {
        self.end(Duration::ZERO).await
    }

    async fn end(self, grace: Duration) -> Result<usize> {
        // Should it have ended already, its thread says why.
        let _ = self.stop.send(());
        let mut ended = spawn_blocking(|| self.thread.join());
        let joined = match timeout(grace, &mut ended).await {
            Ok(joined) => joined,
            Err(_) => {
                let _ = self.force.send(());
                let ended = timeout(STOP_MAX, ended).await;
                ended.with_context(|| format!("{} does not stop", self.what))?
            }
        };
        joined?.map_err(|_| anyhow!("{} panicked", self.what))?
    }
}

/// Ready when it is said, or when whoever could say it is gone.
async fn told(what: Receiver<()>) {
    let _ = what.await;
}

/// The addresses in the line `ready NAME=ADDR … admin=ADDR`.
fn addresses(ready: &str) -> BTreeMap<String, SocketAddr> {
    let words = ready.split(' ').filter_map(|word| word.split_once('='));
    let addresses = words.filter_map(|(name, address)| Some((name.into(), address.parse().ok()?)));
    addresses.collect()
}
