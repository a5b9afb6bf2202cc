//! What whoever owns the sockets is to do.

use std::fmt;

use super::event::JoinEvent;
use crate::soupbin::packet::{FrameError, Reject};
use crate::soupbin::session::SessionError;

/// A line, from being dialled to its end. No two lines of a consumer have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineId(pub(super) u64);

/// Where a line may lead, as whoever dials numbers them: the same number, the same target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TargetId(pub u32);

/// What is to be done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Choose a target, none of these, and dial it: tell [`dialling`](super::Join::dialling) which,
    /// then [`connected`](super::Join::connected) or [`failed`](super::Join::failed); or
    /// [`nobody`](super::Join::nobody) if there is none.
    Dial {
        /// The line that comes of it.
        line: LineId,
        /// What not to choose: a line leads there already, or it is too early to try again.
        but: Vec<TargetId>,
        /// Whether it is for a line beside the joined one, and not to take its place.
        is_standby: bool,
    },
    /// Send this on a line.
    Send {
        /// Which.
        line: LineId,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// End a line, or its dial, once what was to be sent is sent; nothing more is told of it.
    Close {
        /// Which.
        line: LineId,
    },
    /// Send this to the consumer.
    Tell(Vec<u8>),
    /// End the consumer's connection, once it has what it was told: as [`End::is_orderly`] says.
    End(End),
    /// Let it be known.
    Event(JoinEvent),
}

/// Why a consumer's connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It logged out.
    Logout,
    /// It closed.
    Closed,
    /// Its connection broke.
    Broken(String),
    /// The session is over for good, and it was told so.
    EndOfSession,
    /// It was told that there is no login.
    Rejected(Reject),
    /// No line could answer its login in time, and it was told that the session is not available.
    NoLine,
    /// What it asked for lies beyond the end of the session, and it was told that this is not
    /// available.
    BeyondEnd {
        /// What it asked for.
        requested: u64,
        /// Where the session stands.
        next: u64,
    },
    /// Every line says that there is no such session any more.
    SessionGone,
    /// No line carried its session on in time.
    Outage {
        /// The message that it waits for.
        next: u64,
    },
    /// No line has the message that it waits for.
    Gap {
        /// That message.
        next: u64,
        /// The first that a line has.
        first: u64,
    },
    /// Two lines carry different messages under one number, and that ends it.
    Mismatch {
        /// The number.
        sequence: u64,
    },
    /// It did not log in in time.
    NoLogin,
    /// It was silent for as long as it may be.
    Silent,
    /// It took no byte for as long as it may.
    Stalled,
    /// What it sent is no frame.
    Malformed(FrameError),
    /// What it sent must not come, or not then.
    Protocol(SessionError),
}

impl End {
    /// Whether the connection ends with FIN. Otherwise it is reset: a stream that was cut must not
    /// look whole.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        match self {
            Self::Logout
            | Self::Closed
            | Self::EndOfSession
            | Self::Rejected(_)
            | Self::NoLine
            | Self::BeyondEnd { .. }
            | Self::SessionGone => true,
            Self::Broken(_)
            | Self::Outage { .. }
            | Self::Gap { .. }
            | Self::Mismatch { .. }
            | Self::NoLogin
            | Self::Silent
            | Self::Stalled
            | Self::Malformed(_)
            | Self::Protocol(_) => false,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logout => f.write_str("the consumer logged out"),
            Self::Closed => f.write_str("the consumer closed"),
            Self::Broken(why) => write!(f, "the consumer's connection broke: {why}"),
            Self::EndOfSession => f.write_str("the session ended"),
            Self::Rejected(reject) => write!(f, "the login was rejected: {reject}"),
            Self::NoLine => f.write_str("no line answered the login in time"),
            Self::BeyondEnd { requested, next } => {
                write!(
                    f,
                    "message {requested} was asked for, and the session stands at {next}"
                )
            }
            Self::SessionGone => f.write_str("every line says that the session is not available"),
            Self::Outage { next } => {
                write!(
                    f,
                    "no line carried the session on at message {next} in time"
                )
            }
            Self::Gap { next, first } => {
                write!(
                    f,
                    "no line has message {next}; the first that one has is {first}"
                )
            }
            Self::Mismatch { sequence } => {
                write!(f, "two lines carry different messages {sequence}")
            }
            Self::NoLogin => f.write_str("the consumer did not log in in time"),
            Self::Silent => f.write_str("the consumer was silent for too long"),
            Self::Stalled => f.write_str("the consumer took no byte for too long"),
            Self::Malformed(error) => write!(f, "the consumer sent {error}"),
            Self::Protocol(error) => write!(f, "the consumer sent {error}"),
        }
    }
}
