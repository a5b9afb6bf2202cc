//! One dial: endpoint after endpoint, until one answers.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::error::{Attempt, AttemptError, DialError, LedNowhere};
use super::{Endpoint, EndpointOptions, Inner, Lease, Pool};
use crate::choice::{Dial, NoneHealthy, Request};
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
    /// The attempts that failed before; of a [`Dialling`], which goes on, it has them itself.
    pub failed: Vec<Attempt>,
}

/// What one attempt came to.
pub(super) enum Tried {
    Connected(Stream, SocketAddr),
    Failed,
    /// Out of descriptors: the next endpoint would fare no better, and would be blamed for it.
    Hopeless,
}

/// Which endpoints of a pool a dial may go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// All.
    #[default]
    All,
    /// Those of the first tiers, before any that only [leads on](super::EndpointOptions::leads_on):
    /// for whoever was led here already, so that nothing goes in a circle.
    Own,
}

impl Reach {
    /// The shorter of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, Self::All) => Self::All,
            _ => Self::Own,
        }
    }
}

/// A dial that is under way: one endpoint after another, until one answers, and beyond, while whoever
/// dials finds that an answer was none.
///
/// ```
/// use l4_failover::{LedNowhere, Pool, Reach};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let (one, two) = (tokio::net::TcpListener::bind("127.0.0.1:0").await?, tokio::net::TcpListener::bind("127.0.0.1:0").await?);
/// # let (primary, backup) = (one.local_addr()?.to_string(), two.local_addr()?.to_string());
/// let pool = Pool::builder().primary(&primary).backup(&backup).build()?;
/// let mut dial = pool.dial(None, Reach::All);
/// let first = dial.next().await?;
/// // It took the request, and closed without a word.
/// dial.led_nowhere(first.endpoint, first.address, LedNowhere::Closed);
/// let second = dial.next().await?;
/// assert_eq!(**second.endpoint.name(), *backup);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Dialling<'p> {
    inner: &'p Inner,
    request: Request,
    limits: DialLimits,
    until: Instant,
    tried: Vec<Arc<Endpoint>>,
    failed: Vec<Attempt>,
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
        let mut dial = self.dial(source, Reach::All);
        let connected = dial.next().await?;
        Ok(Connected {
            failed: dial.failed,
            ..connected
        })
    }

    /// Begins a dial, for a client at `source`, whose time is counted from here.
    #[must_use]
    pub fn dial(&self, source: Option<IpAddr>, reach: Reach) -> Dialling<'_> {
        let (limits, tiers) = self.0.dial_options(reach);
        Dialling {
            inner: &self.0,
            request: Request {
                source,
                tiers,
                ..Request::default()
            },
            until: after(limits.total),
            limits,
            tried: Vec::new(),
            failed: Vec::new(),
        }
    }
}

impl Dialling<'_> {
    /// Connects to the next endpoint that was not tried yet.
    ///
    /// # Errors
    ///
    /// [`DialError`], as [`Pool::connect`] has it. The dial is over.
    pub async fn next(&mut self) -> Result<Connected, DialError> {
        while let Some((lease, is_spilled)) = self.inner.pick(&self.tried, self.request) {
            match self.attempt(lease.endpoint()).await {
                Tried::Connected(stream, address) => {
                    self.inner.answered(lease.endpoint(), is_spilled);
                    if lease.is_cut() && Instant::now() < self.until {
                        // What it is on was left while it was being dialled: nothing is promised
                        // yet, and whoever is active now does better.
                        continue;
                    }
                    return Ok(Connected {
                        stream,
                        address,
                        endpoint: lease,
                        is_spilled,
                        failed: Vec::new(),
                    });
                }
                Tried::Failed => self.tried.push(Arc::clone(lease.endpoint())),
                Tried::Hopeless => break,
            }
        }
        Err(self.exhausted())
    }

    /// What the endpoint leads on to answered: the dial is over.
    pub fn led_on(&self, endpoint: &Lease) {
        self.inner.led(endpoint.endpoint(), true);
    }

    /// The endpoint connected, and then led nowhere: the next one is another. This counts against
    /// it for this pool, whatever checks say of the endpoint itself.
    pub fn led_nowhere(&mut self, endpoint: Lease, address: SocketAddr, why: LedNowhere) {
        let error = AttemptError::from(why);
        endpoint.endpoint().refused(&error);
        match &error {
            // That says something of the endpoint itself.
            AttemptError::LedNowhere(LedNowhere::Silent(_)) => {
                self.inner.refused(endpoint.endpoint());
            }
            _ => self.inner.led(endpoint.endpoint(), false),
        }
        self.leave(endpoint, address, error);
    }

    /// The same where it says nothing about the endpoint itself, which leads on to many.
    pub fn left(&mut self, endpoint: Lease, address: SocketAddr, why: LedNowhere) {
        self.leave(endpoint, address, why.into());
    }

    fn leave(&mut self, endpoint: Lease, address: SocketAddr, error: AttemptError) {
        let endpoint = Arc::clone(endpoint.endpoint());
        self.tried.push(Arc::clone(&endpoint));
        self.failed.push(Attempt {
            endpoint,
            address: Some(address),
            error,
        });
    }

    /// Whether, after `current`, this dial could go on to an endpoint that is healthy.
    #[must_use]
    pub fn has_others(&self, current: &Lease) -> bool {
        let state = self.inner.state();
        let counted = state.endpoints.iter().zip(state.choice.endpoints());
        let is_any = state.options.policy.dial == Dial::Any;
        let tiers = self.request.tiers.unwrap_or(usize::MAX);
        let mut others = counted.filter(|(endpoint, counted)| {
            let is_in_reach = counted.tier() < tiers;
            let may_go = is_any || counted.tier() == state.choice.active();
            let is_tried = self.tried.iter().any(|it| it.is(endpoint));
            is_in_reach && may_go && !is_tried && !current.endpoint().is(endpoint)
        });
        others.any(|(_, counted)| counted.state() == crate::choice::State::Up)
    }

    /// What is left of the dial's time.
    #[must_use]
    pub fn left_time(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// The attempts that failed so far.
    #[must_use]
    pub fn failed(&self) -> &[Attempt] {
        &self.failed
    }

    async fn attempt(&mut self, endpoint: &Arc<Endpoint>) -> Tried {
        let (until, limits) = (self.until, &self.limits);
        attempt(self.inner, endpoint, until, limits, &mut self.failed).await
    }

    fn exhausted(&mut self) -> DialError {
        let (tried, failed) = (&self.tried, std::mem::take(&mut self.failed));
        match failed.iter().any(|it| it.error.is_resource()) {
            true => DialError::Exhausted { attempts: failed },
            false => self.inner.exhausted(tried, failed),
        }
    }
}

impl Inner {
    /// The bounds of a dial, and how many tiers are within its reach.
    pub(super) fn dial_options(&self, reach: Reach) -> (DialLimits, Option<usize>) {
        let options = &self.state().options;
        let leads_on = |tier: &Vec<EndpointOptions>| tier.iter().any(|it| it.leads_on);
        let tiers = match reach {
            Reach::All => None,
            Reach::Own => options.tiers.iter().position(leads_on),
        };
        (options.dial, tiers)
    }

    /// The endpoint to try next, with a session of it that is counted already.
    pub(super) fn pick(&self, tried: &[Arc<Endpoint>], request: Request) -> Option<(Lease, bool)> {
        if request.tiers == Some(0) {
            return None;
        }
        let mut state = self.state();
        let state = &mut *state;
        let tried: Vec<usize> = tried.iter().filter_map(|it| it.place()).collect();
        let random = state.random.u64(..);
        let (endpoints, now) = (&state.endpoints, Instant::now().into_std());
        let load = |place: usize| endpoints[place].active();
        let request = Request { random, ..request };
        let pick = state.choice.pick(&tried, request, load, now)?;
        Some((Lease::new(&endpoints[pick.endpoint]), pick.is_spilled))
    }

    /// Why nobody is left to try: endpoints that are full, or out, are said too.
    fn exhausted(&self, tried: &[Arc<Endpoint>], mut attempts: Vec<Attempt>) -> DialError {
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
pub(super) async fn attempt(
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
pub(super) fn after(time: Duration) -> Instant {
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
