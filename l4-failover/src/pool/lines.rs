//! One endpoint at a time, for whoever decides itself what becomes of a connection.

use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::dial::{Tried, after, attempt};
use super::error::AttemptError;
use super::event::Happened;
use super::inner::Inner;
use super::{Endpoint, Lease, Pool, Reach};
use crate::choice::{Failback, Request, State};
use crate::socket::Stream;

/// An endpoint that was chosen, and counts a session for it until this is dropped, connected or
/// not.
#[derive(Debug)]
pub struct Leased {
    inner: Arc<Inner>,
    lease: Lease,
    is_spilled: bool,
}

impl Pool {
    /// The endpoint that a dial for a client at `source` would try next, had it tried those of `but`:
    /// of the active tier, or where the policy allows. None if nobody is left.
    ///
    /// ```
    /// use l4_failover::Pool;
    /// use std::time::Duration;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    /// # let dead = { let gone = std::net::TcpListener::bind("127.0.0.1:0")?; gone.local_addr()? };
    /// # let (primary, backup) = (dead.to_string(), server.local_addr()?.to_string());
    /// let pool = Pool::builder().primary(&primary).backup(&backup).build()?;
    /// let first = pool.lease(None, &[]).ok_or("nobody is left")?;
    /// assert!(pool.is_active(first.endpoint()) && !first.is_spilled());
    /// assert!(first.open(Duration::from_secs(1)).await.is_err()); // it refused
    ///
    /// let tried = [first.endpoint().clone()];
    /// let second = pool.lease(None, &tried).ok_or("nobody is left")?;
    /// let (stream, address) = second.open(Duration::from_secs(1)).await?;
    /// assert!(second.is_spilled());
    /// # drop((stream, address));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn lease(&self, source: Option<IpAddr>, but: &[Arc<Endpoint>]) -> Option<Leased> {
        self.leased(but, source, false)
    }

    /// The endpoint for a line that stands by beside others, of which none leads to those of `but`: of
    /// the first tier that has one, active or not, and whatever [`Dial`](crate::choice::Dial) says. None
    /// if nobody is left.
    #[must_use]
    pub fn lease_standby(&self, source: Option<IpAddr>, but: &[Arc<Endpoint>]) -> Option<Leased> {
        self.leased(but, source, true)
    }

    fn leased(
        &self,
        but: &[Arc<Endpoint>],
        source: Option<IpAddr>,
        is_standby: bool,
    ) -> Option<Leased> {
        let request = Request {
            source,
            is_standby,
            ..Request::default()
        };
        let (lease, is_spilled) = self.0.pick(but, request)?;
        Some(Leased {
            inner: Arc::clone(&self.0),
            lease,
            is_spilled,
        })
    }

    /// Whether the endpoint is in the tier that is active now; one that a reload took out is not.
    #[must_use]
    pub fn is_active(&self, endpoint: &Endpoint) -> bool {
        let state = self.0.state();
        let counted = endpoint
            .place()
            .and_then(|place| state.choice.endpoints().get(place));
        counted.is_some_and(|counted| counted.tier() == state.choice.active())
    }

    /// Whether an operator took the endpoint out.
    #[must_use]
    pub fn is_in_maintenance(&self, endpoint: &Endpoint) -> bool {
        let state = self.0.state();
        let counted = endpoint
            .place()
            .and_then(|place| state.choice.endpoints().get(place));
        counted.is_some_and(|counted| counted.maintenance().is_some())
    }
}

impl Pool {
    /// Whether an endpoint of the tier that is active now is healthy.
    #[must_use]
    pub fn is_active_healthy(&self) -> bool {
        let state = self.0.state();
        let mut counted = state.choice.tier(state.choice.active()).iter();
        counted.any(|endpoint| endpoint.state() == State::Up)
    }

    /// How long whoever was carried outside of the active tier stays there before it returns by
    /// itself; none where that is the operator's to say.
    #[must_use]
    pub fn hold_down(&self) -> Option<Duration> {
        let state = self.0.state();
        let policy = &state.options.policy;
        (policy.failback == Failback::Auto).then_some(policy.hold_down)
    }

    /// Tells whoever listens.
    pub(crate) fn tell(&self, what: Happened) {
        self.0.tell(what);
    }
}

impl Leased {
    /// Connects to this endpoint alone, within `limit`, at any of its addresses; over TLS where it
    /// has that. A refusal counts as one of a dial: it starts a check. A `limit` below that of the
    /// pool's own attempts, or no time left for a look-up of the name, is not held against it.
    ///
    /// # Errors
    ///
    /// [`AttemptError`]: why the last address that was tried failed.
    pub async fn open(&self, limit: Duration) -> Result<(Stream, SocketAddr), AttemptError> {
        let (limits, _) = self.inner.dial_options(Reach::All);
        let (endpoint, mut failed) = (self.lease.endpoint(), Vec::new());
        let tried = attempt(&self.inner, endpoint, after(limit), &limits, &mut failed).await;
        match (tried, failed.pop()) {
            (Tried::Connected(stream, address), _) => {
                self.inner.answered(endpoint, self.is_spilled);
                Ok((stream, address))
            }
            (Tried::Failed | Tried::Hopeless, Some(last)) => Err(last.error),
            (Tried::Failed | Tried::Hopeless, None) => Err(AttemptError::NotTried),
        }
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        self.lease.endpoint()
    }

    /// Whether it is outside of the active tier.
    #[must_use]
    pub fn is_spilled(&self) -> bool {
        self.is_spilled
    }
}

impl Deref for Leased {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.lease
    }
}
