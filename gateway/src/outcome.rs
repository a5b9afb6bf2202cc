//! How a connection ended: how far it had come, and who or what ended it.

pub use l4_failover::outcome::Cause;

/// How far a connection had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Its hello was being read.
    Hello,
    /// Its name was being looked up.
    Route,
    /// An endpoint was being dialled.
    Connect,
    /// Its hello was being sent to the endpoint.
    Replay,
    /// Bytes were passing.
    Relay,
}

/// Phase × cause, and the reason in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Outcome {
    /// How far it had come.
    pub phase: Phase,
    /// What ended it.
    pub cause: Cause,
    /// A stable word that says more, such as `unknown_name`; `done` where there is no more to say.
    pub reason: &'static str,
}

impl Outcome {
    /// Both sides finished.
    pub const DONE: Self = Self::new(Phase::Relay, Cause::Done, "done");

    /// Its peer is not one whose connections the listening address accepts.
    pub const LISTENER_DENIED: Self = Self::new(Phase::Hello, Cause::Policy, "listener_denied");

    /// An outcome.
    #[must_use]
    pub const fn new(phase: Phase, cause: Cause, reason: &'static str) -> Self {
        Self {
            phase,
            cause,
            reason,
        }
    }

    /// Whether the connection was turned away, by the rules or for what it sent: anybody can
    /// cause any number of these.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self.phase, Phase::Hello | Phase::Route) && !self.is_success()
    }

    /// Whether nothing went wrong.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.cause == Cause::Done
    }
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 5] = [
        Self::Hello,
        Self::Route,
        Self::Connect,
        Self::Replay,
        Self::Relay,
    ];

    /// The phase in one word, as logs and metrics have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Route => "route",
            Self::Connect => "connect",
            Self::Replay => "replay",
            Self::Relay => "relay",
        }
    }
}
