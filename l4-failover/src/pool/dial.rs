//! One dial: endpoint after endpoint, until one answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::{Attempt, AttemptError, DialError};
use super::{Endpoint, Inner, Lease, Pool};
use crate::choice::{NoneHealthy, Request};
use crate::socket::connect::connect;
use crate::socket::{Stream, TcpOptions};

/// Bounds of one dial, and the options of the connection that comes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialLimits {
    /// For one attempt at one address, the handshake of TLS included.
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

/// A connection to one of a pool's endpoints.
#[derive(Debug)]
pub struct Connected {
    /// The connection; over TLS where the endpoint has it.
    pub stream: Stream,
    /// The address that answered.
    pub address: SocketAddr,
    /// Counts the session as one of its endpoint's until it is dropped, and tells when it must
    /// end.
    pub endpoint: Lease,
    /// Whether the endpoint is outside of the active tier, because nobody there answered.
    pub is_spilled: bool,
    /// The attempts of this dial that failed before.
    pub failed: Vec<Attempt>,
}

/// What one attempt came to.
enum Tried {
    Connected(Stream, SocketAddr),
    Failed,
    /// Out of descriptors: the next endpoint would fare no better, and would be blamed for it.
    Hopeless,
}

impl Pool {
    /// Connects to an endpoint: of the active tier, or where the policy allows. Whoever refuses is
    /// left for the next, within this dial; with TLS it ends at the finished handshake.
    ///
    /// # Errors
    ///
    /// [`DialError`]: nobody is healthy and the policy is not to try, or nobody answered within
    /// the limits, with every attempt and why it failed.
    pub async fn connect(&self) -> Result<Connected, DialError> {
        self.connect_from(None).await
    }

    /// [`connect`](Self::connect), for a client at `source`, which
    /// [`Balance::SourceHash`](crate::choice::Balance::SourceHash) goes by.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn connect_from(&self, source: Option<IpAddr>) -> Result<Connected, DialError> {
        let inner = &*self.0;
        let limits = inner.limits();
        let until = after(limits.total);
        let (mut tried, mut failed) = (Vec::new(), Vec::new());
        while let Some((lease, is_spilled)) = inner.pick(&tried, source) {
            match attempt(inner, lease.endpoint(), until, &limits, &mut failed).await {
                Tried::Connected(stream, address) => {
                    inner.answered(lease.endpoint(), is_spilled);
                    if lease.is_cut() && Instant::now() < until {
                        // What it is on was left while it was being dialled: nothing is promised
                        // yet, and whoever is active now does better.
                        continue;
                    }
                    return Ok(Connected {
                        stream,
                        address,
                        endpoint: lease,
                        is_spilled,
                        failed,
                    });
                }
                Tried::Failed => tried.push(Arc::clone(lease.endpoint())),
                Tried::Hopeless => return Err(DialError::Exhausted { attempts: failed }),
            }
        }
        Err(inner.exhausted(tried, failed))
    }
}

impl Inner {
    fn limits(&self) -> DialLimits {
        self.state().options.dial
    }

    /// The endpoint to try next, with a session of it that is counted already.
    fn pick(&self, tried: &[Arc<Endpoint>], source: Option<IpAddr>) -> Option<(Lease, bool)> {
        let mut state = self.state();
        let state = &mut *state;
        let tried: Vec<usize> = tried.iter().filter_map(|it| it.place()).collect();
        let random = state.random.u64(..);
        let (endpoints, now) = (&state.endpoints, Instant::now().into_std());
        let load = |place: usize| endpoints[place].active();
        let request = Request { source, random };
        let pick = state.choice.pick(&tried, request, load, now)?;
        Some((Lease::new(&endpoints[pick.endpoint]), pick.is_spilled))
    }

    /// Why nobody is left to try: endpoints that are full, or out, are said too.
    fn exhausted(&self, tried: Vec<Arc<Endpoint>>, mut attempts: Vec<Attempt>) -> DialError {
        let state = self.state();
        for (endpoint, counted) in state.endpoints.iter().zip(state.choice.endpoints()) {
            if tried.iter().any(|it| it.is(endpoint)) {
                continue;
            }
            let max = endpoint.options().max_connections;
            let full = max.filter(|max| endpoint.active() >= *max);
            let error = match counted.maintenance() {
                Some(reason) => Some(AttemptError::Maintenance(Arc::clone(reason))),
                None => full.map(AttemptError::Full),
            };
            attempts.extend(error.map(|error| Attempt {
                endpoint: Arc::clone(endpoint),
                address: None,
                error,
            }));
        }
        let refuses = state.options.policy.when_none_healthy == NoneHealthy::Refuse;
        match attempts.is_empty() && refuses {
            true => DialError::NoneHealthy,
            false => DialError::Exhausted { attempts },
        }
    }
}

/// Tries the addresses of one endpoint.
async fn attempt(
    inner: &Inner,
    endpoint: &Arc<Endpoint>,
    until: Instant,
    limits: &DialLimits,
    failed: &mut Vec<Attempt>,
) -> Tried {
    let mut attempts = Attempts {
        endpoint,
        failed,
        is_blamed: false,
        is_late: false,
    };
    let began = Instant::now();
    let is_cut_short = until < began + limits.attempt.min(YEAR);
    let addresses = match endpoint.shared_addresses().known(until).await {
        Ok(addresses) => addresses,
        Err(why) => return attempts.fail(None, AttemptError::Unresolved(why)),
    };
    let mut tried = Tried::Failed;
    for (nth, &address) in addresses.iter().enumerate() {
        // The endpoint has the time of one attempt, whole for the first of its addresses.
        let spent = if nth == 0 {
            Duration::ZERO
        } else {
            began.elapsed()
        };
        let own = limits.attempt.saturating_sub(spent);
        let left = own.min(until.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            attempts.fail(Some(address), AttemptError::NotTried);
            break;
        }
        // Half of what is left for each, all of it for the last: one that is silent does not keep
        // the others from being tried.
        let is_last = nth + 1 == addresses.len();
        let limit = if is_last { left } else { left / 2 };
        tried = match open(endpoint, address, limit, &limits.options).await {
            Ok(stream) => return Tried::Connected(stream, address),
            Err(error) => attempts.fail(Some(address), error),
        };
        if matches!(tried, Tried::Hopeless) {
            break;
        }
    }
    if attempts.is_blamed && !(is_cut_short && attempts.is_late) {
        inner.refused(endpoint);
    }
    tried
}

/// What stands for times that are longer.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// The moment that lies so far ahead.
fn after(time: Duration) -> Instant {
    Instant::now() + time.min(YEAR)
}

/// Notes the failed attempts at one endpoint.
struct Attempts<'a> {
    endpoint: &'a Arc<Endpoint>,
    failed: &'a mut Vec<Attempt>,
    /// Whether one of them says something about the endpoint.
    is_blamed: bool,
    /// Whether one of them ended for want of time.
    is_late: bool,
}

impl Attempts<'_> {
    fn fail(&mut self, address: Option<SocketAddr>, error: AttemptError) -> Tried {
        let tried = match error.is_resource() {
            true => Tried::Hopeless,
            false => Tried::Failed,
        };
        self.is_late |= error.is_timeout();
        if error.blames_the_endpoint() {
            self.endpoint.refused(&error);
            self.is_blamed = true;
        }
        let endpoint = Arc::clone(self.endpoint);
        self.failed.push(Attempt {
            endpoint,
            address,
            error,
        });
        tried
    }
}

/// Connects to one address, and shakes hands where the endpoint wants TLS.
async fn open(
    endpoint: &Endpoint,
    address: SocketAddr,
    limit: Duration,
    options: &TcpOptions,
) -> Result<Stream, AttemptError> {
    let began = Instant::now();
    let tcp = connect(address, limit, options).await?;
    let Some(tls) = endpoint.tls() else {
        return Ok(tcp.into());
    };
    let left = limit.saturating_sub(began.elapsed());
    // Boxed: only few endpoints have it, and it is larger than all else.
    Ok(Box::pin(tls.connect(tcp, left)).await?)
}
