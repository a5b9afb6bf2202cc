//! How a consumer of a shared login parted.

use std::fmt;

use crate::soupbin::join::End;
use crate::soupbin::packet::SessionId;

/// Why the connection of a consumer ended that shared a login with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Departure {
    /// As that of a consumer with lines of its own.
    Own(End),
    /// Nobody may log in with its username and password.
    WrongCredentials {
        /// The username.
        username: String,
    },
    /// It asked for a session that there is not, or no longer.
    OtherSession {
        /// What it asked for.
        asked: SessionId,
        /// The session that there is.
        held: SessionId,
    },
    /// There is no session, because the exchange refuses the credentials of this port's targets.
    Refused,
    /// What it asked for is older than the history, and no line could bring it in time.
    NotCaughtUp {
        /// What it asked for.
        requested: u64,
        /// Why there was no line.
        end: End,
    },
    /// The line that was to bring it to the history broke off.
    CatchUpLost {
        /// The message that it waits for.
        next: u64,
        /// Why.
        end: End,
    },
    /// Its line was to bring it to the history, and for long it came no nearer.
    NotNearer {
        /// The message that it waits for.
        next: u64,
    },
    /// The line that was to bring it to the history has another message under a number.
    Mismatch {
        /// The number.
        sequence: u64,
    },
    /// It was so slow that its next message is not kept any more.
    Lagged {
        /// That message.
        next: u64,
        /// The oldest that is kept.
        first: u64,
    },
    /// What it had left to take after the end of its session it did not take in time.
    Late,
    /// A reload took it out of those who may log in.
    Removed,
}

impl Departure {
    /// Whether the connection ends with FIN. Otherwise it is reset: a stream that was cut must not
    /// look whole.
    #[must_use]
    pub fn is_orderly(&self) -> bool {
        match self {
            Self::Own(end) => end.is_orderly(),
            Self::WrongCredentials { .. }
            | Self::OtherSession { .. }
            | Self::Refused
            | Self::NotCaughtUp { .. } => true,
            Self::CatchUpLost { .. }
            | Self::NotNearer { .. }
            | Self::Mismatch { .. }
            | Self::Lagged { .. }
            | Self::Late
            | Self::Removed => false,
        }
    }
}

impl fmt::Display for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(end) => end.fmt(f),
            Self::WrongCredentials { username } => write!(
                f,
                "the username {username:?} and its password are none of [[port.consumer]]"
            ),
            Self::OtherSession { asked, held } => write!(
                f,
                "session \"{asked}\" was asked for, and there is session \"{held}\""
            ),
            Self::Refused => f.write_str(
                "there is no session: the exchange refuses the username and password of this port's \
                 targets",
            ),
            Self::NotCaughtUp { requested, end } => write!(
                f,
                "message {requested} is older than the history, and no line brought it: {end}"
            ),
            Self::CatchUpLost { next, end } => write!(
                f,
                "the line that was to bring messages from {next} on to the history ended: {end}"
            ),
            Self::NotNearer { next } => write!(
                f,
                "by a line of its own the consumer did not come nearer to the history in time; it can come \
                 back and ask for message {next}"
            ),
            Self::Mismatch { sequence } => write!(
                f,
                "message {sequence} of the line that was to bring older ones is not the one of the \
                 history"
            ),
            Self::Lagged { next, first } => write!(
                f,
                "the consumer was too slow: message {next} is not kept any more, the oldest is \
                 {first}; it can come back and ask for {next}"
            ),
            Self::Late => {
                f.write_str("the session ended, and the consumer did not take the rest in time")
            }
            Self::Removed => f.write_str("a reload took the consumer out of [[port.consumer]]"),
        }
    }
}
