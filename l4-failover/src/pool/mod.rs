//! Endpoints, their health and who of them is active, shared by all who connect.

mod addresses;
mod build;
mod command;
mod dial;
mod endpoint;
mod error;
mod event;
mod happening;
mod hearing;
mod inner;
mod lines;
mod mind;
mod options;
mod past;
mod recall;
mod reload;
mod session;
mod state_file;
mod status;
mod upkeep;
mod watch;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use tokio::time::Instant;

use crate::choice::{Cause, MoveKind};
use inner::Inner;

pub use addresses::Addresses;
pub use build::{BuildError, PoolBuilder};
pub use command::CommandError;
pub(crate) use command::{Done, Wish};
pub use dial::{Connected, DialLimits, Dialling, Reach};
pub use endpoint::{Endpoint, LastCheck};
pub use error::{Attempt, AttemptError, DialError, LedNowhere};
pub use event::{Happened, LineNews, LineTimes, PoolEvent, TierName};
pub use hearing::Events;
pub use lines::Leased;
pub use options::{EndpointOptions, PoolOptions};
pub use past::{Past, Retired};
pub use recall::{Recall, Recalls};
pub use reload::Prepared;
pub use session::{Cut, Lease};
pub use state_file::StateFileError;
pub use status::{EndpointStatus, PoolStatus, TierStatus};
pub use upkeep::Upkeep;

/// A primary and its backups: connects to whoever is active, checks all of them, and moves between
/// them as its [`Policy`](crate::choice::Policy) says.
///
/// Cheap to clone: clones are the same pool. Its checks end with the last of them.
///
/// # Examples
///
/// ```
/// use l4_failover::Pool;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let backup = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let dead = { let gone = std::net::TcpListener::bind("127.0.0.1:0")?; gone.local_addr()? };
/// # let (primary, backup_at) = (dead.to_string(), backup.local_addr()?.to_string());
/// let pool = Pool::builder().primary(&primary).backup(&backup_at).build()?;
///
/// let connected = pool.connect().await?;
/// assert_eq!(connected.address, backup.local_addr()?); // the primary refused
/// assert!(connected.is_spilled && connected.failed.len() == 1);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Pool(Arc<Inner>);

impl Pool {
    /// Begins to say what a pool is made of.
    #[must_use]
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }

    /// A pool that does nothing by itself until it is [started](Self::start).
    ///
    /// # Errors
    ///
    /// [`BuildError`]: what is wrong with `options`, or with the files that they name.
    pub fn new(options: impl Into<Arc<PoolOptions>>) -> Result<Self, BuildError> {
        Self::after(options, &Past::default())
    }

    /// [`new`](Self::new), for a pool that was there before and was [retired](Self::retire): its
    /// sessions of that time are its own again, endpoint by endpoint, and an operator's decisions
    /// hold on.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: what is wrong with `options`, or with the files that they name.
    pub fn after(options: impl Into<Arc<PoolOptions>>, past: &Past) -> Result<Self, BuildError> {
        Inner::new(options.into(), past).map(Self)
    }

    /// Begins to check the endpoints, to look their names up and to mind the time. A pool is
    /// started once.
    pub fn start(&self, upkeep: &Upkeep) {
        self.0.start(upkeep);
    }

    /// Changes what the pool is made of. Endpoints that stay keep their health and their sessions,
    /// the active tier stays active, holds and maintenance stay; sessions of endpoints that went
    /// away go on.
    ///
    /// An endpoint that comes back is the one that it was: sessions of that time count among its own
    /// (for `max_connections`, and for `on_endpoint_down`), and it is in maintenance if it was, however
    /// long ago that is, until an operator puts it back: who took it out meant the machine, not the
    /// line in a file. Of endpoints that are away, the maintenance of the last 64 that went is
    /// remembered ([`AWAY_MAX`](crate::choice::AWAY_MAX)), and the sessions of the last 256.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use l4_failover::{EndpointOptions, Pool};
    /// let pool = Pool::builder().primary("127.0.0.1:9000").build()?;
    /// let mut options = pool.options();
    /// options.tiers.push(vec![EndpointOptions::at("127.0.0.1:9001".parse()?)]);
    /// pool.reload(options)?;
    /// assert_eq!(pool.status().tiers.len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`BuildError`]; the pool is as it was.
    pub fn reload(&self, options: impl Into<Arc<PoolOptions>>) -> Result<(), BuildError> {
        self.prepare(options).map(Prepared::apply)
    }

    /// All of [`reload`](Self::reload) that can fail, for whoever changes several pools together
    /// or none.
    ///
    /// # Errors
    ///
    /// [`BuildError`]; the pool is as it was.
    pub fn prepare(&self, options: impl Into<Arc<PoolOptions>>) -> Result<Prepared, BuildError> {
        Prepared::new(&self.0, options.into())
    }

    /// Whether a [reload](Self::reload) with `options` has nothing to do: who changes many pools of
    /// which most stay as they are leaves those out. Files of certificates are [read
    /// again](Upkeep::watch) when they change, without a reload; whether a state file can be written
    /// is for each reload to find out, so that a pool with one is never left out.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = l4_failover::Pool::builder().primary("127.0.0.1:9000").build()?;
    /// let mut options = pool.options();
    /// assert!(pool.is_made_of(&options));
    /// options.check.rise += 1;
    /// assert!(!pool.is_made_of(&options));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn is_made_of(&self, options: &PoolOptions) -> bool {
        self.0.is_made_of(options)
    }

    /// Ends its checks: nobody is led to it any more, though sessions of it may go on for long and
    /// keep it. Who dials it all the same is served as before. What must not be forgotten should it
    /// [come back](Self::after).
    pub fn retire(&self) -> Past {
        let mut state = self.0.state();
        let past = Past::of(&state);
        state.is_retired = true;
        self.0.mind(&mut state);
        let watches = std::mem::take(&mut state.watches);
        drop(state);
        // Not under the lock.
        drop(watches);
        past
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// What it is made of, to be changed and given to [`reload`](Self::reload).
    #[must_use]
    pub fn options(&self) -> PoolOptions {
        PoolOptions::clone(&self.0.state().options)
    }

    /// The endpoints, tier by tier.
    #[must_use]
    pub fn endpoints(&self) -> Vec<Arc<Endpoint>> {
        self.0.state().endpoints.clone()
    }

    /// Whether an endpoint of any tier is healthy.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        let state = self.0.state();
        (0..state.choice.tiers()).any(|tier| state.choice.is_healthy(tier))
    }

    /// The pool at this moment.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = l4_failover::Pool::builder().primary("127.0.0.1:9000").build()?;
    /// let status = pool.status();
    /// assert!(status.is_healthy()); // an endpoint counts as up until its first check
    /// assert_eq!((status.active, status.moves), (0, 0));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        self.0.status()
    }

    /// Hears what happens to the pool from now on.
    ///
    /// ```
    /// use l4_failover::{Happened, Pool};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::builder().primary("127.0.0.1:9000").backup("127.0.0.1:9001").build()?;
    /// let mut events = pool.events();
    /// pool.failover().await?;
    /// let event = events.next().await.ok_or("the pool is gone")?;
    /// assert!(matches!(event.what, Happened::Moved { to, .. } if to.tier == 1));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn events(&self) -> Events {
        self.0.listeners.add(&self.0.name)
    }

    /// Moves of this kind and cause since the start.
    #[must_use]
    pub fn moves(&self, kind: MoveKind, cause: Cause) -> u64 {
        self.0.moves[kind as usize][cause as usize].load(Relaxed)
    }

    /// Sessions that a dial put outside of the active tier since the start.
    #[must_use]
    pub fn spilled(&self) -> u64 {
        self.0.spilled.load(Relaxed)
    }
}

/// The time of day of a moment not long ago.
fn wall_clock(at: std::time::Instant) -> SystemTime {
    let now = Instant::now().into_std();
    SystemTime::now() - now.saturating_duration_since(at)
}
