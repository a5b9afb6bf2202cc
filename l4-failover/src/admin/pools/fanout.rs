//! One login for many consumers at one moment, in JSON.

use serde::{Deserialize, Serialize};

use super::progress::ProgressJson;
use crate::soupbin::fanout::{FanoutStatus, HistoryStatus};

/// The one login of all consumers of a port. What does not apply is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedLoginJson {
    /// How far its line is; without a session while there is none.
    #[serde(flatten)]
    pub progress: ProgressJson,
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
        Self {
            progress: ProgressJson {
                session: status.session.map(|it| it.to_string()),
                next: status.next,
                ..ProgressJson::of(&status.upstream)
            },
            history: status.history.as_ref().map(HistoryJson::of),
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
