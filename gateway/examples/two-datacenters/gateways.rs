//! A gateway on threads of its own, through the library.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use gateway::app::{Bound, Stopped};
use gateway::config::Config;
use gateway::log::LostLines;
use l4_failover::admin::Address;
use l4_failover::life::Process;
use l4_failover::process::activation::Activated;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

/// Starting and stopping take milliseconds.
const START_MAX: Duration = Duration::from_secs(5);
const STOP_MAX: Duration = Duration::from_secs(3);
/// By the time a gateway is told to stop, no connection is left; any that is gets cut after this.
const GRACE: Duration = Duration::from_secs(1);

/// A gateway that runs. If it is dropped, the gateway stops as well, but nobody waits for it.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Its data centre.
    pub(crate) datacenter: &'static str,
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Where operators ask.
    pub(crate) admin: SocketAddr,
    stop: Sender<()>,
    thread: JoinHandle<Result<Stopped>>,
}

impl Gateway {
    /// Starts the gateway that `text`, a configuration file, describes.
    pub(crate) async fn start(datacenter: &'static str, text: &str) -> Result<Self> {
        let config = Config::parse(&format!("{datacenter}.toml"), text)?;
        let bound = Bound::bind(config, None, Activated::default(), LostLines::default())?;
        let listen = bound.addresses().next().context("no listener")?;
        let Some(&Address::Tcp(admin)) = bound.admin().map(|admin| admin.address()) else {
            bail!("the gateway of {datacenter} has no admin address");
        };
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(format!("gateway-{datacenter}"))
            .spawn(move || run(bound, ready, stopped))?;
        let is_ready = timeout(START_MAX, is_ready).await;
        is_ready.with_context(|| format!("the gateway of {datacenter} does not start"))??;
        Ok(Self {
            datacenter,
            listen,
            admin,
            stop,
            thread,
        })
    }

    /// Stops the gateway, and waits until all its threads have ended.
    pub(crate) async fn stop(self) -> Result<Stopped> {
        // Should it have ended already, its thread says why.
        let _ = self.stop.send(());
        let joined = timeout(STOP_MAX, spawn_blocking(|| self.thread.join())).await;
        let joined = joined.with_context(|| format!("gateway {} does not stop", self.datacenter));
        joined??.map_err(|_| anyhow!("gateway {} panicked", self.datacenter))?
    }
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
