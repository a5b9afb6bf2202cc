//! The gateway as a whole: bound, run, stopped.

mod plan;

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use l4_failover::admin::{self, AdminError};
use l4_failover::process::descriptors::{self, Standing, TooFewDescriptors, raise_descriptors};
use l4_failover::socket::crowd::Crowd;
use l4_failover::socket::listen::{ListenError, Listening};
use l4_failover::socket::relay::RelayContext;
use l4_failover::socket::workers::{AcceptError, Workers};
use l4_failover::{Pool, PoolOptions, Upkeep};
use thiserror::Error;
use tokio::time::{interval, timeout};
use tracing::{info, warn};

use crate::admin::{Admin, Info};
use crate::circle::OnTheWay;
use crate::config::{self, Config};
use crate::context::Context;
use crate::destination::Destination;
use crate::front::Listener;
use crate::live::Live;
use crate::log::{ConnectionLog, Connections, LostLines};
use crate::metrics::Metrics;
use crate::route::{BuildError, RouteKind};
use crate::tables::Tables;

pub use plan::tables;

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
    listeners: Vec<(Listener, Listening)>,
    tables: Tables,
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
        let tables = tables(config, |kind, pool| destination(&metrics, kind, pool))?;
        let mut listeners = Vec::new();
        for listener in &config.listeners {
            let (address, backlog) = (listener.address, listener.backlog);
            let bound = Listening::bind(address, config.workers, backlog, &options)?;
            let front = plan::front(config, listener, &tables);
            let accepted = metrics.accepted(&listener.name);
            let listener = Listener::new(listener.name.clone(), listener.face, accepted, front);
            listeners.push((listener, bound));
        }
        let admin = config.admin.as_ref().map(admin::Bound::bind).transpose()?;
        let info = Info {
            datacenter: config.datacenter.clone(),
            workers: config.workers,
            listeners: listeners
                .iter()
                .map(|(listener, bound)| (listener.name.clone(), bound.address()))
                .collect(),
            connections_max,
        };
        let context = Context {
            half_read: Crowd::new(config.limits.half_read_max(connections_max)),
            sources: Arc::default(),
            relay: RelayContext::new(config.relay.limits(connections_max, config.workers)),
            on_the_way: OnTheWay::default(),
            live: Live::new(config.workers, connections_max),
            metrics,
            log: connection_log(&config.log),
            lost,
            stopping: AtomicBool::new(false),
        };
        Ok(Self {
            context: Arc::new(context),
            listeners,
            tables,
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
        for to in self.tables.destinations() {
            to.pool.start(&upkeep);
        }
        // Names that are not known by then are tried again, and their endpoints fail until then.
        upkeep.look_up(FIRST_LOOK_UP).await;
        let workers = Workers::start(Arc::clone(&context)).map_err(StartError::Workers)?;
        for (listener, listening) in self.listeners {
            workers.listen(listening, listener)?;
        }
        let admin = Admin::new(Arc::clone(&context), self.tables, self.info);
        admin.count_pools()?;
        let admin = admin.serve(self.admin);
        let chores = async {
            tokio::join!(do_chores(&context), admin);
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

async fn do_chores(context: &Context) {
    let mut ticks = interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        context.log.say_left_out();
        context.sources.tidy(std::time::Instant::now());
    }
}

/// A destination that nobody was led to before.
pub(crate) fn destination(
    metrics: &Metrics,
    kind: RouteKind,
    pool: &PoolOptions,
) -> Result<Arc<Destination>, StartError> {
    Ok(Arc::new(Destination {
        name: pool.name.clone(),
        kind,
        pool: Pool::new(pool.clone())?,
        series: metrics.series(kind, &pool.name),
    }))
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
        for (listener, bound) in &self.listeners {
            write!(f, " {}={}", listener.name, bound.address())?;
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
