//! The endpoints of one destination, dialled in their order.

mod addresses;
mod endpoint;
mod options;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::socket::TcpOptions;
use crate::socket::connect::{ConnectError, connect};

pub use addresses::Addresses;
pub use endpoint::{Endpoint, Lease};
pub use options::{EndpointOptions, PoolOptions};

/// Bounds of one dial, and the options of the connection that comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialLimits {
    /// For one attempt at one address.
    pub attempt: Duration,
    /// For all attempts together.
    pub total: Duration,
    /// Options of the connection.
    pub options: TcpOptions,
}

impl Default for DialLimits {
    /// 1 s for an attempt, 5 s in all.
    fn default() -> Self {
        Self {
            attempt: Duration::from_secs(1),
            total: Duration::from_secs(5),
            options: TcpOptions::default(),
        }
    }
}

/// The endpoints of one destination.
///
/// # Examples
///
/// ```
/// use l4_failover::{DialLimits, Endpoint, Pool};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let backup = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let dead = { let gone = std::net::TcpListener::bind("127.0.0.1:0")?; gone.local_addr()? };
/// let (dead, backup_at) = (dead.to_string().parse()?, backup.local_addr()?.to_string().parse()?);
/// let pool = Pool::new([Endpoint::new(&dead), Endpoint::new(&backup_at)]);
///
/// let connected = pool.connect(&DialLimits::default()).await?;
/// assert_eq!(connected.address, backup.local_addr()?);
/// assert_eq!(connected.failed.len(), 1); // the first endpoint refused
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    last_check: Mutex<Option<Checked>>,
}

/// The answer of a check, and when it was given.
#[derive(Debug)]
struct Checked {
    at: Instant,
    result: Result<(), Arc<str>>,
}

/// A connection to one of a pool's endpoints.
#[derive(Debug)]
pub struct Connected {
    /// The connection.
    pub stream: TcpStream,
    /// The address that answered.
    pub address: SocketAddr,
    /// Counts the connection as one of its endpoint's until it is dropped.
    pub endpoint: Lease,
    /// The attempts of this dial that failed before.
    pub failed: Vec<Attempt>,
}

/// One failed attempt.
#[derive(Debug)]
pub struct Attempt {
    /// The endpoint as configured.
    pub endpoint: Arc<Endpoint>,
    /// The address tried; none where the endpoint's name has no address.
    pub address: Option<SocketAddr>,
    /// Why it failed.
    pub error: AttemptError,
}

/// Why an attempt failed.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The connection did not come about.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The endpoint's name has no address yet.
    #[error("its name has no address: {0}")]
    Unresolved(Arc<str>),
    /// The dial's time was over before its turn.
    #[error("not tried: the dial's time was over")]
    NotTried,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.endpoint.name();
        match self.address {
            Some(address) if address.to_string() != name => {
                write!(f, "{name} ({address}): {}", self.error)
            }
            _ => write!(f, "{name}: {}", self.error),
        }
    }
}

/// No endpoint of the pool could be connected to.
#[derive(Debug)]
pub struct Exhausted {
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
}

impl Exhausted {
    /// Whether the dial ended for want of this process's own resources.
    #[must_use]
    pub fn is_resource(&self) -> bool {
        let resource = |attempt: &Attempt| {
            matches!(
                attempt.error,
                AttemptError::Connect(ConnectError::Resource(_))
            )
        };
        self.attempts.iter().any(resource)
    }

    /// Whether time ran out, for an attempt or for the whole dial.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        let timeout = |attempt: &Attempt| {
            matches!(
                attempt.error,
                AttemptError::NotTried | AttemptError::Connect(ConnectError::TimedOut(_))
            )
        };
        self.attempts.iter().any(timeout)
    }
}

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no endpoint reachable")?;
        for (index, attempt) in self.attempts.iter().enumerate() {
            write!(f, "{} {attempt}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Exhausted {}

impl Pool {
    /// A pool of these endpoints, to be tried in this order.
    pub fn new(endpoints: impl IntoIterator<Item = Endpoint>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Arc::new).collect(),
            last_check: Mutex::new(None),
        }
    }

    /// The endpoints, in their order.
    #[must_use]
    pub fn endpoints(&self) -> &[Arc<Endpoint>] {
        &self.endpoints
    }

    /// Connects to the first endpoint, in order, that answers.
    ///
    /// # Errors
    ///
    /// [`Exhausted`] with every attempt, when none answered within `limits`, or when this process
    /// could not make a socket.
    pub async fn connect(&self, limits: &DialLimits) -> Result<Connected, Exhausted> {
        let until = Instant::now() + limits.total;
        let mut failed = Vec::new();
        for endpoint in &self.endpoints {
            match dial(endpoint, until, limits, &mut failed).await {
                Some((stream, address)) => {
                    let endpoint = Lease::new(endpoint);
                    return Ok(Connected {
                        stream,
                        address,
                        endpoint,
                        failed,
                    });
                }
                None if is_hopeless(&failed) => break,
                None => {}
            }
        }
        Err(Exhausted { attempts: failed })
    }
}

impl Pool {
    /// Whether an endpoint can be connected to: connects, and closes again. An answer younger
    /// than `fresh` is given again, and callers that come together share one attempt, so that
    /// asking often costs the endpoints nothing.
    ///
    /// # Errors
    ///
    /// What was tried, and why it failed.
    pub async fn check(&self, limits: &DialLimits, fresh: Duration) -> Result<(), Arc<str>> {
        let mut last = self.last_check.lock().await;
        if let Some(checked) = last.as_ref().filter(|it| it.at.elapsed() < fresh) {
            return checked.result.clone();
        }
        let connected = self.connect(limits).await;
        let result = connected
            .map(drop)
            .map_err(|error| error.to_string().into());
        let at = Instant::now();
        let checked = last.insert(Checked { at, result });
        checked.result.clone()
    }
}

/// Out of descriptors: the next endpoint would fare no better, and would be blamed for it.
fn is_hopeless(failed: &[Attempt]) -> bool {
    let last = failed.last().map(|attempt| &attempt.error);
    matches!(last, Some(AttemptError::Connect(ConnectError::Resource(_))))
}

/// Tries the addresses of one endpoint.
async fn dial(
    endpoint: &Arc<Endpoint>,
    until: Instant,
    limits: &DialLimits,
    failed: &mut Vec<Attempt>,
) -> Option<(TcpStream, SocketAddr)> {
    let fail = |address, error| Attempt {
        endpoint: Arc::clone(endpoint),
        address,
        error,
    };
    let addresses = match endpoint.addresses() {
        Ok(addresses) => addresses,
        Err(why) => {
            failed.push(fail(None, AttemptError::Unresolved(why)));
            return None;
        }
    };
    for &address in addresses.iter() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            failed.push(fail(Some(address), AttemptError::NotTried));
            return None;
        }
        match connect(address, limits.attempt.min(left), &limits.options).await {
            Ok(stream) => {
                endpoint.answered();
                return Some((stream, address));
            }
            Err(error) => {
                // For want of our own resources nobody was asked.
                if !matches!(error, ConnectError::Resource(_)) {
                    endpoint.refused(&error);
                }
                failed.push(fail(Some(address), error.into()));
            }
        }
    }
    None
}
