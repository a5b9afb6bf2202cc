//! How far a login is, and by which lines, in JSON.

use serde::{Deserialize, Serialize};

use super::json::seconds;
use crate::soupbin::bridge::{ConsumerState, LineState};

/// How far a login is: a consumer's own, or the one of a port. What does not apply is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProgressJson {
    /// The session; null until a line has named it.
    pub session: Option<String>,
    /// The number of the next message.
    pub next: Option<u64>,
    /// The endpoint that messages come from.
    pub line: Option<String>,
    /// Whether that line has repeated enough messages to be trusted.
    pub verified: bool,
    /// How long there has been no line.
    pub waiting_seconds: Option<f64>,
    /// Its lines, and the endpoints whose last line failed or diverged.
    pub lines: Vec<LineJson>,
}

/// A line, or an endpoint whose last line failed or diverged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineJson {
    /// The endpoint's name.
    pub endpoint: String,
    /// `dialling`, `asked`, `held`, `behind`, `standby`, `joined`; `failed` or `diverged` if there is
    /// no line.
    pub stage: String,
    /// The number of the message that comes next on it.
    pub next: Option<u64>,
    /// How many messages it is behind the consumer.
    #[serde(default)]
    pub lag: Option<u64>,
    /// Whether it has repeated enough messages to be trusted.
    #[serde(default)]
    pub verified: bool,
    /// The number under which it carries another message than the consumer got, where that is why it
    /// is out.
    #[serde(default)]
    pub diverged: Option<u64>,
    /// Why the last line failed, in one word, such as `other_session` or `mismatch`.
    pub fault: Option<String>,
    /// The same in a sentence.
    pub reason: Option<String>,
}

impl ProgressJson {
    /// All but the session and the number, which are known elsewhere.
    pub(super) fn of(state: &ConsumerState) -> Self {
        Self {
            line: state.joined().map(|line| line.endpoint.to_string()),
            verified: state.is_verified,
            waiting_seconds: state.waiting_since.map(|since| seconds(since.elapsed())),
            lines: state.lines.iter().map(LineJson::of).collect(),
            ..Self::default()
        }
    }
}

impl LineJson {
    fn of(line: &LineState) -> Self {
        let (fault, reason) = line.fault.clone().unzip();
        Self {
            endpoint: line.endpoint.to_string(),
            stage: line.stage.to_owned(),
            next: line.next,
            lag: line.lag,
            verified: line.is_verified,
            diverged: line.diverged,
            fault: fault.map(str::to_owned),
            reason,
        }
    }
}
