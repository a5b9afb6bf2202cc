//! The gateway as a whole: bound, run, stopped.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use l4_failover::admin::{self, AdminError};
use l4_failover::process::descriptors::{self, Standing, TooFewDescriptors, raise_descriptors};
use l4_failover::socket::listen::{ListenError, Listening};
use l4_failover::socket::relay::RelayContext;
use l4_failover::socket::workers::{AcceptError, Workers};
use l4_failover::{Pool, PoolOptions, Upkeep};
use thiserror::Error;
use tokio::time::{interval, timeout};
use tracing::{info, warn};

use crate::admin::{Admin, Info};
use crate::config::{self, Config};
use crate::context::Context;
use crate::destination::Destination;
use crate::hello::{HelloBounds, HelloLimits};
use crate::live::Live;
use crate::log::{ConnectionLog, Connections, LostLines};
use crate::metrics::Metrics;
use crate::route::{BuildError, RouteKind, Routes};
use crate::worker::Listener;

/// Sessions may go on for this long once the process was told to stop.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// Endpoints' names are looked up before the first connection is accepted, for this long at most.
const FIRST_LOOK_UP: Duration = Duration::from_secs(2);

/// Why the gateway cannot start. Nothing is left half started.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The admin address cannot be served.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The routes cannot be built.
    #[error(transparent)]
    Routes(#[from] BuildError),
    /// A pool cannot be made: a file that it names cannot be had.
    #[error(transparent)]
    Pool(#[from] l4_failover::BuildError),
    /// More connections are configured than the process may open descriptors for.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// A thread or an event queue cannot be made.
    #[error("cannot start the workers")]
    Workers(#[source] io::Error),
    /// An address is bound, and its connections cannot be accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// Metrics cannot be made.
    #[error(transparent)]
    Metrics(#[from] prometheus::Error),
}

/// A gateway whose addresses are bound, and that serves nobody yet.
#[derive(Debug)]
pub struct Bound {
    context: Arc<Context>,
    listeners: Vec<(String, Listening)>,
    admin: Option<admin::Bound>,
    info: Info,
}

/// How a gateway stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that were still open when the grace was over, and were reset.
    pub forced: usize,
}

impl Bound {
    /// Binds every address of `config`, and prepares all else that can fail.
    ///
    /// # Errors
    ///
    /// [`StartError`]: a sentence that says what, and what to do.
    pub fn bind(config: &Config, lost: LostLines) -> Result<Self, StartError> {
        let connections_max = connections_max(config)?;
        let options = config.relay.tcp_options();
        let metrics = Metrics::new()?;
        let routes = routes(config, &metrics)?;
        let mut listeners = Vec::new();
        for listener in &config.listeners {
            let (address, backlog) = (listener.address, listener.backlog);
            let bound = Listening::bind(address, config.workers, backlog, &options)?;
            listeners.push((listener.name.clone(), bound));
        }
        let admin = config.admin.as_ref().map(admin::Bound::bind).transpose()?;
        let info = Info {
            datacenter: config.datacenter.clone(),
            workers: config.workers,
            listeners: listeners
                .iter()
                .map(|(name, bound)| (name.clone(), bound.address()))
                .collect(),
            connections_max,
        };
        let context = Context {
            hello: hello_limits(&config.hello),
            routes,
            replay_timeout: config.dial.timeout,
            relay: RelayContext::new(config.relay.limits(connections_max, config.workers)),
            live: Live::new(config.workers, connections_max),
            metrics,
            log: connection_log(&config.log),
            lost,
            stopping: AtomicBool::new(false),
        };
        Ok(Self {
            context: Arc::new(context),
            listeners,
            admin,
            info,
        })
    }

    /// The addresses that were bound, in the order of the configuration.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.listeners.iter().map(|(_, bound)| bound.address())
    }

    /// The admin address.
    #[must_use]
    pub fn admin(&self) -> Option<&admin::Bound> {
        self.admin.as_ref()
    }

    /// What all connections share.
    #[must_use]
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Serves until `stop`; then accepts what is queued, lets sessions go on until they have
    /// ended, `STOP_GRACE` is over or `force` is ready, and resets the rest. `ready` is called
    /// once connections are accepted.
    ///
    /// # Errors
    ///
    /// When a thread or its event queue cannot be made.
    pub async fn run(
        self,
        ready: impl FnOnce(),
        stop: impl Future<Output = ()>,
        force: impl Future<Output = ()>,
    ) -> Result<Stopped, StartError> {
        let context = self.context;
        let upkeep = Upkeep::new();
        for to in context.routes.destinations() {
            to.pool.start(&upkeep);
        }
        // Names that are not known by then are tried again, and their endpoints fail until then.
        upkeep.look_up(FIRST_LOOK_UP).await;
        let workers = Workers::start(Arc::clone(&context)).map_err(StartError::Workers)?;
        for (name, listening) in self.listeners {
            let accepted = context.metrics.accepted(&name);
            workers.listen(listening, Listener { name, accepted })?;
        }
        let admin = Admin::new(Arc::clone(&context), self.info);
        admin.count_pools()?;
        let admin = admin.serve(self.admin);
        let chores = async {
            tokio::join!(say_left_out(&context), admin);
        };
        let life = async {
            ready();
            stop.await;
            let forced = wind_down(&context, &workers, force).await;
            // In a thread of its own: it waits for threads.
            let _ = tokio::task::spawn_blocking(|| workers.end()).await;
            context.log.say_left_out();
            Stopped { forced }
        };
        tokio::select! {
            stopped = life => Ok(stopped),
            () = chores => unreachable!("chores never end"),
        }
    }
}

/// Stops accepting and waits for sessions to end; how many did not.
async fn wind_down(
    context: &Context,
    workers: &Workers<Context>,
    force: impl Future<Output = ()>,
) -> usize {
    context.stopping.store(true, Relaxed);
    info!(sessions = context.live.len(), grace = ?STOP_GRACE, "stopping");
    let ended = async {
        workers.stop_accepting().await;
        context.live.emptied().await;
    };
    tokio::select! {
        _ = timeout(STOP_GRACE, ended) => {}
        () = force => {}
    }
    let forced = context.live.len();
    if forced > 0 {
        warn!(sessions = forced, "resetting the sessions that are left");
    }
    forced
}

async fn say_left_out(context: &Context) {
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        context.log.say_left_out();
    }
}

/// The routes that `config` gives.
///
/// # Errors
///
/// [`StartError`]: two destinations claim one name, a name would be none, or a pool cannot be made.
pub fn routes(config: &Config, metrics: &Metrics) -> Result<Routes<Destination>, StartError> {
    let mut builder = Routes::builder(&config.datacenter, &config.name_patterns);
    let fallback = config.fallback.as_ref();
    for service in &config.services {
        let kind = RouteKind::Service;
        let to = Arc::new(destination(metrics, kind, &service.pool)?);
        builder.service(&service.name, &to)?;
        if let Some(fallback) = fallback.filter(|it| it.service == service.name) {
            builder.default(&to, fallback.without_name);
        }
    }
    for datacenter in &config.datacenters {
        let kind = RouteKind::Datacenter;
        let to = destination(metrics, kind, &datacenter.pool)?;
        builder.datacenter(&datacenter.name, &Arc::new(to))?;
    }
    Ok(builder.build()?)
}

fn destination(
    metrics: &Metrics,
    kind: RouteKind,
    pool: &PoolOptions,
) -> Result<Destination, l4_failover::BuildError> {
    Ok(Destination {
        name: pool.name.clone(),
        kind,
        pool: Pool::new(pool.clone())?,
        series: metrics.series(kind, &pool.name),
    })
}

/// How many connections may be open: as configured, or as many as descriptors allow.
fn connections_max(config: &Config) -> Result<usize, TooFewDescriptors> {
    let standing = Standing {
        workers: config.workers,
        listeners: config.listeners.len(),
        pipes: config.relay.pipes_max(),
        others: 0,
    };
    descriptors::connections_max(config.limits.connections, standing, raise_descriptors())
}

fn hello_limits(hello: &config::Hello) -> HelloLimits {
    HelloLimits {
        bounds: HelloBounds {
            handshake_bytes: hello.bytes,
            raw_bytes: hello.raw_bytes,
        },
        deadline: hello.timeout,
    }
}

fn connection_log(log: &config::Log) -> ConnectionLog {
    let which = match log.connections {
        config::ConnectionLog::All => Connections::All,
        config::ConnectionLog::Failures => Connections::Failures,
        config::ConnectionLog::Off => Connections::Off,
    };
    ConnectionLog::new(which, log.refusals_per_second)
}

/// The line that says that all is bound: `ready NAME=ADDR … admin=ADDR metrics=ADDR`.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ready")?;
        for (name, bound) in &self.listeners {
            write!(f, " {name}={}", bound.address())?;
        }
        if let Some(admin) = &self.admin {
            write!(f, " admin={}", admin.address())?;
            if let Some(metrics) = admin.metrics_address() {
                write!(f, " metrics={metrics}")?;
            }
        }
        Ok(())
    }
}
