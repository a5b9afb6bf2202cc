//! When a subject's next check is due: pure, without a clock.
//!
//! All times are counted from one origin. A subject's checks stand on a grid whose offset is its
//! own, so that many subjects are spread evenly however they came about: together at a start, or
//! one by one, or back from a doubt that all of them fell into at once.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::time::Duration;

/// A new subject is checked within this time: nobody waits for a first verdict for as long as
/// between two later ones, and a start of a thousand endpoints is no burst.
const FIRST_WITHIN: Duration = Duration::from_secs(1);

/// Nothing is checked more often: less is no interval but a loop.
const PERIOD_MIN: Duration = Duration::from_millis(10);

/// A subject's place within any period, from 0 to 2⁶⁴ for its whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phase(u64);

/// How often a subject is wanted to be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) interval: Duration,
    pub(super) fast_interval: Duration,
    pub(super) is_doubtful: bool,
}

/// What was, as far as it matters to what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Past {
    /// When the last check started.
    pub(super) started: Option<Duration>,
    /// When somebody last began to watch: what would have been due before is left out.
    pub(super) watched: Duration,
}

impl Phase {
    /// The same for the same key, in every process.
    pub(super) fn of(key: &impl Hash) -> Self {
        Self(BuildHasherDefault::<DefaultHasher>::new().hash_one(key))
    }

    /// When the next check is due.
    pub(super) fn due(self, past: Past, pace: Pace) -> Duration {
        let interval = pace.interval.max(PERIOD_MIN);
        let fast = pace.fast_interval.max(PERIOD_MIN).min(interval);
        match past.started {
            None => self.at_or_after(past.watched, interval.min(FIRST_WITHIN)),
            // In doubt a verdict is wanted soon more than evenly.
            Some(at) if pace.is_doubtful => match at.saturating_add(fast) {
                due if due < past.watched => self.at_or_after(past.watched, fast),
                due => due,
            },
            // From half a period on: a start that was late keeps its place, and one that was out
            // of turn is not followed at once by the one that was due anyway.
            Some(at) => {
                let from = at.saturating_add(interval / 2).max(past.watched);
                self.at_or_after(from, interval)
            }
        }
    }

    /// The first point of the subject's grid of this period that is not before `from`.
    fn at_or_after(self, from: Duration, period: Duration) -> Duration {
        let period = nanos(period);
        let offset = (u128::from(period) * u128::from(self.0)) >> u64::BITS;
        let offset = u64::try_from(offset).unwrap_or(u64::MAX);
        let turns = nanos(from).saturating_sub(offset).div_ceil(period);
        Duration::from_nanos(offset.saturating_add(turns.saturating_mul(period)))
    }
}

/// Up to 584 years; nobody waits for longer.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Duration = Duration::from_secs(1);

    fn pace(is_doubtful: bool) -> Pace {
        Pace {
            interval: 5 * S,
            fast_interval: S,
            is_doubtful,
        }
    }

    fn past(started: Duration) -> Past {
        Past {
            started: Some(started),
            watched: Duration::ZERO,
        }
    }

    #[test]
    fn in_doubt_the_fast_interval_is_kept_from_start_to_start() {
        let phase = Phase(u64::MAX / 3);
        assert_eq!(phase.due(past(7 * S), pace(true)), 8 * S);
    }

    #[test]
    fn what_was_due_while_nobody_watched_is_not_made_up_for() {
        let past = Past {
            started: Some(7 * S),
            watched: 100 * S,
        };
        for is_doubtful in [false, true] {
            let due = Phase(u64::MAX / 3).due(past, pace(is_doubtful));
            assert!(due > 100 * S && due <= 105 * S, "{due:?}");
        }
    }

    #[test]
    fn the_longest_durations_do_no_harm() {
        let pace = Pace {
            interval: Duration::MAX,
            fast_interval: Duration::ZERO,
            is_doubtful: false,
        };
        assert!(Phase(u64::MAX).at_or_after(Duration::MAX, Duration::MAX) > S);
        let first = Past {
            started: None,
            watched: S,
        };
        assert!(Phase(u64::MAX).due(first, pace) <= 2 * S);
    }

    proptest! {
        #[test]
        fn the_first_check_comes_within_a_second(phase: u64, watched in 0..1u64 << 50) {
            let watched = Duration::from_nanos(watched);
            let due = Phase(phase).due(Past { started: None, watched }, pace(false));
            prop_assert!(due >= watched && due - watched < S);
        }

        #[test]
        fn a_check_that_started_in_its_turn_is_followed_after_one_interval(
            phase: u64, turn in 0..1000u32, late in 0..2_499_999_999u64,
        ) {
            let phase = Phase(phase);
            let turn = phase.at_or_after(turn * S, 5 * S);
            let due = phase.due(past(turn + Duration::from_nanos(late)), pace(false));
            prop_assert_eq!(due, turn + 5 * S);
        }

        #[test]
        fn a_check_out_of_turn_is_followed_within_half_to_one_and_a_half(
            phase: u64, started in 0..1u64 << 50,
        ) {
            let started = Duration::from_nanos(started);
            let wait = Phase(phase).due(past(started), pace(false)) - started;
            prop_assert!(wait >= 5 * S / 2 && wait < 15 * S / 2, "{:?}", wait);
        }
    }
}
