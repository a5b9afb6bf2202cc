//! A glance at a run, once a second.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::intake::Intake;

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// How a run goes.
#[derive(Clone, Copy, Debug)]
pub struct Glance {
    /// Messages so far.
    pub messages: u64,
    /// Messages a second since the last glance.
    pub rate: f64,
    /// Whether nothing was wrong so far.
    pub is_clean: bool,
}

/// Glances once a second, and tells.
pub(super) struct Watch<'a> {
    seconds: Interval,
    last: (Instant, u64),
    tell: &'a mut (dyn FnMut(Glance) + Send),
}

impl<'a> Watch<'a> {
    pub(super) fn new(tell: &'a mut (dyn FnMut(Glance) + Send)) -> Self {
        let now = Instant::now();
        let mut seconds = interval_at(now + EVERY, EVERY);
        seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            seconds,
            last: (now, 0),
            tell,
        }
    }

    /// Waits for the next second, and glances. Cancelled, it loses nothing.
    pub(super) async fn second(&mut self, intake: &Intake) {
        let now = self.seconds.tick().await;
        let (since, before) = self.last;
        let passed = now
            .saturating_duration_since(since)
            .max(Duration::from_millis(1));
        let rate = (intake.messages - before) as f64 / passed.as_secs_f64();
        self.last = (now, intake.messages);
        (self.tell)(Glance {
            messages: intake.messages,
            rate,
            is_clean: intake.is_clean(),
        });
    }
}
