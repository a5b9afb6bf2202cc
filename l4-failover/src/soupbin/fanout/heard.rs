//! What the lines of one login of a port said of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tracing::warn;

use super::begin::{Ended, Said};
use crate::pool::Endpoint;
use crate::soupbin::bridge::Told;
use crate::soupbin::bridge::refusals::is_refusal;
use crate::soupbin::join::{End, JoinEvent, LineFault};
use crate::soupbin::packet::Reject;

/// What the lines of one login said. They are told of in another task, which is waited for, by way of
/// a lock, before it is looked at.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// One refused the credentials.
    is_refused: AtomicBool,
    /// One said that there is no such session, or that there is another.
    is_gone: AtomicBool,
    /// How long the line that is joined took to answer, in microseconds.
    answered_us: AtomicU64,
    /// Where that line leads.
    joined: Mutex<Option<Arc<Endpoint>>>,
}

impl Heard {
    pub(super) fn hear(&self, told: &Told<'_>) {
        match told.event {
            JoinEvent::LineDown { fault, .. } if is_refusal(fault) => {
                self.is_refused.store(true, Relaxed);
            }
            JoinEvent::LineDown {
                fault:
                    LineFault::Rejected(Reject::SessionUnavailable) | LineFault::OtherSession { .. },
                ..
            } => self.is_gone.store(true, Relaxed),
            JoinEvent::Joined(joined) => {
                let answered_us = joined.took.login.as_micros() as u64;
                self.answered_us.store(answered_us, Relaxed);
                self.is_refused.store(false, Relaxed);
                *self.lock() = Some(Arc::clone(told.names.endpoint(joined.to)));
            }
            JoinEvent::StandingBy { .. } => self.is_refused.store(false, Relaxed),
            _ => {}
        }
    }

    /// Whether lines said that there is no such session.
    pub(super) fn gone(&self) -> Said {
        match (self.is_gone.load(Relaxed), self.is_refused.load(Relaxed)) {
            (true, false) => Said::Gone,
            // Who refuses a login has said nothing of its session.
            (true, true) => Said::GoneByOne,
            (false, _) => Said::Nothing,
        }
    }

    /// Where the line leads that was joined last.
    pub(super) fn joined(&self) -> Option<Arc<Endpoint>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Endpoint>>> {
        self.joined.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the line that is joined took to answer.
    pub(super) fn round_trip(&self) -> Duration {
        Duration::from_micros(self.answered_us.load(Relaxed))
    }

    /// Says why there is no login.
    pub(super) fn say(&self, port: &str, ended: &Ended) {
        match ended {
            Ended::Refused(..) if self.is_refused.load(Relaxed) => {
                warn!(target: "feed", port, "the exchange refuses this port's own login: see to the username and password_file of its targets; consumers are told that the session is not available");
            }
            Ended::Lost(_, End::EndOfSession) => {}
            Ended::Lost(_, end) | Ended::Refused(end, _) => {
                warn!(target: "feed", port, reason = %end, "the port's login has ended");
            }
            Ended::Behind => {
                warn!(target: "feed", port, "the port's login has ended: its line stands behind what is kept");
            }
            // What follows is said by what is done about it.
            Ended::StillOver | Ended::TooLong(_) | Ended::Another => {}
            Ended::Apart(apart, _) => {
                warn!(target: "feed", port, reason = %apart, "a line does not go on with what is kept");
            }
        }
    }
}
