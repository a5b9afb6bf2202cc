//! When what comes from a line is new, and no longer the past of its session. Pure.
//!
//! A port asks for its session from the first message on, so that consumers who come back, or come
//! late, are served from the history. What a server repeats comes as fast as it can, and what is new at
//! the pace of the market; until then nobody is let in, who would take an old message for the newest.

use std::time::{Duration, Instant};

/// How long messages are counted to know their pace.
const WINDOW: Duration = Duration::from_millis(20);
/// With fewer than this in a window, nothing is being repeated: 25 000 a second.
const SLOW: u64 = 500;
/// With less than a quarter of the best window it is over, too, on a feed that is always fast.
const FALL: u64 = 4;
/// So long a repetition is waited for: consumers wait with their logins, 3 s by default.
const PATIENCE: Duration = Duration::from_secs(2);
/// Nor is a longer one: a day of an exchange would take minutes, and not fit into the history.
const REPEATED_MAX: u64 = 1_000_000;
/// What has come by then at an even pace, and is more than this, is taken for one that goes on.
const EVEN_MAX: u64 = 100_000;

/// What is known of the pace of a line.
#[derive(Clone, Debug)]
pub(super) struct Settling {
    began: Instant,
    window: Instant,
    in_window: u64,
    best: u64,
    all: u64,
}

/// What is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// It may be the past yet; look again when messages come, or [then](Settling::due).
    Unknown,
    /// What comes is new.
    Settled,
    /// The past is too long: begin with the newest message.
    TooLong,
}

impl Settling {
    /// A login was accepted at `now`.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            window: now,
            in_window: 0,
            best: 0,
            all: 0,
        }
    }

    /// When it is to be looked at, though nothing came.
    pub(super) fn due(&self) -> Instant {
        self.window + WINDOW
    }

    /// So many messages came.
    pub(super) fn came(&mut self, messages: u64, now: Instant) -> Pace {
        self.in_window += messages;
        self.all += messages;
        if self.all > REPEATED_MAX {
            return Pace::TooLong;
        }
        let lasted = now.saturating_duration_since(self.window);
        if lasted < WINDOW {
            return Pace::Unknown;
        }
        // A window may have lasted longer on a busy machine.
        let count = (self.in_window as f64 / lasted.div_duration_f64(WINDOW)) as u64;
        let is_slow = count < SLOW || count * FALL < self.best;
        if is_slow {
            return Pace::Settled;
        }
        if now >= self.began + PATIENCE {
            return match self.all > EVEN_MAX {
                true => Pace::TooLong,
                false => Pace::Settled,
            };
        }
        self.best = self.best.max(count);
        (self.window, self.in_window) = (now, 0);
        Pace::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pace after windows of so many messages each, and how many windows that took.
    fn pace(windows: impl IntoIterator<Item = u64>) -> (Pace, usize) {
        let mut now = Instant::now();
        let mut settling = Settling::new(now);
        for (nth, messages) in windows.into_iter().enumerate() {
            now += WINDOW;
            let pace = settling.came(messages, now);
            if pace != Pace::Unknown {
                return (pace, nth);
            }
        }
        (Pace::Unknown, usize::MAX)
    }

    #[test]
    fn a_feed_at_its_end_is_settled_with_the_first_window() {
        assert_eq!(pace([0]), (Pace::Settled, 0));
        assert_eq!(pace([200]), (Pace::Settled, 0));
    }

    #[test]
    fn a_repetition_is_over_when_the_pace_falls() {
        assert_eq!(pace([5000, 5000, 4000, 20]), (Pace::Settled, 3));
        assert_eq!(pace([20_000, 20_000, 3000]), (Pace::Settled, 2));
    }

    #[test]
    fn a_repetition_without_end_is_not_waited_for() {
        assert_eq!(pace([20_000; 100]), (Pace::TooLong, 50));
        assert_eq!(pace([2000; 1000]), (Pace::TooLong, 99));
        assert_eq!(pace([1000; 1000]), (Pace::Settled, 99));
    }
}
