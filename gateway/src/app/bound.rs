//! Addresses that are bound, and all else that can fail before the first connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use l4_failover::Upkeep;
use l4_failover::admin::pools::Pools;
use l4_failover::admin::{self, AdminError};
use l4_failover::life::{Binding, Doors, Place, PlaceError, Reloads, Wanted};
use l4_failover::process::activation::Activated;
use l4_failover::process::descriptors::{self, Standing, TooFewDescriptors, raise_descriptors};
use l4_failover::socket::crowd::Crowd;
use l4_failover::socket::listen::Listening;
use l4_failover::socket::relay::RelayContext;
use l4_failover::socket::workers::{AcceptError, Workers};
use thiserror::Error;
use tokio::sync::{Mutex, Notify};

use super::destinations::destination;
use super::plan::{self, Behind};
use super::{App, FIRST_LOOK_UP, Running, Shared, Source, View};
use crate::admin::named_pools;
use crate::circle::OnTheWay;
use crate::config::{self, Config};
use crate::context::Context;
use crate::live::Live;
use crate::log::{ConnectionLog, Connections, LostLines};
use crate::metrics::Metrics;
use crate::route::BuildError;

/// Why the gateway cannot start. Nothing is left half started.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Place(#[from] PlaceError),
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
    config: Config,
    source: Option<Source>,
    context: Arc<Context>,
    behind: Behind,
    listeners: Vec<(Wanted, Listening)>,
    binding: Binding,
    admin: Option<admin::Bound>,
    connections_max: usize,
}

impl Bound {
    /// Binds every address of `config`, which is read from `source` again at a reload, but for those
    /// that are `activated`, and prepares all else that can fail.
    ///
    /// # Errors
    ///
    /// [`StartError`]: a sentence that says what, and what to do.
    pub fn bind(
        config: Config,
        source: Option<Source>,
        activated: Activated,
        lost: LostLines,
    ) -> Result<Self, StartError> {
        let connections_max = room(&config, activated.len())?;
        let context = context(&config, connections_max, lost)?;
        let tables = plan::tables(&config, |kind, pool| {
            destination(&context.metrics, kind, pool)
        })?;
        let binding = Binding {
            workers: config.workers,
            options: config.relay.tcp_options(),
            activated,
        };
        let wanted = plan::wanted(&config);
        let listening = binding.bind(&wanted)?;
        let doors = Arc::new(plan::doors(&config));
        let behind = Behind { tables, doors };
        let admin = config.admin.as_ref().map(admin::Bound::bind).transpose()?;
        Ok(Self {
            config,
            source,
            context: Arc::new(context),
            behind,
            listeners: wanted.into_iter().zip(listening).collect(),
            binding,
            admin,
            connections_max,
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

    /// Checks endpoints from here on, and accepts connections.
    ///
    /// # Errors
    ///
    /// When a thread or its event queue cannot be made.
    pub async fn start(self) -> Result<App, StartError> {
        let (upkeep, pools) = (Upkeep::new(), Pools::default());
        // Before anything happens to them.
        pools.replace(named_pools(&self.behind.tables));
        for to in self.behind.tables.destinations() {
            to.pool.start(&upkeep);
        }
        // Names that are not known by then are tried again, and their endpoints fail until then.
        upkeep.look_up(FIRST_LOOK_UP).await;
        let workers = Workers::start(Arc::clone(&self.context)).map_err(StartError::Workers)?;
        let mut doors = Doors::new(workers, self.binding);
        let places = self.listeners.into_iter();
        let places = places.map(|(wanted, listening)| (wanted, Place::New(listening)));
        let (config, metrics) = (&self.config, &self.context.metrics);
        let listener = |nth: usize| plan::listener(config, nth, &self.behind, metrics);
        let opened = doors.accept(places, listener).await?;
        // There was none before.
        let _ = doors.apply(opened);
        metrics.set_generation(0);
        crate::admin::count_pools(metrics, &pools)?;
        let running = Running {
            config: Arc::new(self.config),
            source: self.source,
            doors,
            retired: Default::default(),
        };
        let view = View::of(0, &running, self.behind.tables);
        Ok(App(Arc::new(Shared {
            workers: running.config.workers,
            context: self.context,
            upkeep,
            reloads: Reloads::default(),
            running: Mutex::new(Some(running)),
            view: ArcSwap::from_pointee(view),
            pools,
            admin: std::sync::Mutex::new(self.admin),
            connections_max: self.connections_max,
            drain_wanted: Notify::new(),
            started: Instant::now(),
            since: SystemTime::now(),
        })))
    }
}

fn context(
    config: &Config,
    connections_max: usize,
    lost: LostLines,
) -> Result<Context, prometheus::Error> {
    Ok(Context {
        half_read: Crowd::new(config.limits.half_read_max(connections_max)),
        sources: Arc::default(),
        on_the_way: OnTheWay::default(),
        relay: RelayContext::new(config.relay.limits(connections_max, config.workers)),
        live: Live::new(config.workers, connections_max),
        metrics: Metrics::new()?,
        log: connection_log(&config.log),
        tap: Arc::default(),
        lost,
        stopping: AtomicBool::new(false),
    })
}

/// How many connections may be open: as configured, or as many as descriptors allow.
pub(super) fn room(config: &Config, activated: usize) -> Result<usize, TooFewDescriptors> {
    let standing = Standing {
        workers: config.workers,
        listeners: config.listeners.len(),
        pipes: config.relay.pipes_max(),
        others: activated,
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
        for (wanted, bound) in &self.listeners {
            write!(f, " {}={}", wanted.name, bound.address())?;
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
