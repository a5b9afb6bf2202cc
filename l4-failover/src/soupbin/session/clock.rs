//! When something was sent and heard last, and what follows.

use std::time::{Duration, Instant};

/// A side that sent nothing for so long sends a heartbeat (SoupBinTCP 4.10, section 1.2).
pub const HEARTBEAT: Duration = Duration::from_secs(1);

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Nothing, before [`due`](super::ClientSession::due).
    Nothing,
    /// Send a heartbeat; it counts as sent.
    Heartbeat,
    /// The other side was silent for as long as it may be: end the connection.
    Silent,
    /// There was no login in time: end the connection.
    NoLogin,
}

/// Both directions' last signs of life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    sent: Instant,
    heard: Instant,
    silence: Duration,
}

impl Clock {
    pub(super) fn new(now: Instant, silence: Duration) -> Self {
        Self {
            sent: now,
            heard: now,
            silence,
        }
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.sent = now;
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// For how long nothing was heard.
    pub(super) fn silent_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.heard)
    }

    pub(super) fn allow(&mut self, silence: Duration) {
        self.silence = silence;
    }

    /// The earlier of: a heartbeat is owed; the other side was silent for too long.
    pub(super) fn due(&self) -> Instant {
        self.heartbeat().min(self.deadline())
    }

    /// When the other side was silent for too long.
    pub(super) fn deadline(&self) -> Instant {
        self.heard + self.silence
    }

    fn heartbeat(&self) -> Instant {
        self.sent + HEARTBEAT
    }

    pub(super) fn tick(&mut self, now: Instant) -> Tick {
        if now >= self.deadline() {
            Tick::Silent
        } else if now >= self.heartbeat() {
            self.sent = now;
            Tick::Heartbeat
        } else {
            Tick::Nothing
        }
    }
}
