//! Addresses that are bound, and all else that can fail before the first connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::sync::{Mutex, Notify};

use super::front::{FrontError, Ready, Wanted, places_of, wanted};
use super::{App, FIRST_LOOK_UP, Listener, Running, Shared, View};
use crate::admin::pools::{FeedJson, Pools, SharedLoginJson};
use crate::admin::{self, AdminError};
use crate::life::{Binding, Doors, Place, PlaceError, Reloads};
use crate::metrics::{Computed, Labelled, PoolMetrics, unix_seconds};
use crate::pool::Upkeep;
use crate::port::{Context, ContextOptions, Front};
use crate::process::activation::Activated;
use crate::process::descriptors::{
    Standing, TooFewDescriptors, connections_max, raise_descriptors,
};
use crate::process::log::LostLines;
use crate::settings::{Loaded, Settings};
use crate::socket::listen::Listening;
use crate::socket::workers::{AcceptError, Workers};

/// Why the process cannot start. Nothing is left half started.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The admin address cannot be served.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// A port or an inbound cannot be made.
    #[error(transparent)]
    Front(#[from] FrontError),
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

/// Addresses that are bound, and that serve nobody yet.
///
/// ```
/// use l4_failover::app::Bound;
/// use l4_failover::process::activation::Activated;
/// use l4_failover::process::log::LostLines;
/// use l4_failover::settings::{Loaded, Settings, Source};
///
/// let settings = Settings::parse("l4-failover.toml", r#"
///     [admin]
///     address = "127.0.0.1:0"
///     [[port]]
///     name = "itch-feed"
///     listen = "127.0.0.1:0"
///     primary = ["127.0.0.1:9000"]
/// "#)?;
/// let source = Source::File("l4-failover.toml".into());
/// let loaded = Loaded { settings, source, text: None };
/// let bound = Bound::bind(loaded, Activated::default(), LostLines::default())?;
/// let (ports, admin) = (Vec::from_iter(bound.addresses()), bound.admin().expect("configured"));
/// assert_eq!(ports.len(), 1);
/// assert_eq!(bound.to_string(), format!("ready itch-feed={} admin={}", ports[0], admin.address()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Bound {
    loaded: Loaded,
    context: Arc<Context>,
    fronts: Vec<(Ready, Listening)>,
    binding: Binding,
    admin: Option<admin::Bound>,
    connections_max: usize,
}

impl Bound {
    /// Binds every address of the settings that were `loaded`, but for those that are `activated`,
    /// and prepares all else that can fail.
    ///
    /// # Errors
    ///
    /// [`StartError`]: a sentence that says what, and what to do.
    pub fn bind(loaded: Loaded, activated: Activated, lost: LostLines) -> Result<Self, StartError> {
        let settings = &loaded.settings;
        let wanted = wanted(settings);
        let connections_max = room(settings, &wanted, activated.len())?;
        let context = Context::new(ContextOptions {
            workers: settings.workers,
            connections_max,
            relay: settings.relay.limits(connections_max, settings.workers),
            lost,
        })?;
        let fronts = wanted.into_iter().map(|it| it.ready(&context, None, None));
        let fronts: Vec<_> = fronts.collect::<Result<_, _>>()?;
        let binding = Binding {
            workers: settings.workers,
            options: settings.relay.tcp_options(),
            activated,
        };
        let listening = binding.bind(&places_of(&fronts))?;
        let admin = settings.admin.as_ref();
        let admin = admin.map(admin::Bound::bind).transpose()?;
        Ok(Self {
            loaded,
            context: Arc::new(context),
            fronts: fronts.into_iter().zip(listening).collect(),
            binding,
            admin,
            connections_max,
        })
    }

    /// The addresses that were bound, in the order of the configuration, ports before inbounds.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.fronts.iter().map(|(_, listening)| listening.address())
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
        let named = |(ready, bound): &(Ready, Listening)| ready.front.named(bound.address());
        // Before anything happens to them.
        pools.replace(self.fronts.iter().map(named).collect());
        self.fronts.iter().for_each(|(ready, _)| {
            ready.keep(&upkeep);
            ready.log_in(&upkeep);
        });
        // Names that are not known by then are tried again, and their endpoints fail until then.
        upkeep.look_up(FIRST_LOOK_UP).await;
        let workers = Workers::start(Arc::clone(&self.context)).map_err(StartError::Workers)?;
        let mut doors = Doors::new(workers, self.binding);
        let (readies, listening): (Vec<_>, Vec<_>) = self.fronts.into_iter().unzip();
        let places = listening.into_iter().map(Place::New);
        let places = places_of(&readies).into_iter().zip(places);
        let opened = doors.accept(places, |nth| readies[nth].door()).await?;
        // There was none before.
        let _ = doors.apply(opened);
        let Loaded {
            settings,
            source,
            text,
        } = self.loaded;
        let view = Arc::new(ArcSwap::from_pointee(View::of(0, text, &doors)));
        register(&self.context, &view)?;
        let running = Running {
            settings,
            doors,
            retired: Default::default(),
        };
        Ok(App(Arc::new(Shared {
            context: self.context,
            source,
            upkeep,
            reloads: Reloads::default(),
            running: Mutex::new(Some(running)),
            view,
            pools,
            admin: std::sync::Mutex::new(self.admin),
            connections_max: self.connections_max,
            drain_wanted: Notify::new(),
            started: Instant::now(),
            since: SystemTime::now(),
        })))
    }
}

/// What is read of ports and inbounds when somebody asks for metrics.
fn register(context: &Context, view: &Arc<ArcSwap<View>>) -> prometheus::Result<()> {
    let (metrics, pools, gates) = (context.metrics(), Arc::clone(view), Arc::clone(view));
    metrics.set_generation(0);
    let labelled = |it: &Listener| Labelled {
        labels: vec![it.front.name.to_string()],
        pool: it.front.pool.clone(),
    };
    let pools = move || pools.load().listeners.iter().map(labelled).collect();
    PoolMetrics::register(metrics.register(), &["port"], pools)?;
    register_logins(metrics, view)?;
    metrics.register().computed(
        "certificate_expiry_timestamp_seconds",
        "When the certificate that is shown to callers expires, or the list of the revoked is due \
         to be replaced.",
        &["port", "file"],
        move || {
            let view = gates.load();
            let fronts = view.listeners.iter().map(|it| &*it.front);
            fronts.flat_map(expiries).collect()
        },
    )
}

/// What is kept for the consumers of one login, and how far they are behind.
fn register_logins(
    metrics: &crate::port::Metrics,
    view: &Arc<ArcSwap<View>>,
) -> prometheus::Result<()> {
    type Count = fn(&SharedLoginJson) -> f64;
    let gauges: [(&str, &str, Count); 4] = [
        (
            "history_messages",
            "Messages that are kept for the consumers of one login.",
            |it| it.history.map_or(0.0, |kept| kept.messages as f64),
        ),
        ("history_bytes", "Bytes of their frames.", |it| {
            it.history.map_or(0.0, |kept| kept.bytes as f64)
        }),
        (
            "consumers_catching_up",
            "Consumers that get, each by a line of its own, what is older than the history.",
            |it| it.catching_up as f64,
        ),
        (
            "consumer_lag_messages_max",
            "How many messages the slowest consumer of one login is behind.",
            |it| it.lag_max as f64,
        ),
    ];
    for (name, help, count) in gauges {
        let view = Arc::clone(view);
        metrics
            .register()
            .computed(name, help, &["port"], move || {
                let view = view.load();
                let logins = view.listeners.iter().filter_map(|it| {
                    let feed = it.front.feed.as_ref()?;
                    let login = FeedJson::of(feed, it.front.fanout.as_ref()).login?;
                    Some((vec![it.front.name.to_string()], count(&login)))
                });
                logins.collect()
            })?;
    }
    Ok(())
}

fn expiries(front: &Front) -> Vec<Computed> {
    let Some(gate) = &front.gate else {
        return Vec::new();
    };
    let files = [
        ("cert", gate.tls.expires()),
        ("crl", gate.tls.crl_expires()),
    ];
    let expiry = |(file, at): (&str, Option<SystemTime>)| {
        Some((
            vec![front.name.to_string(), file.to_owned()],
            unix_seconds(at?),
        ))
    };
    files.into_iter().filter_map(expiry).collect()
}

/// How many connections may be open: as configured, or as many as descriptors allow.
pub(super) fn room(
    settings: &Settings,
    wanted: &[Wanted],
    activated: usize,
) -> Result<usize, TooFewDescriptors> {
    let standing = Standing {
        workers: settings.workers,
        listeners: wanted.len(),
        pipes: settings.relay.pipes_max(),
        others: activated + wanted.iter().map(Wanted::checks).sum::<usize>(),
    };
    connections_max(settings.limits.connections, standing, raise_descriptors())
}

/// The line that says that all is bound: `ready NAME=ADDR … admin=ADDR metrics=ADDR`.
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ready")?;
        for (ready, listening) in &self.fronts {
            write!(f, " {}={}", ready.front.name, listening.address())?;
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
