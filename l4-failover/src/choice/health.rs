//! Whether one endpoint is up, with hysteresis.

use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::policy::HealthPolicy;

/// How long an endpoint without checks is ejected, at first and at most.
const EJECTED_MIN: Duration = Duration::from_secs(1);
const EJECTED_MAX: Duration = Duration::from_secs(60);

/// The health of one endpoint: it goes down after `fall` failures in a row and comes back after
/// `rise` successes. It counts as up at the start, and the first check decides.
#[derive(Clone, Debug)]
pub struct Health {
    is_up: bool,
    /// When it last went up or down; none as long as it has not.
    changed: Option<Instant>,
    /// Whether a check has ever said anything.
    is_checked: bool,
    /// While up the failures in a row, while down the successes.
    streak: u32,
    /// When a failure was last counted, and whether it was a dial that failed.
    counted: Option<(Instant, Witness)>,
    ejected_until: Option<Instant>,
    ejections: Backoff,
    /// An ejection is over, and nobody has tried since whether it answers.
    is_unproven: bool,
    /// When somebody last went to try.
    tried: Option<Instant>,
}

/// Who saw a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Witness {
    Check,
    Dial,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            is_up: true,
            changed: None,
            is_checked: false,
            streak: 0,
            counted: None,
            ejected_until: None,
            ejections: Backoff::new(EJECTED_MIN, EJECTED_MAX),
            is_unproven: false,
            tried: None,
        }
    }
}

impl Health {
    /// Whether it counts as up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// When it last went up or down; none as long as it has not.
    #[must_use]
    pub fn changed(&self) -> Option<Instant> {
        self.changed
    }

    /// While up the failures in a row, while down the successes.
    #[must_use]
    pub fn streak(&self) -> u32 {
        self.streak
    }

    /// Whether the next check should come sooner than usual: what was seen last contradicts what
    /// it counts as.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        self.streak > 0
    }

    /// When an ejection ends.
    #[must_use]
    pub fn ejected_until(&self) -> Option<Instant> {
        self.ejected_until
    }

    /// A check succeeded, or failed. Whether the endpoint went up or down.
    pub(super) fn checked(&mut self, good: bool, now: Instant, policy: &HealthPolicy) -> bool {
        let is_first = !std::mem::replace(&mut self.is_checked, true);
        if good == self.is_up {
            self.streak = 0;
            return false;
        }
        let counts = good || self.counts(Witness::Check, now, policy);
        if !counts && !is_first {
            return false;
        }
        let needed = if self.is_up { policy.fall } else { policy.rise };
        self.streak += 1;
        if is_first || self.streak >= needed {
            self.turn(now);
            return true;
        }
        false
    }

    /// A dial failed. Whether the endpoint went down.
    pub(super) fn refused(&mut self, now: Instant, policy: &HealthPolicy) -> bool {
        if !self.is_up || !self.counts(Witness::Dial, now, policy) {
            return false;
        }
        self.streak += 1;
        if self.streak < policy.fall {
            return false;
        }
        self.turn(now);
        if !policy.is_checked {
            self.ejected_until = Some(now + self.ejections.next_wait());
        }
        true
    }

    /// Whether a check has ever said anything.
    pub(super) fn is_seen(&self) -> bool {
        self.is_checked
    }

    /// Whether it counts as up, and not for want of anybody who tried.
    pub(super) fn is_proven(&self) -> bool {
        self.is_up && !self.is_unproven
    }

    /// Whether a dial should go and try whether it answers: one at a time.
    pub(super) fn wants_trial(&self, now: Instant, policy: &HealthPolicy) -> bool {
        let is_recent = |tried| now.saturating_duration_since(tried) < policy.fast_interval;
        let is_unchecked = !policy.is_checked;
        is_unchecked && self.is_up && self.is_unproven && !self.tried.is_some_and(is_recent)
    }

    /// A dial goes and tries.
    pub(super) fn try_at(&mut self, now: Instant) {
        self.tried = Some(now);
    }

    /// A dial ended in a connection. Whether the endpoint came up: where checks decide, a
    /// connection says nothing that they do not.
    pub(super) fn answered(&mut self, now: Instant, policy: &HealthPolicy) -> bool {
        if policy.is_checked {
            return false;
        }
        self.ejections.reset();
        self.streak = 0;
        self.is_unproven = false;
        let comes_up = !self.is_up;
        if comes_up {
            self.turn(now);
            self.ejected_until = None;
        }
        comes_up
    }

    /// Time has passed: an ejection may be over. Whether the endpoint came up; it is on probation
    /// then, and the next failure ejects it again.
    pub(super) fn tick(&mut self, now: Instant, policy: &HealthPolicy) -> bool {
        if self.ejected_until.is_none_or(|until| until > now) {
            return false;
        }
        self.turn(now);
        self.ejected_until = None;
        self.is_unproven = true;
        self.tried = None;
        self.streak = policy.fall.saturating_sub(1);
        true
    }

    /// Checks begin, or end, by a change of the configuration: what the others said is void.
    pub(super) fn adopt(&mut self, policy: &HealthPolicy) {
        let was_checked = self.is_checked;
        let was_ejected = self.ejected_until.is_some();
        if (policy.is_checked && was_ejected) || (!policy.is_checked && was_checked) {
            *self = Self::default();
        }
    }

    /// Whether a failure counts: what a dial saw, and what a check or another dial sees at nearly
    /// the same time, are one.
    fn counts(&mut self, witness: Witness, now: Instant, policy: &HealthPolicy) -> bool {
        let is_known = self.counted.is_some_and(|(at, earlier)| {
            let is_recent = now.saturating_duration_since(at) < policy.fast_interval;
            is_recent && (witness, earlier) != (Witness::Check, Witness::Check)
        });
        if !is_known {
            self.counted = Some((now, witness));
        }
        !is_known
    }

    fn turn(&mut self, now: Instant) {
        self.is_up = !self.is_up;
        self.changed = Some(now);
        self.streak = 0;
        self.counted = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: HealthPolicy = HealthPolicy {
        is_checked: true,
        rise: 3,
        fall: 3,
        fast_interval: Duration::from_secs(1),
    };
    const UNCHECKED: HealthPolicy = HealthPolicy {
        is_checked: false,
        ..POLICY
    };

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// A health that a first check has found good.
    fn settled(start: Instant) -> Health {
        let mut health = Health::default();
        assert!(!health.checked(true, start, &POLICY));
        health
    }

    #[test]
    fn three_failures_in_a_row_take_it_down_and_three_successes_bring_it_back() {
        let start = Instant::now();
        let mut health = settled(start);
        let verdicts = [
            false, false, true, false, false, false, true, false, true, true, true,
        ];
        let ups = verdicts.iter().enumerate().map(|(nth, good)| {
            health.checked(*good, start + seconds(nth as f64), &POLICY);
            health.is_up()
        });
        let wanted = [
            true, true, true, true, true, false, false, false, false, false, true,
        ];
        assert_eq!(ups.collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn the_first_check_decides() {
        let mut health = Health::default();
        assert!(health.is_up());
        assert!(health.checked(false, Instant::now(), &POLICY));
        assert!(!health.is_up());
    }

    #[test]
    fn refusals_at_nearly_one_time_are_one() {
        let start = Instant::now();
        let mut health = settled(start);
        for nth in 0..100 {
            health.refused(start + seconds(0.0001 * f64::from(nth)), &POLICY);
        }
        // The check that they started sees the same.
        health.checked(false, start + seconds(0.02), &POLICY);
        assert_eq!((health.is_up(), health.streak()), (true, 1));
        health.checked(false, start + seconds(1.02), &POLICY);
        health.refused(start + seconds(1.5), &POLICY);
        assert_eq!((health.is_up(), health.streak()), (true, 2));
        assert!(health.checked(false, start + seconds(2.02), &POLICY));
    }

    #[test]
    fn a_restart_that_refuses_for_a_moment_takes_nothing_down() {
        let start = Instant::now();
        let mut health = settled(start);
        for ms in 0..900 {
            health.refused(start + seconds(f64::from(ms) / 1000.0), &POLICY);
        }
        health.checked(false, start + seconds(0.5), &POLICY);
        health.checked(true, start + seconds(1.5), &POLICY);
        assert_eq!((health.is_up(), health.streak()), (true, 0));
    }

    #[test]
    fn frequent_checks_all_count() {
        let start = Instant::now();
        let mut health = settled(start);
        for nth in 0..3 {
            health.checked(false, start + seconds(0.1 * f64::from(nth)), &POLICY);
        }
        assert!(!health.is_up());
    }

    #[test]
    fn without_checks_refusals_eject_for_a_time_that_doubles() {
        let start = Instant::now();
        let mut health = Health::default();
        let mut now = start;
        for _ in 0..3 {
            now += seconds(1.0);
            health.refused(now, &UNCHECKED);
        }
        assert!(!health.is_up());
        for wait in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0] {
            assert_eq!(health.ejected_until(), Some(now + seconds(wait)));
            assert!(!health.tick(now + seconds(wait - 0.01), &UNCHECKED));
            now += seconds(wait);
            assert!(health.tick(now, &UNCHECKED));
            // On probation: one refusal ejects it again.
            assert!(health.refused(now, &UNCHECKED));
        }
        // Nobody else is left, it is tried all the same, and it answers.
        assert!(health.answered(now, &UNCHECKED));
        assert!(health.is_up() && health.ejected_until().is_none());
        assert!(!health.refused(now + seconds(2.0), &UNCHECKED));
    }

    #[test]
    fn a_connection_proves_nothing_where_checks_decide() {
        let start = Instant::now();
        let mut health = Health::default();
        health.checked(false, start, &POLICY);
        assert!(!health.answered(start, &POLICY));
        assert!(!health.is_up());
    }
}
