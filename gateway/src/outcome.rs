//! How a connection ended: how far it had come, and who or what ended it.

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

/// Who or what ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Nobody: it came to its end.
    Done,
    /// The client, against the rules or by a reset.
    Client,
    /// The endpoint, or that there was none to reach.
    Upstream,
    /// A bound on time.
    Timeout,
    /// The configuration: no route, or sessions are not kept on what was left.
    Policy,
    /// This process ran out of descriptors, memory or ports.
    Resource,
    /// This process was told to stop.
    Drain,
    /// The connection's task ended without saying why.
    Abandon,
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

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Client,
        Self::Upstream,
        Self::Timeout,
        Self::Policy,
        Self::Resource,
        Self::Drain,
        Self::Abandon,
    ];

    /// The cause in one word, as logs and metrics have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Timeout => "timeout",
            Self::Policy => "policy",
            Self::Resource => "resource",
            Self::Drain => "drain",
            Self::Abandon => "abandon",
        }
    }
}
