//! Why a connection did not come to its end.

use std::io;

use l4_failover::outcome::Ending;
use l4_failover::socket::proxy;
use l4_failover::socket::relay::RelayError;
use l4_failover::{Cut, DialError};
use thiserror::Error;

use crate::access::{Denied, Excess};
use crate::hello::ReadError;
use crate::outcome::{Cause, Outcome, Phase};
use crate::route::RouteError;

/// Why a connection did not come to its end.
#[derive(Debug, Error)]
pub enum Error {
    /// A proxy, who has to say whom it connects for, did not.
    #[error(transparent)]
    Proxy(#[from] proxy::ReadError),
    /// It gave no hello.
    #[error(transparent)]
    Hello(#[from] ReadError),
    /// As many hellos were being read as may be, and this was the oldest.
    #[error("too many clients had not finished their hello, and this was the oldest")]
    Crowded,
    /// Its source has as much as it may.
    #[error(transparent)]
    Excess(#[from] Excess),
    /// It may not reach what it asked for.
    #[error(transparent)]
    Denied(#[from] Box<Denied>),
    /// Its name has no route.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// No endpoint could be connected to.
    #[error(transparent)]
    Connect(#[from] DialError),
    /// No gateway of the data centre that the name says leads anywhere, and they do not know it.
    #[error(transparent)]
    UnknownThere(DialError),
    /// Its hello is on its way to another gateway, or was in vain a moment ago, and came back from
    /// there.
    #[error(
        "the hello came back from another gateway, to the address for clients, or was sent again, byte \
         for byte, though nobody had answered it: gateways are to be sent to each other's peer_address"
    )]
    Circle,
    /// The hello could not be passed on.
    #[error("the endpoint did not take the hello: {0}")]
    Replay(io::Error),
    /// A side broke, or was silent for too long.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// What it was on was left, and the policy is not to keep such sessions.
    #[error("ended by policy: {0}")]
    Cut(Cut),
    /// An operator ended it; how far it had come.
    #[error("an operator ended it")]
    Unwanted(Phase),
}

impl Error {
    /// The reason of [`Error::Crowded`].
    pub const CROWDED: &'static str = "crowded";

    /// Whether the connection is reset, rather than closed in order: whoever takes too much is to
    /// cost nothing any more, where one that is closed lingers in the kernel until its client
    /// closes too.
    #[must_use]
    pub fn is_reset(&self) -> bool {
        matches!(self, Self::Crowded | Self::Excess(_) | Self::Unwanted(_))
    }

    /// Phase × cause, and the reason in one word.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Proxy(error) => proxy_outcome(error),
            Self::Hello(error) => Outcome::new(Phase::Hello, hello_cause(error), error.reason()),
            Self::Crowded => Outcome::new(Phase::Hello, Cause::Resource, Self::CROWDED),
            Self::Excess(error) => Outcome::new(Phase::Hello, Cause::Policy, error.reason()),
            Self::Denied(_) => Outcome::new(Phase::Route, Cause::Policy, Denied::REASON),
            Self::Route(error) => Outcome::new(Phase::Route, Cause::Policy, error.reason()),
            Self::Connect(error) | Self::UnknownThere(error) => ended(Phase::Connect, error.into()),
            Self::Circle => Outcome::new(Phase::Connect, Cause::Policy, "circle"),
            Self::Replay(error) => replay_outcome(error),
            Self::Relay(error) => ended(Phase::Relay, error.into()),
            Self::Cut(cut) => ended(Phase::Relay, (*cut).into()),
            Self::Unwanted(phase) => ended(*phase, Ending::OPERATOR),
        }
    }
}

/// The reason of connections that end for want of a good PROXY header.
pub const PROXY_HEADER: &str = "proxy_header";

fn proxy_outcome(error: &proxy::ReadError) -> Outcome {
    use proxy::ReadError::{Closed, Deadline, Header, Io, Probe};
    let (cause, reason) = match error {
        Probe => (Cause::Done, "probe"),
        Deadline { .. } => (Cause::Timeout, PROXY_HEADER),
        Header(_) | Closed { .. } | Io(_) => (Cause::Client, PROXY_HEADER),
    };
    Outcome::new(Phase::Hello, cause, reason)
}

fn hello_cause(error: &ReadError) -> Cause {
    match error {
        ReadError::Probe => Cause::Done,
        ReadError::Deadline { .. } => Cause::Timeout,
        ReadError::Hello(_) | ReadError::Closed { .. } | ReadError::Io(_) => Cause::Client,
    }
}

fn ended(phase: Phase, ending: Ending) -> Outcome {
    Outcome::new(phase, ending.cause, ending.reason)
}

fn replay_outcome(error: &io::Error) -> Outcome {
    let (cause, reason) = match error.kind() {
        io::ErrorKind::TimedOut => (Cause::Timeout, "replay_timeout"),
        _ => (Cause::Upstream, "reset"),
    };
    Outcome::new(Phase::Replay, cause, reason)
}
