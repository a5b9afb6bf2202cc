//! Why a connection did not come to its end.

use rustls::CertificateError;
use thiserror::Error;

use super::outcome::{Outcome, Phase};
use crate::outcome::{Cause, Ending};
use crate::pool::{Cut, DialError};
use crate::socket::relay::RelayError;
use crate::socket::tls::{AcceptError, HandshakeError};
use crate::soupbin::fanout::Departure;
use crate::soupbin::join::End;

/// Why a connection did not come to its end.
#[derive(Debug, Error)]
pub enum Error {
    /// It was closed without a byte: somebody looked whether anybody listens.
    #[error("a probe: closed without a byte")]
    Probe,
    /// The caller was not let in.
    #[error(transparent)]
    Handshake(#[from] AcceptError),
    /// As many handshakes were under way as may be, and this was the oldest.
    #[error("too many handshakes were under way, and this was the oldest")]
    Crowded,
    /// No endpoint could be connected to.
    #[error(transparent)]
    Connect(#[from] DialError),
    /// A side broke, or was silent for too long.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// The pool's policy ends such sessions.
    #[error("the session was ended on {0}, as the policy says")]
    Cut(Cut),
    /// An operator ended it; how far it had come.
    #[error("an operator ended it")]
    Unwanted(Phase),
    /// The connection of a feed's consumer ended; how far it had come.
    #[error("{1}")]
    Feed(Phase, End),
    /// The same of a consumer that shares a login with others.
    #[error("{1}")]
    Fanout(Phase, Departure),
}

impl Error {
    /// Phase × cause, and the reason in one word.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let (phase, ending) = match self {
            Self::Probe => (Phase::Handshake, Ending::new(Cause::Done, "probe")),
            Self::Handshake(error) => (Phase::Handshake, refused(error)),
            Self::Crowded => (Phase::Handshake, Ending::new(Cause::Resource, "crowded")),
            Self::Connect(error) => (Phase::Connect, error.into()),
            Self::Relay(error) => (Phase::Relay, error.into()),
            Self::Cut(cut) => (Phase::Relay, (*cut).into()),
            Self::Unwanted(phase) => (*phase, Ending::OPERATOR),
            Self::Feed(phase, end) => (*phase, end.into()),
            Self::Fanout(phase, departure) => (*phase, departure.into()),
        };
        Outcome::new(phase, ending)
    }
}

fn refused(error: &AcceptError) -> Ending {
    match error {
        AcceptError::NotAllowed(_) => Ending::new(Cause::Policy, "not_allowed"),
        AcceptError::NoCertificate => Ending::new(Cause::Policy, "no_certificate"),
        AcceptError::Handshake(error) => match error {
            HandshakeError::TimedOut(_) => Ending::new(Cause::Timeout, "handshake_timeout"),
            HandshakeError::Certificate(fault) => {
                Ending::new(Cause::Policy, distrusted(fault.reason()))
            }
            HandshakeError::Alert(_) => Ending::new(Cause::Client, "alert"),
            HandshakeError::Closed => Ending::new(Cause::Client, "closed"),
            HandshakeError::Protocol(_) => Ending::new(Cause::Client, "not_tls"),
            HandshakeError::Broken(_) => Ending::new(Cause::Client, "reset"),
        },
    }
}

fn distrusted(reason: &CertificateError) -> &'static str {
    use CertificateError as Reason;
    match reason {
        Reason::Revoked | Reason::UnknownRevocationStatus => "revoked",
        Reason::Expired | Reason::ExpiredContext { .. } => "expired",
        Reason::UnknownIssuer | Reason::BadSignature => "untrusted",
        _ => "bad_certificate",
    }
}
