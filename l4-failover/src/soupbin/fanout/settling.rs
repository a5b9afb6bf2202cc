//! When what comes from a line is new, and no longer the past of its session. Pure.
//!
//! A port asks for its session from the first message on, so that consumers who come back, or come
//! late, are served from the history. What a server repeats comes as fast as it can, and what is new at
//! the pace of the market; until then nobody is let in, who would take an old message for the newest.
//!
//! Messages are counted in windows, each at least two round trips long: a connection that is new sends
//! some, and waits for a round trip until it may send twice as many. So a pace that still grows by half
//! is no end, however slow it is, and neither is one slow window: two in a row are.

use std::time::{Duration, Instant};

/// How long messages are counted to know their pace, at least: two of them are a quarter of a second.
const WINDOW_MIN: Duration = Duration::from_millis(125);
/// And at most, however long a round trip is.
const WINDOW_MAX: Duration = Duration::from_millis(500);
/// With fewer than this in a second, nothing is being repeated.
const SLOW: f64 = 25_000.0;
/// With less than a quarter of the best window it is over, too, on a feed that is always fast.
const FALL: f64 = 4.0;
/// With so much more than in the window before, the pace is not found yet.
const GROWTH: f64 = 1.5;
/// With fewer than this in a second more, it is noise.
const GROWTH_MIN: f64 = 200.0;
/// So many slow windows in a row are the end: one may be a pause.
const SLOW_WINDOWS: u32 = 2;
/// So long a repetition is waited for: consumers wait with their logins, 3 s by default.
const PATIENCE: Duration = Duration::from_secs(2);
/// Nor is a longer one, unless more is kept: a day of an exchange would take minutes.
const REPEATED_MAX: u64 = 1_000_000;
/// What has come by then at an even pace, and is more than this, is taken for one that goes on.
const EVEN_MAX: u64 = 100_000;

/// What is known of the pace of a line.
#[derive(Clone, Debug)]
pub(super) struct Settling {
    began: Instant,
    repeated_max: u64,
    even_max: u64,
    length: Duration,
    window: Instant,
    in_window: u64,
    /// Messages a second: of the window before, and of the best.
    before: Option<f64>,
    best: f64,
    slow: u32,
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
    /// A login was accepted at `now`, `round_trip` after it was sent; so many messages may be kept.
    pub(super) fn new(now: Instant, round_trip: Duration, kept: usize) -> Self {
        Self {
            began: now,
            repeated_max: REPEATED_MAX.max(kept as u64),
            even_max: EVEN_MAX,
            length: (2 * round_trip).clamp(WINDOW_MIN, WINDOW_MAX),
            window: now,
            in_window: 0,
            before: None,
            best: 0.0,
            slow: 0,
            all: 0,
        }
    }

    /// The session goes on where it was left, as was compared: what comes at an even pace is taken for
    /// new, rather than giving up what is held.
    pub(super) fn resumed(self) -> Self {
        Self {
            even_max: self.repeated_max,
            ..self
        }
    }

    /// When it is to be looked at, though nothing came.
    pub(super) fn due(&self) -> Instant {
        self.window + self.length
    }

    /// So many messages came.
    pub(super) fn came(&mut self, messages: u64, now: Instant) -> Pace {
        self.in_window += messages;
        self.all += messages;
        if self.all > self.repeated_max {
            return Pace::TooLong;
        }
        if now < self.due() {
            return Pace::Unknown;
        }
        self.slow = match self.is_slow(now) {
            true => self.slow + 1,
            false => 0,
        };
        if self.slow >= SLOW_WINDOWS {
            return Pace::Settled;
        }
        if now >= self.began + PATIENCE {
            return match self.slow == 0 && self.all > self.even_max {
                true => Pace::TooLong,
                false => Pace::Settled,
            };
        }
        Pace::Unknown
    }

    /// Whether the window that ends now is that of a session which is repeated no more.
    fn is_slow(&mut self, now: Instant) -> bool {
        // A window may have lasted longer on a busy machine.
        let lasted = now.saturating_duration_since(self.window);
        let pace = self.in_window as f64 / lasted.as_secs_f64();
        (self.window, self.in_window) = (now, 0);
        let before = self.before.replace(pace);
        let grows = before.is_some_and(|it| pace > it * GROWTH && pace > it + GROWTH_MIN);
        let is_slow = !grows && (pace < SLOW || pace * FALL < self.best);
        self.best = self.best.max(pace);
        is_slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pace after windows of so many messages each, and how many windows that took, with a login
    /// that was answered so quickly.
    fn pace_after(round_trip: Duration, windows: impl IntoIterator<Item = u64>) -> (Pace, usize) {
        let mut now = Instant::now();
        let mut settling = Settling::new(now, round_trip, 0);
        for (nth, messages) in windows.into_iter().enumerate() {
            now = settling.due();
            let pace = settling.came(messages, now);
            if pace != Pace::Unknown {
                return (pace, nth + 1);
            }
        }
        (Pace::Unknown, usize::MAX)
    }

    fn pace(windows: impl IntoIterator<Item = u64>) -> (Pace, usize) {
        pace_after(Duration::ZERO, windows)
    }

    #[test]
    fn a_feed_at_its_end_is_settled_with_the_second_window() {
        assert_eq!(pace([0, 0]), (Pace::Settled, 2));
        assert_eq!(pace([1200, 1250]), (Pace::Settled, 2));
        assert_eq!(pace([0, 10, 0]), (Pace::Settled, 2));
    }

    #[test]
    fn a_repetition_is_over_when_the_pace_falls_and_stays_low() {
        assert_eq!(pace([50_000, 40_000, 120, 125]), (Pace::Settled, 4));
        assert_eq!(pace([90_000, 20_000, 20_000]), (Pace::Settled, 3));
        // A pause is none.
        assert_eq!(pace([50_000, 0, 50_000, 120, 125]), (Pace::Settled, 5));
    }

    #[test]
    fn a_connection_that_opens_up_is_not_at_its_end() {
        let far = Duration::from_millis(200);
        // Two round trips each: 14 kB and twice that at first.
        let opens = [1100, 4600, 18_000, 40_000, 400, 400];
        assert_eq!(pace_after(far, opens), (Pace::Settled, 5));
        assert_eq!(pace_after(far, opens[..4].to_vec()).0, Pace::Unknown);
        assert_eq!(pace_after(far, [1100, 4600, 400, 400]), (Pace::Settled, 4));
    }

    #[test]
    fn a_repetition_without_end_is_not_waited_for() {
        assert_eq!(pace([60_000; 100]), (Pace::TooLong, 16));
        assert_eq!(pace([200_000; 100]), (Pace::TooLong, 6));
        // A market of 40 000 a second, which had just begun.
        assert_eq!(pace([5000; 100]), (Pace::Settled, 16));
    }

    #[test]
    fn a_fast_market_is_no_reason_to_give_up_what_is_held() {
        let mut settling = Settling::new(Instant::now(), Duration::ZERO, 0).resumed();
        let mut came = |messages| {
            let due = settling.due();
            settling.came(messages, due)
        };
        for _ in 0..15 {
            assert_eq!(came(12_500), Pace::Unknown);
        }
        assert_eq!(came(12_500), Pace::Settled);
    }

    #[test]
    fn more_is_waited_for_where_more_is_kept() {
        let now = Instant::now();
        let mut settling = Settling::new(now, Duration::ZERO, 3_000_000);
        assert_eq!(settling.came(3_000_000, now), Pace::Unknown);
        assert_eq!(settling.came(1, now), Pace::TooLong);
    }
}
