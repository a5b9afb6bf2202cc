//! Who or what ended a connection, in the words that logs and metrics have for it.

use std::io;

use crate::pool::{Cut, DialError};
use crate::socket::relay::{RelayError, Side};

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
    /// The configuration.
    Policy,
    /// This process ran out of descriptors, memory or ports.
    Resource,
    /// This process was told to stop.
    Drain,
    /// Its tier was left for a worse one.
    Failover,
    /// Its tier was left for a better one.
    Failback,
    /// Its endpoint went down.
    EndpointDown,
    /// An operator ended this one connection.
    Operator,
    /// The connection's task ended without saying why.
    Abandon,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Client,
        Self::Upstream,
        Self::Timeout,
        Self::Policy,
        Self::Resource,
        Self::Drain,
        Self::Failover,
        Self::Failback,
        Self::EndpointDown,
        Self::Operator,
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
            Self::Failover => "failover",
            Self::Failback => "failback",
            Self::EndpointDown => "endpoint_down",
            Self::Operator => "operator",
            Self::Abandon => "abandon",
        }
    }
}

/// What ended a connection, and more of it in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ending {
    /// What.
    pub cause: Cause,
    /// A stable word that says more, such as `unreachable`.
    pub reason: &'static str,
}

impl Ending {
    /// An ending.
    #[must_use]
    pub const fn new(cause: Cause, reason: &'static str) -> Self {
        Self { cause, reason }
    }
}

impl Ending {
    /// An operator ended this one connection.
    pub const OPERATOR: Self = Self::new(Cause::Operator, "operator");
}

impl From<&DialError> for Ending {
    fn from(error: &DialError) -> Self {
        if matches!(error, DialError::NoneHealthy) {
            Self::new(Cause::Upstream, "none_healthy")
        } else if error.is_resource() {
            Self::new(Cause::Resource, "resource")
        } else if error.is_full() {
            Self::new(Cause::Policy, "full")
        } else if error.is_timeout() {
            Self::new(Cause::Timeout, "connect_timeout")
        } else {
            Self::new(Cause::Upstream, "unreachable")
        }
    }
}

impl From<&RelayError> for Ending {
    fn from(error: &RelayError) -> Self {
        match error {
            RelayError::Broken { source, .. } if source.kind() == io::ErrorKind::TimedOut => {
                Self::new(Cause::Timeout, "user_timeout")
            }
            RelayError::Broken { side, source, .. } => Self::new(broken_by(*side), how(source)),
            RelayError::Lingered { .. } => Self::new(Cause::Timeout, "linger"),
            RelayError::Idle(_) => Self::new(Cause::Timeout, "idle"),
        }
    }
}

fn broken_by(side: Side) -> Cause {
    match side {
        Side::Client => Cause::Client,
        Side::Upstream => Cause::Upstream,
    }
}

fn how(error: &io::Error) -> &'static str {
    match error.kind() {
        // Of TLS alone: a stream that ended without saying so, and one that makes no sense.
        io::ErrorKind::UnexpectedEof => "truncated",
        io::ErrorKind::InvalidData => "tls",
        _ => "reset",
    }
}

impl From<Cut> for Ending {
    fn from(cut: Cut) -> Self {
        let cause = match cut {
            Cut::Failover => Cause::Failover,
            Cut::Failback => Cause::Failback,
            Cut::EndpointDown => Cause::EndpointDown,
        };
        Self::new(cause, cut.as_str())
    }
}
