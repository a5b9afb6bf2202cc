//! What is known of the places where lines may lead.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::action::TargetId;
use super::event::LineFault;
use crate::soupbin::packet::Reject;

/// The shortest time before a target is tried again.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(50);
/// The longest, while a consumer has no line: an outage has only some seconds.
pub(super) const REST_MAX_WAITING: Duration = Duration::from_millis(500);
/// For so long a consumer waits as a rule. One that waits for longer is in no hurry, and servers that
/// are gone for longer are not called twice a second.
pub(super) const LONG_WAIT: Duration = Duration::from_secs(5);
/// The longest, while it has one, and another is preferred.
pub(super) const REST_MAX: Duration = Duration::from_secs(5);
/// Exchanges hold a dead login for a while, and count attempts.
pub(in crate::soupbin) const NOT_AUTHORIZED: Duration = Duration::from_secs(30);
/// A joined line that lived for less died of being joined, as where a server drops who has got its
/// first messages: going from one such target to the other and back is not done without a rest.
pub(super) const SOON: Duration = Duration::from_millis(250);
/// A line that lived for so long was a good one: its target is tried again at once.
pub(super) const STABLE: Duration = Duration::from_secs(10);

/// A target that comes up and goes down all the time is tried once in this time for that.
const WAKE_MIN: Duration = Duration::from_secs(1);

/// All targets that a line was ever dialled to, or that came up.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets(Vec<Known>);

/// What is known of one.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) id: TargetId,
    /// Why its last line failed; none while it has one that has not.
    pub(super) fault: Option<LineFault>,
    /// It knows the session, but not a number that far back: the next number is asked for.
    pub(super) is_asked_at_next: bool,
    /// Its last line got so far as to be accepted.
    pub(super) was_up: bool,
    /// Its last line was joined, and died soon.
    pub(super) died_soon: bool,
    /// Its last line said that the session is over.
    pub(super) has_ended: bool,
    /// The number under which it carries another message than the consumer got: it is out.
    pub(super) diverged: Option<u64>,
    /// Not before then is it tried again.
    pub(super) retry_at: Option<Instant>,
    retry_after: Duration,
    /// When it was woken last, or is to be.
    woken: Option<Instant>,
}

impl Targets {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.iter()
    }

    pub(super) fn get(&mut self, id: TargetId) -> &mut Known {
        let place = self.0.iter().position(|known| known.id == id);
        let place = place.unwrap_or_else(|| {
            self.0.push(Known {
                id,
                fault: None,
                is_asked_at_next: false,
                was_up: false,
                died_soon: false,
                has_ended: false,
                diverged: None,
                retry_at: None,
                retry_after: RETRY_MIN,
                woken: None,
            });
            self.0.len() - 1
        });
        &mut self.0[place]
    }

    pub(super) fn find(&self, id: TargetId) -> Option<&Known> {
        self.0.iter().find(|known| known.id == id)
    }

    /// Those that diverged may be tried again: they must show anew what they carry.
    pub(super) fn forgive_diverged(&mut self) {
        self.0.iter_mut().for_each(Known::forgive);
    }

    /// Those that are out, or that it is too early to try again.
    pub(super) fn resting(&self, now: Instant) -> impl Iterator<Item = TargetId> {
        let resting = self.0.iter().filter(move |known| known.is_resting(now));
        resting.map(|known| known.id)
    }

    /// When the first of those may be tried again.
    pub(super) fn rested(&self, now: Instant) -> Option<Instant> {
        let times = self.0.iter().filter_map(|known| known.retry_at);
        times.filter(|at| *at > now).min()
    }

    /// None rests for longer than until then, unless it must.
    pub(super) fn hasten(&mut self, until: Instant) {
        for known in self.0.iter_mut().filter(|known| !known.is_locked_out()) {
            known.retry_at = known.retry_at.map(|at| at.min(until));
        }
    }

    /// A new search, after a line to `lost`: each other target may be tried at once, unless it must
    /// not, or its last line died as soon as that one.
    pub(super) fn forgive_others(&mut self, lost: TargetId) {
        let has_died_soon = self.find(lost).is_some_and(|known| known.died_soon);
        let others = self.0.iter_mut().filter(|known| known.id != lost);
        let others = others.filter(|known| !(has_died_soon && known.died_soon));
        for known in others.filter(|known| !known.is_locked_out()) {
            known.retry_at = None;
            known.retry_after = RETRY_MIN;
        }
    }
}

impl Known {
    /// Whether it has nothing more to say of a session that is said to be over.
    pub(super) fn is_through(&self) -> bool {
        let is_out = matches!(
            self.fault,
            Some(
                LineFault::Rejected(_)
                    | LineFault::OtherSession { .. }
                    | LineFault::EndedEarly { .. }
            )
        );
        self.has_ended || is_out
    }

    fn is_locked_out(&self) -> bool {
        matches!(self.fault, Some(LineFault::Rejected(Reject::NotAuthorized)))
    }

    fn is_resting(&self, now: Instant) -> bool {
        self.diverged.is_some() || self.retry_at.is_some_and(|at| at > now)
    }

    /// Its line failed, after it had lived for so long.
    pub(super) fn failed(
        &mut self,
        fault: LineFault,
        lived: Duration,
        rest_max: Duration,
        random: &mut Rng,
        now: Instant,
    ) {
        if lived >= STABLE {
            self.retry_after = RETRY_MIN;
        }
        let rest = match fault {
            LineFault::Rejected(Reject::NotAuthorized) => NOT_AUTHORIZED,
            _ => self.back_off(rest_max, random),
        };
        self.retry_at = Some(now + rest);
        self.has_ended = false;
        self.fault = Some(fault);
    }

    /// It refuses these credentials.
    pub(super) fn refused(&mut self, until: Instant) {
        self.fault = Some(LineFault::Rejected(Reject::NotAuthorized));
        self.retry_at = Some(until);
    }

    /// It is not to be tried again before then.
    pub(super) fn rest_until(&mut self, at: Instant) {
        self.retry_at = Some(at);
    }

    /// It may be tried at once.
    pub(super) fn rested(&mut self) {
        self.retry_at = None;
    }

    /// It came up: it may be tried after `pause`, unless that was said a moment ago, or it is locked
    /// out. When. The next rest is as long as if it had not.
    pub(super) fn wake(&mut self, now: Instant, pause: Duration) -> Instant {
        let soon = now + pause;
        let at = match self.woken {
            Some(pending) if pending > now => pending,
            Some(before) => soon.max(before + WAKE_MIN),
            None => soon,
        };
        self.woken = Some(at);
        if !self.is_locked_out() {
            self.retry_at = self.retry_at.map(|until| until.min(at));
        }
        at
    }

    /// If it diverged, it may be tried again.
    pub(super) fn forgive(&mut self) {
        if self.diverged.take().is_some() {
            self.retry_at = None;
        }
    }

    /// Its line was joined, or stands by.
    pub(super) fn joined(&mut self) {
        self.fault = None;
        self.has_ended = false;
        self.is_asked_at_next = false;
        self.retry_at = None;
    }

    /// Decorrelated jitter: between the shortest time and three times the last.
    fn back_off(&mut self, rest_max: Duration, random: &mut Rng) -> Duration {
        let rest = self.retry_after.min(rest_max);
        let drawn = RETRY_MIN.as_secs_f64()..=(rest * 3).as_secs_f64();
        let span = drawn.end() - drawn.start();
        let next = Duration::from_secs_f64(drawn.start() + random.f64() * span);
        self.retry_after = next.min(rest_max);
        rest
    }
}
