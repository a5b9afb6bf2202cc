//! How a connection ended: how far it had come, and who or what ended it.

use crate::outcome::{Cause, Ending};

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The caller was showing who it is.
    Handshake,
    /// An endpoint was being dialled.
    Connect,
    /// Bytes were passing.
    Relay,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 3] = [Self::Handshake, Self::Connect, Self::Relay];

    /// The phase in one word, as logs and metrics have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::Connect => "connect",
            Self::Relay => "relay",
        }
    }
}

/// Phase × cause, and the reason in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// How far it had come.
    pub phase: Phase,
    /// What ended it.
    pub cause: Cause,
    /// A stable word that says more, such as `not_allowed`; `done` where there is no more to say.
    pub reason: &'static str,
}

impl Outcome {
    /// Both sides finished.
    pub const DONE: Self = Self::new(Phase::Relay, Ending::new(Cause::Done, "done"));

    /// An outcome.
    #[must_use]
    pub const fn new(phase: Phase, ending: Ending) -> Self {
        Self {
            phase,
            cause: ending.cause,
            reason: ending.reason,
        }
    }

    /// Whether a caller was turned away: anybody can cause any number of these.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.phase == Phase::Handshake && self.cause != Cause::Done
    }
}
