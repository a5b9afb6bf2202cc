//! One login for many consumers at one moment, in JSON.

use serde::{Deserialize, Serialize};

use super::feed::LineJson;
use super::json::seconds;
use crate::soupbin::fanout::{FanoutStatus, HistoryStatus};

/// The one login of all consumers of a port. What does not apply is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedLoginJson {
    /// The session; null while there is none.
    pub session: Option<String>,
    /// The number of the next message of its line.
    pub next: Option<u64>,
    /// The endpoint that messages come from.
    pub line: Option<String>,
    /// Whether that line has repeated enough messages to be trusted.
    pub verified: bool,
    /// How long there has been no line.
    pub waiting_seconds: Option<f64>,
    /// Its lines, and the endpoints whose last line failed.
    pub lines: Vec<LineJson>,
    /// What is kept of the session; null while there is none.
    pub history: Option<HistoryJson>,
    /// Consumers that get, each by a line of its own, what is older than that.
    pub catching_up: usize,
    /// How many messages the slowest consumer is behind.
    pub lag_max: u64,
}

/// What is kept of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryJson {
    /// The number of the oldest message that is kept; of the next one if none is.
    pub first: u64,
    /// The number of the message that comes next.
    pub next: u64,
    /// How many are kept.
    pub messages: u64,
    /// Bytes of their frames.
    pub bytes: usize,
}

impl SharedLoginJson {
    pub(super) fn of(status: &FanoutStatus, lag_max: u64) -> Self {
        let (state, history) = (&status.upstream, status.history.as_ref());
        Self {
            session: status.session.map(|it| it.to_string()),
            next: status.next,
            line: state.joined().map(|line| line.endpoint.to_string()),
            verified: state.is_verified,
            waiting_seconds: state.waiting_since.map(|since| seconds(since.elapsed())),
            lines: state.lines.iter().map(LineJson::of).collect(),
            history: history.map(HistoryJson::of),
            catching_up: status.catching_up,
            lag_max,
        }
    }
}

impl HistoryJson {
    fn of(status: &HistoryStatus) -> Self {
        Self {
            first: status.first,
            next: status.next,
            messages: status.messages,
            bytes: status.bytes,
        }
    }
}
