//! A server as a whole: bound, served, stopped.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use l4_failover::admin::{self, AdminError};
use l4_failover::process::descriptors::raise_descriptors;
use l4_failover::socket::TcpOptions;
use l4_failover::socket::listen::{ListenError, Listening};
use l4_failover::socket::workers::{AcceptError, Workers};
use thiserror::Error;
use tokio::time::{sleep_until, timeout};
use tracing::warn;

use super::admin as operators;
use super::fault::Order;
use super::options::Options;
use super::schedule::{Rate, Schedule};
use super::source::{ReplayError, Source};
use super::stage::{NoClient, Stage};
use super::status::Status;
use super::tape::Tape;
use super::timeline::Timeline;

/// Connections that wait to be accepted.
const BACKLOG: u16 = 1024;

/// Of each client: its socket, and its timer.
const DESCRIPTORS_EACH: usize = 2;

/// Descriptors that are no client's: standard streams, listeners, operators, a file.
const DESCRIPTORS_OTHER: usize = 192;

/// When the server stops, clients get this long to be told so: their frames are ended first.
const STOP: Duration = Duration::from_secs(2);

/// Why a server cannot start. Nothing is left half started.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is nowhere to listen.
    #[error("no address to listen on")]
    Nowhere,
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Operators cannot be served.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// The file cannot be replayed.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The file has fewer messages than are to be sent.
    #[error("{wanted} messages are to be sent, and the file has {there}")]
    TooFew {
        /// As asked for.
        wanted: u64,
        /// In the file.
        there: u64,
    },
    /// More clients are wanted than the process may open descriptors for.
    #[error(
        "{clients} clients at once need {needed} descriptors, and the process may open {allowed}: \
         raise the limit (ulimit -n) or allow fewer clients"
    )]
    Descriptors {
        /// Clients at once.
        clients: usize,
        /// What they need.
        needed: usize,
        /// RLIMIT_NOFILE.
        allowed: usize,
    },
}

/// Addresses that are bound: clients may connect, and are answered by [`serve`](Self::serve).
#[derive(Debug)]
pub struct Server {
    stage: Arc<Stage>,
    listening: Vec<Listening>,
    addresses: Vec<SocketAddr>,
    admin: Option<admin::Bound>,
    timed: Vec<(Duration, Order)>,
}

/// A server that runs, for whoever observes it and has things go wrong. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle(Arc<Stage>);

impl Handle {
    /// Carries out an order; how many clients it reached. What lasts is also for clients that
    /// connect later, if it is for all.
    ///
    /// # Errors
    ///
    /// [`NoClient`]: it is for a client that is not connected.
    pub fn order(&self, order: &Order) -> Result<usize, NoClient> {
        self.0.order(order)
    }

    /// Carries out orders, in this order; how many clients each reached. A client that goes
    /// meanwhile is not reached.
    ///
    /// # Errors
    ///
    /// [`NoClient`]: one is for a client that is not connected, and none was carried out.
    pub fn orders(&self, orders: &[Order]) -> Result<Vec<usize>, NoClient> {
        self.0.orders(orders)
    }

    /// How the server and its clients are.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status()
    }
}

impl Server {
    /// Opens the messages and binds every address. A file is read once to its end, which may take
    /// a while: not for a thread on which others wait.
    ///
    /// # Errors
    ///
    /// [`StartError`]: a sentence that says what, and what to do.
    pub fn bind(options: Options) -> Result<Self, StartError> {
        descriptors(options.limits.clients_max)?;
        let source = Source::open(&options.content)?;
        let messages = last(options.messages, source.messages())?;
        if options.listen.is_empty() {
            return Err(StartError::Nowhere);
        }
        let listening = options
            .listen
            .iter()
            .map(|address| Listening::bind(*address, 1, BACKLOG, &TcpOptions::default()));
        let listening: Vec<_> = listening.collect::<Result<_, _>>()?;
        let admin = options.admin.as_ref().map(admin::Bound::bind).transpose()?;
        let start = options.start.unwrap_or_else(SystemTime::now);
        let timeline = Timeline::new(schedule(&options), start, messages);
        let tape = Tape::new(source, options.limits.clients_max);
        let stage = Stage::new(
            options.login,
            options.limits,
            options.session,
            (timeline, tape),
            messages,
            options.script.numbered,
        );
        Ok(Self {
            stage: Arc::new(stage),
            addresses: listening.iter().map(Listening::address).collect(),
            listening,
            admin,
            timed: options.script.timed,
        })
    }

    /// The addresses that were bound, in the order of the options.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Where operators are served, if they are.
    #[must_use]
    pub fn admin(&self) -> Option<&admin::Address> {
        self.admin.as_ref().map(admin::Bound::address)
    }

    /// A handle on the server, also while it serves.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.stage))
    }

    /// Serves clients, on a thread of its own, until `shutdown`; then every connection is closed
    /// behind whole frames, without `Z`: the session is not over.
    ///
    /// # Errors
    ///
    /// When a thread or its event queue cannot be made.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let workers = Workers::start(Arc::clone(&self.stage))?;
        for listening in self.listening {
            let accepting = workers.listen(listening, ());
            accepting.map_err(|error: AcceptError| io::Error::other(error))?;
        }
        let handle = Handle(Arc::clone(&self.stage));
        tokio::select! {
            () = shutdown => {}
            () = serve_operators(self.admin, handle) => {}
            () = follow(&self.stage, self.timed) => {}
        }
        workers.stop_accepting().await;
        self.stage.live.for_each(|entry| entry.end());
        // Who does not take what is left within this time is reset.
        let _ = timeout(STOP, self.stage.live.emptied()).await;
        // In a thread of its own: it waits for threads.
        let _ = tokio::task::spawn_blocking(|| workers.end()).await;
        Ok(())
    }
}

/// Serves operators for ever; without an address, nobody.
async fn serve_operators(bound: Option<admin::Bound>, handle: Handle) {
    if let Some(bound) = bound {
        let site = operators::site(handle);
        if let Err(error) = bound.serve(site, std::future::pending()).await {
            warn!(%error, "operators are no longer served");
        }
    }
    std::future::pending().await
}

/// Follows what the script has for moments; never done.
async fn follow(stage: &Stage, timed: Vec<(Duration, Order)>) {
    let start = Instant::now();
    for (after, order) in timed {
        if let Some(at) = start.checked_add(after) {
            sleep_until(at.into()).await;
            stage.follow(&order, format_args!("{after:?}"));
        }
    }
    std::future::pending().await
}

fn schedule(options: &Options) -> Option<Schedule> {
    match options.rate {
        Rate::PerSecond(rate) => Some(Schedule::new(rate, options.burst)),
        Rate::Max => None,
    }
}

/// The last message of the session.
fn last(wanted: Option<u64>, there: Option<u64>) -> Result<Option<u64>, StartError> {
    match (wanted, there) {
        (Some(wanted), Some(there)) if wanted > there => Err(StartError::TooFew { wanted, there }),
        (wanted, there) => Ok(wanted.or(there)),
    }
}

fn descriptors(clients: usize) -> Result<(), StartError> {
    let (allowed, needed) = (
        raise_descriptors(),
        clients * DESCRIPTORS_EACH + DESCRIPTORS_OTHER,
    );
    match needed <= allowed {
        true => Ok(()),
        false => Err(StartError::Descriptors {
            clients,
            needed,
            allowed,
        }),
    }
}

/// The line that says that all is bound: `ready feed=ADDR … admin=ADDR`; a second address is
/// `feed2`.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ready")?;
        for (nth, address) in self.addresses.iter().enumerate() {
            match nth {
                0 => write!(f, " feed={address}")?,
                nth => write!(f, " feed{}={address}", nth + 1)?,
            }
        }
        match self.admin() {
            Some(admin) => write!(f, " admin={admin}"),
            None => Ok(()),
        }
    }
}
