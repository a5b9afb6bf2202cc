//! What happens to a consumer's lines.

use std::fmt;
use std::time::Duration;

use super::action::TargetId;
use crate::soupbin::packet::{FrameError, Reject, SessionId};
use crate::soupbin::session::SessionError;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinEvent {
    /// A line accepted the login.
    LineUp {
        /// Where it leads.
        target: TargetId,
        /// The session that it carries.
        session: SessionId,
        /// What it was asked for.
        asked: u64,
        /// Where it goes on.
        accepted: u64,
    },
    /// A line failed.
    LineDown {
        /// Where it led.
        target: TargetId,
        /// Why.
        fault: LineFault,
        /// Whether the consumer got its messages from it.
        was_joined: bool,
        /// Whether the line before failed for the same reason, which was told then.
        is_known: bool,
    },
    /// A line has said nothing for half of the time that it may be silent.
    LineQuiet {
        /// Where it leads.
        target: TargetId,
        /// For how long.
        silent_for: Duration,
    },
    /// The joined line failed, and another is looked for.
    FailoverStarted {
        /// Where the line led that failed.
        from: TargetId,
        /// Why it failed.
        fault: LineFault,
        /// The message that is waited for.
        next: u64,
    },
    /// From here on the consumer gets its messages from this line.
    Joined(Joined),
    /// A line stands by, where that is hot: what it brings first, the consumer gets.
    StandingBy {
        /// Where it leads.
        target: TargetId,
        /// The number of the message that comes next on it.
        at: u64,
        /// Messages that it repeated and that were equal.
        compared: u64,
        /// Whether that was enough to be trusted.
        is_verified: bool,
    },
    /// A line that was not yet trusted, joined or standing by, has by now repeated enough.
    Verified {
        /// Where it leads.
        target: TargetId,
    },
    /// A line is further behind than what is kept to compare it with: what it brings is dropped, until
    /// it has caught up and repeated enough.
    Unverified {
        /// Where it leads.
        target: TargetId,
        /// The number of the message that comes next on it.
        at: u64,
        /// The consumer's.
        next: u64,
    },
    /// Two lines carry different messages under one number. The one that came later with it is out,
    /// until an operator says otherwise.
    Diverged {
        /// Where that one leads.
        target: TargetId,
        /// The number.
        sequence: u64,
    },
    /// The consumer asked for older messages than any line has, and got the oldest.
    Truncated {
        /// What it asked for.
        requested: u64,
        /// What it got.
        accepted: u64,
    },
    /// The consumer goes on after messages that no line has.
    Gap {
        /// The first that is missing.
        from: u64,
        /// The first that is there again.
        to: u64,
    },
    /// Messages of the consumer were dropped, because no line was joined: the first is told at once,
    /// the others as a sum, at most once a second.
    UnsequencedDropped {
        /// How many since that was told last.
        messages: u64,
    },
    /// The session is over for good.
    EndOfSession {
        /// The message that would have come next.
        next: u64,
    },
}

/// How a line was joined. `L` is what says where a line leads: its number here, and its name to a
/// [feed's](crate::soupbin::feed::FeedEvent::Joined) listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined<L = TargetId> {
    /// The line before, if there was one.
    pub from: Option<L>,
    /// Where the line leads.
    pub to: L,
    /// The first message that comes from it.
    pub next: u64,
    /// Messages that it repeated and that were equal.
    pub compared: u64,
    /// Messages that it repeated and that nobody could compare any more.
    pub discarded: u64,
    /// Whether it repeated enough to be trusted.
    pub is_verified: bool,
    /// Why there is another line, and how long all took.
    pub why: Why,
    /// How the time was spent.
    pub took: Took,
}

impl<L> Joined<L> {
    /// The same, where lines are called otherwise.
    pub(crate) fn called<N>(self, name: impl Fn(L) -> N) -> Joined<N> {
        Joined {
            from: self.from.map(&name),
            to: name(self.to),
            next: self.next,
            compared: self.compared,
            discarded: self.discarded,
            is_verified: self.is_verified,
            why: self.why,
            took: self.took,
        }
    }
}

/// Why a line was joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The consumer logged in.
    Login,
    /// The line before failed.
    Failover,
    /// The session was said to be over, and goes on here.
    FalseEnd,
    /// An operator, or the policy, prefers this one; the line before was kept until it had joined.
    Preferred,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Login, Self::Failover, Self::FalseEnd, Self::Preferred];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Failover => "failover",
            Self::FalseEnd => "false_end",
            Self::Preferred => "preferred",
        }
    }
}

/// Where the time of a change of lines went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// From the last byte of the line before to its failure.
    pub detect: Duration,
    /// From there to the connection.
    pub connect: Duration,
    /// From there to the accepted login.
    pub login: Duration,
    /// From there to the message that was waited for.
    pub catch_up: Duration,
}

impl Took {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.detect + self.connect + self.login + self.catch_up
    }
}

/// Why a line failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineFault {
    /// It could not be connected to.
    Unreachable(String),
    /// Its server closed it, without an end of session.
    Closed,
    /// It broke.
    Broken(String),
    /// It was silent for as long as it may be.
    Silent(Duration),
    /// It did not answer the login in time, while others could.
    NoAnswer,
    /// What it sent is no frame.
    Malformed(FrameError),
    /// What it sent must not come, or not then.
    Protocol(SessionError),
    /// It rejected the login.
    Rejected(Reject),
    /// It carries another session.
    OtherSession {
        /// Which.
        found: SessionId,
    },
    /// It has another message under a number that the consumer has already.
    Mismatch {
        /// The number.
        sequence: u64,
    },
    /// It did not come to the consumer's next message in time.
    Behind {
        /// Where it stood.
        at: u64,
    },
    /// It lacks the consumer's next message: it begins later.
    Gap {
        /// Where.
        first: u64,
    },
    /// It repeats nothing that could be compared.
    Unverified,
    /// It said that the session is over before it was.
    EndedEarly {
        /// Where it stood.
        at: u64,
    },
}

impl LineFault {
    /// The fault in one stable word, as logs and metrics have it.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Closed => "closed",
            Self::Broken(_) => "broken",
            Self::Silent(_) => "silent",
            Self::NoAnswer => "no_answer",
            Self::Malformed(_) => "malformed",
            Self::Protocol(_) => "protocol",
            Self::Rejected(Reject::NotAuthorized) => "not_authorized",
            Self::Rejected(Reject::SessionUnavailable) => "session_unavailable",
            Self::OtherSession { .. } => "other_session",
            Self::Mismatch { .. } => "mismatch",
            Self::Behind { .. } => "behind",
            Self::Gap { .. } => "gap",
            Self::Unverified => "unverified",
            Self::EndedEarly { .. } => "ended_early",
        }
    }

    /// Every word that [`as_str`](Self::as_str) has.
    pub const ALL: [&'static str; 15] = [
        "unreachable",
        "closed",
        "broken",
        "silent",
        "no_answer",
        "malformed",
        "protocol",
        "not_authorized",
        "session_unavailable",
        "other_session",
        "mismatch",
        "behind",
        "gap",
        "unverified",
        "ended_early",
    ];
}

impl fmt::Display for LineFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed by the server, without an end of session"),
            Self::Unreachable(why) | Self::Broken(why) => f.write_str(why),
            Self::Silent(time) => write!(f, "silent for {time:?}"),
            Self::NoAnswer => f.write_str("the login was not answered in time"),
            Self::Malformed(error) => write!(f, "it sent {error}"),
            Self::Protocol(error) => write!(f, "it sent {error}"),
            Self::Rejected(reject) => write!(f, "the login was rejected: {reject}"),
            Self::OtherSession { found } => write!(f, "it carries another session, \"{found}\""),
            Self::Mismatch { sequence } => {
                write!(
                    f,
                    "its message {sequence} is not the one that the consumer has"
                )
            }
            Self::Behind { at } => write!(f, "it stood at message {at} when its time was over"),
            Self::Gap { first } => write!(f, "the first message that it has is {first}"),
            Self::Unverified => f.write_str("it repeats nothing that could be compared"),
            Self::EndedEarly { at } => write!(f, "it ended the session at message {at}"),
        }
    }
}
