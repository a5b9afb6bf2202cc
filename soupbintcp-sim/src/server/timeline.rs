//! Where the feed stands: which messages there are by now, and which is the last of the session.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::{Duration, Instant, SystemTime};

use super::{Lag, Schedule};
use crate::day::Day;

/// What lies further ahead is looked at again then: an `Instant` does not reach for ever.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Which messages there are at a moment. Numbers count from 1.
#[derive(Debug)]
pub(super) struct Timeline {
    /// None: as fast as clients read.
    schedule: Option<Schedule>,
    origin: Origin,
    /// The number of the last message of the session.
    last: AtomicU64,
    /// The highest number that any client was sent.
    reached: AtomicU64,
    /// Whether the session was ended before its last message.
    is_finished: AtomicBool,
}

impl Timeline {
    /// Messages from `start` on, as far as `last`.
    pub(super) fn new(schedule: Option<Schedule>, start: SystemTime, last: Option<u64>) -> Self {
        Self {
            schedule,
            origin: Origin::new(start, SystemTime::now(), Instant::now()),
            last: AtomicU64::new(bounded(last)),
            reached: AtomicU64::new(0),
            is_finished: AtomicBool::new(false),
        }
    }

    /// The newest message: without a schedule, the highest that a client was sent. 0: none yet.
    pub(super) fn newest(&self, now: Instant) -> u64 {
        match self.schedule {
            Some(schedule) => self.scheduled(schedule, now, Duration::ZERO),
            None => self.reached.load(Relaxed),
        }
    }

    /// The number of the last message that may be sent at `now`, to a client that is kept so far
    /// behind; 0: none may. Without a schedule nobody can be kept behind.
    pub(super) fn end(&self, now: Instant, lag: Option<Lag>) -> u64 {
        let Some(schedule) = self.schedule else {
            return self.last();
        };
        match lag {
            None => self.scheduled(schedule, now, Duration::ZERO),
            Some(Lag::Time(lag)) => self.scheduled(schedule, now, lag),
            // As if more followed the last message: else the end would never be sent.
            Some(Lag::Messages(lag)) => {
                let due = schedule.count(self.origin.elapsed(now));
                due.saturating_sub(lag).min(self.last())
            }
        }
    }

    fn scheduled(&self, schedule: Schedule, now: Instant, ago: Duration) -> u64 {
        let elapsed = self.origin.elapsed(now).saturating_sub(ago);
        schedule.count(elapsed).min(self.last())
    }

    /// When message `n` is due, or when it may be sent to a client that is kept behind; none
    /// where there is no schedule. What was due before this process began is due then.
    pub(super) fn due(&self, n: u64, lag: Option<Lag>) -> Option<Instant> {
        let schedule = self.schedule?;
        let (n, later) = match lag {
            None => (n, Duration::ZERO),
            Some(Lag::Time(lag)) => (n, lag),
            Some(Lag::Messages(lag)) => (n.saturating_add(lag), Duration::ZERO),
        };
        Some(self.origin.at(schedule.due(n).saturating_add(later)))
    }

    /// The last message of the session; [`Day::FARTHEST`]: it has no end that anybody sees.
    pub(super) fn last(&self) -> u64 {
        self.last.load(Relaxed)
    }

    /// Whether the session is over: all its messages were due. Without a schedule they all are from
    /// the start, and it is over only when it is ended.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let are_due = self.schedule.is_some() && self.newest(now) >= self.last();
        are_due || self.is_finished.load(Relaxed)
    }

    /// The session ends with what there is at `now`.
    pub(super) fn finish(&self, now: Instant) {
        let newest = self.newest(now).max(self.reached.load(Relaxed));
        self.last.store(newest, Relaxed);
        self.is_finished.store(true, Relaxed);
    }

    /// Another session, which ends with `last`.
    pub(super) fn renew(&self, last: Option<u64>) {
        self.is_finished.store(false, Relaxed);
        self.last.store(bounded(last), Relaxed);
    }

    /// A client was sent message `n`.
    pub(super) fn sent(&self, n: u64) {
        self.reached.fetch_max(n, Relaxed);
    }
}

/// The last message of a session for which this one was asked: a client may ask for any number, and
/// none is to be computed that does not fit.
fn bounded(last: Option<u64>) -> u64 {
    last.unwrap_or(Day::FARTHEST).min(Day::FARTHEST)
}

/// The start, on the clock that never jumps: wall time is asked for once.
#[derive(Clone, Copy, Debug)]
struct Origin {
    known: Instant,
    /// From the start to `known`; negative where the start lies ahead.
    passed: Passed,
}

#[derive(Clone, Copy, Debug)]
enum Passed {
    Since(Duration),
    Until(Duration),
}

impl Origin {
    fn new(start: SystemTime, wall: SystemTime, known: Instant) -> Self {
        let passed = match wall.duration_since(start) {
            Ok(since) => Passed::Since(since),
            Err(ahead) => Passed::Until(ahead.duration()),
        };
        Self { known, passed }
    }

    fn elapsed(&self, now: Instant) -> Duration {
        let more = now.saturating_duration_since(self.known);
        match self.passed {
            Passed::Since(since) => since + more,
            Passed::Until(ahead) => more.saturating_sub(ahead),
        }
    }

    /// What is so long after the start; what was before anybody knew is as if it were then.
    fn at(&self, offset: Duration) -> Instant {
        let after = match self.passed {
            Passed::Since(since) => offset.saturating_sub(since),
            Passed::Until(ahead) => offset.saturating_add(ahead),
        };
        self.known + after.min(FAR)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn schedule() -> Option<Schedule> {
        Some(Schedule::new(NonZeroU32::new(1000).unwrap(), None))
    }

    #[test]
    fn a_start_in_the_past_and_one_ahead_count_from_there() {
        let (wall, now) = (SystemTime::now(), Instant::now());
        let past = Origin::new(wall - 10 * SECOND, wall, now);
        assert_eq!(past.elapsed(now + SECOND), 11 * SECOND);
        assert_eq!(past.at(11 * SECOND), now + SECOND);
        assert_eq!(past.at(SECOND), now);
        let ahead = Origin::new(wall + 10 * SECOND, wall, now);
        assert_eq!(ahead.elapsed(now + SECOND), Duration::ZERO);
        assert_eq!(ahead.at(SECOND), now + 11 * SECOND);
    }

    #[test]
    fn a_session_is_over_with_its_last_message() {
        let start = SystemTime::now() - 10 * SECOND;
        let timeline = Timeline::new(schedule(), start, Some(9_000));
        let now = Instant::now();
        assert_eq!(timeline.newest(now), 9_000);
        assert!(timeline.is_over(now));
        let timeline = Timeline::new(schedule(), start, Some(1_000_000));
        assert!(!timeline.is_over(now));
        timeline.finish(now);
        assert!(timeline.is_over(now) && timeline.last() >= 10_000);
    }

    #[test]
    fn who_is_kept_behind_may_have_less() {
        let start = SystemTime::now() - 10 * SECOND;
        let timeline = Timeline::new(schedule(), start, None);
        let now = Instant::now();
        let end = timeline.end(now, None);
        assert_eq!(timeline.end(now, Some(Lag::Messages(100))), end - 100);
        assert_eq!(timeline.end(now, Some(Lag::Time(SECOND))), end - 1000);
        let lagging = timeline.due(end + 1, Some(Lag::Time(SECOND))).unwrap();
        assert!(lagging > now + SECOND / 2);
        assert_eq!(
            timeline.due(end + 1, Some(Lag::Messages(1000))),
            timeline.due(end + 1001, None)
        );
    }

    #[test]
    fn who_is_kept_behind_has_the_last_message_all_the_same() {
        let start = SystemTime::now() - 10 * SECOND;
        let timeline = Timeline::new(schedule(), start, Some(9_500));
        let (now, lag) = (Instant::now(), Some(Lag::Messages(2_000)));
        let end = timeline.end(now, lag);
        assert!((8_000..9_500).contains(&end), "{end}");
        // What may not be sent yet is not due yet: who waits for it does wait.
        let due = timeline.due(end + 1, lag).unwrap();
        assert!(due > now);
        assert_eq!(timeline.end(now + 2 * SECOND, lag), 9_500);
    }

    #[test]
    fn without_a_schedule_the_newest_is_what_somebody_was_sent() {
        let timeline = Timeline::new(None, SystemTime::now(), Some(100));
        let now = Instant::now();
        assert_eq!((timeline.newest(now), timeline.end(now, None)), (0, 100));
        timeline.sent(60);
        timeline.sent(50);
        assert_eq!(timeline.newest(now), 60);
        assert!(!timeline.is_over(now));
        timeline.sent(100);
        assert!(!timeline.is_over(now), "others may want the same");
        timeline.finish(now);
        assert!(timeline.is_over(now));
    }
}
