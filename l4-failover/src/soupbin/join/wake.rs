//! A target that was away is back.

use std::time::{Duration, Instant};

use super::action::TargetId;
use super::target::RETRY_MIN;
use super::{Join, Phase};

impl Join {
    /// Checks have seen a target come up, or an operator put it back: it has rested enough for now, and
    /// if a line is looked for, it is looked for again. One that was rejected for want of authority
    /// rests on, and one that diverged stays out. Told again and again, as by checks that flap, this
    /// wakes a target once a second at most.
    pub fn target_up(&mut self, target: TargetId, now: Instant) {
        // Many consumers hear of it at once, and those that have a line are in no hurry.
        let pause = match self.joined() {
            Some(_) => RETRY_MIN.mul_f64(self.random.f64()),
            None => Duration::ZERO,
        };
        let known = self.targets.get(target);
        let rested = known.retry_at;
        let at = known.wake(now, pause);
        let sooner = self.search.nobody_until.map(|until| until.min(at));
        self.search.nobody_until = sooner;
        if let Phase::In(place) = &mut self.phase
            && place.preferred.is_some()
            && place.preferred == rested
        {
            // What is preferred leads there.
            place.preferred = self.targets.get(target).retry_at;
        }
        self.advance(now);
    }
}
