//! Why a feed ends, or does not begin.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::pool::BuildError;
use crate::soupbin::bridge::LineState;
use crate::soupbin::join::End;
use crate::soupbin::packet::{CredentialsError, Reject, SessionId};

/// Why a feed could not be connected to.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The endpoints cannot be used.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A login cannot carry the credentials.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// Something is said of the line of an endpoint that there is not.
    #[error(
        "there is no endpoint \"{name}\" whose line could be spoken to otherwise than the others; \
         there are: {known}"
    )]
    UnknownLine {
        /// What it was called.
        name: String,
        /// What there is.
        known: String,
    },
    /// Something is said of one line twice.
    #[error("how to speak to the line of {0} is said twice; say it once")]
    LineTwice(String),
    /// A login cannot be followed by this subscription.
    #[error(
        "a subscription has at most {max_messages} messages and {max_bytes} bytes, and this one has \
         {messages} and {bytes}; subscribe to less"
    )]
    Subscription {
        /// How many messages it has.
        messages: usize,
        /// How many bytes those have.
        bytes: usize,
        /// How many messages it may have.
        max_messages: usize,
        /// How many bytes those may have.
        max_bytes: usize,
    },
    /// The login was not accepted.
    #[error(transparent)]
    Feed(#[from] FeedError),
}

/// Why a feed ended otherwise than by the end of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedError {
    /// The feed.
    pub feed: Arc<str>,
    /// Why.
    pub fault: FeedFault,
    /// How its lines stood, and why they failed.
    pub lines: Vec<LineState>,
}

impl fmt::Display for FeedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "feed {}: {}", self.feed, self.fault)?;
        for line in &self.lines {
            if let Some((_, fault)) = &line.fault {
                write!(f, "; {}: {fault}", line.endpoint)?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for FeedError {}

/// Why a feed ended otherwise than by the end of its session, without saying which.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FeedFault {
    /// Username and password do not fit.
    #[error("the login was refused: username and password do not fit; check the credentials")]
    NotAuthorized,
    /// No line has the session that was asked for, as with a cursor of yesterday's.
    #[error("{}", no_session(session))]
    SessionUnavailable {
        /// The session; blank where none was named.
        session: SessionId,
    },
    /// No line answered the login in time.
    #[error(
        "no line answered the login within {waited:?}; see that one is up, or give it more time \
         (connect_wait)"
    )]
    NoLine {
        /// How long that was.
        waited: Duration,
    },
    /// The message that was asked for is further than the session has come.
    #[error(
        "message {requested} was asked for, and the session stands at {next}; see whether the cursor \
         is of this feed"
    )]
    BeyondEnd {
        /// What was asked for.
        requested: u64,
        /// Where the session stands.
        next: u64,
    },
    /// In mid-stream every line said that there is no such session any more, and none said where it
    /// ended.
    #[error(
        "every line says that session {session} is gone, and none said that it ended at message \
         {next}; begin the session that there is now"
    )]
    SessionGone {
        /// The session.
        session: SessionId,
        /// The message that would have come next.
        next: u64,
    },
    /// No line carried the session on in time.
    #[error(
        "no line carried the session on at message {next} within {waited:?}; resume there, or bear \
         longer outages (max_outage)"
    )]
    Outage {
        /// The message that is waited for.
        next: u64,
        /// How long that was borne.
        waited: Duration,
    },
    /// No line has the message that is wanted next.
    #[error(
        "no line has message {next}: the first that one has is {first}; have what is missing from \
         elsewhere and resume there, or go on over gaps (on_gap)"
    )]
    Gap {
        /// That message.
        next: u64,
        /// The first that a line has.
        first: u64,
    },
    /// Two lines carry different messages under one number, and that was to end it.
    #[error(
        "two lines carry different messages {sequence}, and nobody knows which is right; find out, \
         and leave the wrong one out or go on with the one that is first (on_mismatch)"
    )]
    Mismatch {
        /// The number.
        sequence: u64,
    },
    /// Nothing was taken for as long as that was allowed.
    #[error("no message was taken for {allowed:?}; take them sooner, or allow for more (stall)")]
    Stalled {
        /// How long that was.
        allowed: Duration,
    },
    /// Something that must not happen here.
    #[error("it broke: {0}")]
    Broken(String),
}

fn no_session(session: &SessionId) -> String {
    match session.is_blank() {
        true => "no line has a session now; try again once there is one".to_owned(),
        false => format!(
            "no line has session {session}: it is over, or of another feed; begin the session that \
             there is now, without a cursor"
        ),
    }
}

/// What a fault is told by beside the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stood {
    pub(super) session: SessionId,
    pub(super) next: u64,
    pub(super) connect_wait: Duration,
    pub(super) max_outage: Duration,
    pub(super) stall: Duration,
}

impl FeedFault {
    /// Why a consumer's end is one; none where the session is over, or the consumer left.
    pub(super) fn of(end: &End, stood: Stood) -> Option<Self> {
        let (session, next) = (stood.session, stood.next);
        Some(match end {
            End::EndOfSession | End::Closed | End::Logout => return None,
            End::Rejected(Reject::NotAuthorized) => Self::NotAuthorized,
            End::Rejected(Reject::SessionUnavailable) => Self::SessionUnavailable { session },
            End::NoLine => Self::NoLine {
                waited: stood.connect_wait,
            },
            End::BeyondEnd { requested, next } => Self::BeyondEnd {
                requested: *requested,
                next: *next,
            },
            End::SessionGone => Self::SessionGone { session, next },
            End::Outage { next } => Self::Outage {
                next: *next,
                waited: stood.max_outage,
            },
            End::Gap { next, first } => Self::Gap {
                next: *next,
                first: *first,
            },
            End::Mismatch { sequence } => Self::Mismatch {
                sequence: *sequence,
            },
            End::Stalled => Self::Stalled {
                allowed: stood.stall,
            },
            End::Broken(why) => Self::Broken(why.clone()),
            End::NoLogin | End::Silent | End::Malformed(_) | End::Protocol(_) => {
                Self::Broken(end.to_string())
            }
        })
    }
}
