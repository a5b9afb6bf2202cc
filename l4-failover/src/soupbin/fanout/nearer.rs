//! Whether a consumer on a line of its own comes nearer to the history. Pure.

use std::time::{Duration, Instant};

/// In each of these it must come nearer: its line is a login at the exchange, and one of few, which
/// somebody who takes a byte now and then would keep without an end.
const NEARER_WITHIN: Duration = Duration::from_secs(30);
/// All of it takes no longer; who is cut comes back, and goes on where it was.
const CATCH_UP_MAX: Duration = Duration::from_secs(600);
/// Who has all that there is, and stands where a history begins that holds nothing yet, waits no longer
/// for a message to compare by: on a quiet feed there is none, and to come back would bring as little.
const QUIET: Duration = Duration::from_secs(5);

/// How far a consumer is from the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distance {
    /// So many messages are between.
    Messages(u64),
    /// None, and there is nothing to compare by.
    NothingHeld,
}

/// What its time has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has more.
    GoesOn,
    /// It has not come nearer.
    IsOver,
}

/// How it got on until now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nearer {
    began: Instant,
    /// How far it was, and when.
    mark: (u64, Instant),
    /// Whether it has waited for something to compare for long enough.
    pub(super) is_there: bool,
}

impl Nearer {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            mark: (u64::MAX, now),
            is_there: false,
        }
    }

    /// When it is to be [looked at](Self::look).
    pub(super) fn due(&self, distance: Distance) -> Instant {
        let last = self.began + CATCH_UP_MAX;
        match distance {
            // It is not asked twice.
            Distance::NothingHeld if self.is_there => last,
            Distance::NothingHeld => last.min(self.mark.1 + QUIET),
            Distance::Messages(_) => last.min(self.mark.1 + NEARER_WITHIN),
        }
    }

    /// What is to become of it at `now`.
    pub(super) fn look(&mut self, distance: Distance, now: Instant) -> Turn {
        if now < self.due(distance) {
            return Turn::GoesOn;
        }
        let is_late = now >= self.began + CATCH_UP_MAX;
        match distance {
            Distance::NothingHeld => self.is_there = true,
            Distance::Messages(messages) if messages < self.mark.0 => self.mark = (messages, now),
            Distance::Messages(_) => return Turn::IsOver,
        }
        match is_late {
            true => Turn::IsOver,
            false => Turn::GoesOn,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks when that is due.
    fn look(nearer: &mut Nearer, distance: Distance) -> Turn {
        let due = nearer.due(distance);
        assert_eq!(
            nearer.look(distance, due - Duration::from_millis(1)),
            Turn::GoesOn
        );
        nearer.look(distance, due)
    }

    #[test]
    fn who_comes_nearer_goes_on_for_a_while_and_who_does_not_is_over() {
        let mut nearer = Nearer::new(Instant::now());
        for left in [1000, 990] {
            assert_eq!(look(&mut nearer, Distance::Messages(left)), Turn::GoesOn);
        }
        assert_eq!(look(&mut nearer, Distance::Messages(990)), Turn::IsOver);

        let mut slowly = Nearer::new(Instant::now());
        let turns = (1..=20).map(|nth| look(&mut slowly, Distance::Messages(1000 - nth)));
        let on = turns.take_while(|turn| *turn == Turn::GoesOn).count();
        assert_eq!(
            on as u64,
            CATCH_UP_MAX.as_secs() / NEARER_WITHIN.as_secs() - 1
        );
    }

    #[test]
    fn who_has_all_that_there_is_waits_a_moment_for_something_to_compare() {
        let began = Instant::now();
        let mut nearer = Nearer::new(began);
        assert_eq!(nearer.due(Distance::NothingHeld), began + QUIET);
        assert_eq!(look(&mut nearer, Distance::NothingHeld), Turn::GoesOn);
        assert!(nearer.is_there);
        assert_eq!(look(&mut nearer, Distance::NothingHeld), Turn::IsOver);
    }
}
