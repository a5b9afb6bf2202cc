//! Endpoints that are not to be asked for a while: their servers said that a username and password are
//! wrong, and exchanges count such logins, and lock an account out after a few; or their lines do not go on
//! with what is held.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::watch::Told;
use crate::pool::Endpoint;
use crate::soupbin::join::{JoinEvent, LineFault, NOT_AUTHORIZED};
use crate::soupbin::packet::Reject;

/// Those that are not to be asked again yet, beyond the one login that found it out. Only of logins with
/// the same credentials: those of the targets themselves.
#[derive(Debug, Default)]
pub(in crate::soupbin) struct Refusals(Mutex<Vec<Refusal>>);

/// One of them.
#[derive(Clone, Debug)]
pub(in crate::soupbin) struct Refusal {
    pub(in crate::soupbin) endpoint: Arc<Endpoint>,
    /// Not before then is it asked again.
    pub(in crate::soupbin) until: Instant,
    /// Whether its line did not go on with what is held, and its server let it in.
    is_apart: bool,
}

impl Refusals {
    /// Something happened to a line.
    pub(in crate::soupbin) fn heard(&self, told: Told<'_>) {
        match told.event {
            JoinEvent::LineDown { target, fault, .. } if is_refusal(fault) => {
                self.refused(told.names.endpoint(*target));
            }
            JoinEvent::Joined(joined) => self.welcomed(told.names.endpoint(joined.to)),
            JoinEvent::StandingBy { target, .. } => self.welcomed(told.names.endpoint(*target)),
            _ => {}
        }
    }

    fn refused(&self, endpoint: &Arc<Endpoint>) {
        self.rests(endpoint, NOT_AUTHORIZED, false);
    }

    /// Its line does not go on with what is held, or not yet; it rests for so long.
    pub(in crate::soupbin) fn is_apart(&self, endpoint: &Arc<Endpoint>, time: Duration) {
        self.rests(endpoint, time, true);
    }

    fn rests(&self, endpoint: &Arc<Endpoint>, time: Duration, is_apart: bool) {
        self.welcomed(endpoint);
        self.lock().push(Refusal {
            endpoint: Arc::clone(endpoint),
            until: Instant::now() + time,
            is_apart,
        });
    }

    fn welcomed(&self, endpoint: &Endpoint) {
        self.lock().retain(|it| !it.endpoint.is(endpoint));
    }

    /// Those that are not to be asked yet: each endpoint once at most.
    pub(in crate::soupbin) fn now(&self) -> Vec<Refusal> {
        let (mut all, now) = (self.lock(), Instant::now());
        all.retain(|it| it.until > now);
        all.clone()
    }

    /// When the first of those that refused may be asked again.
    pub(in crate::soupbin) fn first_over(&self) -> Option<Instant> {
        let now = self.now();
        let refused = now.iter().filter(|it| !it.is_apart);
        refused.map(|it| it.until).min()
    }

    /// Nothing is held any more with which a line could not go on.
    pub(in crate::soupbin) fn forget_apart(&self) {
        self.lock().retain(|it| !it.is_apart);
    }

    /// The credentials may be others now.
    pub(in crate::soupbin) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Refusal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a line failed because the credentials are wrong.
pub(in crate::soupbin) fn is_refusal(fault: &LineFault) -> bool {
    *fault == LineFault::Rejected(Reject::NotAuthorized)
}
