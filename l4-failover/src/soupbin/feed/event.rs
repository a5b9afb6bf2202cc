//! What happens to a feed's lines.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::soupbin::bridge::Told;
use crate::soupbin::join::{JoinEvent, Joined, LineFault};
use crate::soupbin::packet::SessionId;

/// Events that wait for a slow listener: a failover brings some five for each line. Of more, the first
/// are missed, and it is told how many.
pub(super) const EVENTS_MAX: usize = 256;

/// Something that happened to a feed's lines. Lines are called by the names of their endpoints:
/// `host:port`, and `host:port/server_name` over TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// A line accepted the login.
    LineUp {
        /// Which.
        line: Arc<str>,
        /// The session that it carries.
        session: SessionId,
        /// The message that it was asked for.
        asked: u64,
        /// The message that it goes on with.
        accepted: u64,
    },
    /// A line failed; [`LineFault::Mismatch`] is one that says something else than the one before.
    LineDown {
        /// Which.
        line: Arc<str>,
        /// Why.
        fault: LineFault,
        /// Whether messages came from it.
        was_joined: bool,
        /// Whether it failed for the same reason the last time, which was told then.
        is_known: bool,
    },
    /// A line has said nothing for half of the time that it may be silent.
    LineQuiet {
        /// Which.
        line: Arc<str>,
        /// For how long.
        silent_for: Duration,
    },
    /// The line that messages came from failed, and another is looked for.
    FailoverStarted {
        /// Which.
        from: Arc<str>,
        /// Why it failed.
        fault: LineFault,
        /// The message that is waited for.
        next: u64,
    },
    /// From here on messages come from another line, the first one included.
    Joined(Joined<Arc<str>>),
    /// A second line stands by, where that is hot: what it brings first comes from it.
    StandingBy {
        /// Which.
        line: Arc<str>,
        /// The number of the message that comes next on it.
        at: u64,
        /// Messages that it repeated and that were equal.
        compared: u64,
        /// Whether that was enough to be trusted.
        is_verified: bool,
    },
    /// A line that was not yet trusted has by now repeated enough.
    Verified {
        /// Which.
        line: Arc<str>,
    },
    /// A line is further behind than can be compared ([`FeedBuilder::skew`](super::FeedBuilder::skew)):
    /// what it brings is dropped until it has caught up.
    Unverified {
        /// Which.
        line: Arc<str>,
        /// The number of the message that comes next on it.
        at: u64,
        /// The number of the message that comes next here.
        next: u64,
    },
    /// A line carries another message than came under its number, and is out.
    Diverged {
        /// Which.
        line: Arc<str>,
        /// The number.
        sequence: u64,
    },
    /// No line has messages as old as were asked for.
    Truncated {
        /// What was asked for.
        requested: u64,
        /// What comes first.
        accepted: u64,
    },
    /// The feed goes on after messages that no line has.
    Gap {
        /// The first that is missing.
        from: u64,
        /// The first that is there again.
        to: u64,
    },
    /// Messages of a subscription were dropped, because no line was joined.
    UnsequencedDropped {
        /// How many since that was told last.
        messages: u64,
    },
    /// The session is over for good.
    EndOfSession {
        /// The message that would have come next.
        next: u64,
    },
    /// So many events were missed: this listener was too slow for them.
    Missed(u64),
}

impl FeedEvent {
    pub(super) fn of(told: Told<'_>) -> Self {
        let name = |target| Arc::clone(told.names.of(target));
        match told.event.clone() {
            JoinEvent::LineUp {
                target,
                session,
                asked,
                accepted,
            } => Self::LineUp {
                line: name(target),
                session,
                asked,
                accepted,
            },
            JoinEvent::LineDown {
                target,
                fault,
                was_joined,
                is_known,
            } => Self::LineDown {
                line: name(target),
                fault,
                was_joined,
                is_known,
            },
            JoinEvent::LineQuiet { target, silent_for } => Self::LineQuiet {
                line: name(target),
                silent_for,
            },
            JoinEvent::FailoverStarted { from, fault, next } => Self::FailoverStarted {
                from: name(from),
                fault,
                next,
            },
            JoinEvent::Joined(joined) => Self::Joined(joined.called(name)),
            JoinEvent::StandingBy {
                target,
                at,
                compared,
                is_verified,
            } => Self::StandingBy {
                line: name(target),
                at,
                compared,
                is_verified,
            },
            JoinEvent::Verified { target } => Self::Verified { line: name(target) },
            JoinEvent::Unverified { target, at, next } => Self::Unverified {
                line: name(target),
                at,
                next,
            },
            JoinEvent::Diverged { target, sequence } => Self::Diverged {
                line: name(target),
                sequence,
            },
            JoinEvent::Truncated {
                requested,
                accepted,
            } => Self::Truncated {
                requested,
                accepted,
            },
            JoinEvent::Gap { from, to } => Self::Gap { from, to },
            JoinEvent::UnsequencedDropped { messages } => Self::UnsequencedDropped { messages },
            JoinEvent::EndOfSession { next } => Self::EndOfSession { next },
        }
    }
}

/// Hears what happens to a feed's lines: see [`FeedHandle::events`](super::FeedHandle::events).
#[derive(Debug)]
pub struct FeedEvents(pub(super) Option<broadcast::Receiver<FeedEvent>>);

impl FeedEvents {
    /// The next event, once there is one; none when the feed has ended. A listener that is more than
    /// 256 events behind is told how many it missed. Nothing is lost if the future is dropped before it
    /// is ready.
    pub async fn next(&mut self) -> Option<FeedEvent> {
        match self.0.as_mut()?.recv().await {
            Ok(event) => Some(event),
            Err(RecvError::Lagged(missed)) => Some(FeedEvent::Missed(missed)),
            Err(RecvError::Closed) => None,
        }
    }
}
