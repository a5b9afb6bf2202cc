//! How a client's connection came to its end.

use std::fmt;
use std::io;
use std::time::Duration;

use l4_failover::soupbin::packet::Reject;
use tracing::Level;

use super::fault::Ending;
use super::incoming::Malformed;

/// How a client's connection came to its end.
#[derive(Debug)]
pub(super) enum End {
    Logout,
    Closed,
    Broken(io::Error),
    Malformed(Malformed),
    NoLogin(Duration),
    Silent(Duration),
    Stalled(Duration),
    Rejected(Reject),
    /// After `Z`.
    OfSession,
    Ordered(Ending),
    Cut(Ending),
    Stopping,
    /// The messages cannot be had.
    Content(io::Error),
    /// What the kernel refuses.
    Alarm(io::Error),
}

impl End {
    /// Whether the connection ends with FIN, and what waits is sent first.
    pub(super) fn is_orderly(&self) -> bool {
        match self {
            Self::Logout
            | Self::Closed
            | Self::Malformed(_)
            | Self::NoLogin(_)
            | Self::Silent(_)
            | Self::Rejected(_)
            | Self::OfSession
            | Self::Ordered(Ending::Close)
            | Self::Cut(Ending::Close)
            | Self::Stopping => true,
            Self::Broken(_)
            | Self::Stalled(_)
            | Self::Ordered(Ending::Reset)
            | Self::Cut(Ending::Reset)
            | Self::Content(_)
            | Self::Alarm(_) => false,
        }
    }

    /// How much somebody should mind.
    pub(super) fn level(&self) -> Level {
        match self {
            Self::Malformed(_)
            | Self::NoLogin(_)
            | Self::Silent(_)
            | Self::Stalled(_)
            | Self::Content(_)
            | Self::Alarm(_) => Level::WARN,
            _ => Level::INFO,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Logout => f.write_str("the client logged out"),
            Self::Closed => f.write_str("the client closed"),
            Self::Broken(error) => write!(f, "the connection broke: {error}"),
            Self::Malformed(what) => write!(f, "the client sent {what}"),
            Self::NoLogin(limit) => write!(f, "no login within {limit:?}"),
            Self::Silent(limit) => write!(f, "the client was silent for {limit:?}"),
            Self::Stalled(limit) => write!(f, "the client took nothing for {limit:?}"),
            Self::Rejected(reject) => write!(f, "the login was answered with {reject}"),
            Self::OfSession => f.write_str("the session ended, and the client was sent Z"),
            Self::Ordered(Ending::Close) => f.write_str("closed, as ordered"),
            Self::Ordered(Ending::Reset) => f.write_str("reset, as ordered"),
            Self::Cut(Ending::Close) => f.write_str("cut within a frame and closed, as ordered"),
            Self::Cut(Ending::Reset) => f.write_str("cut within a frame and reset, as ordered"),
            Self::Stopping => f.write_str("the server stops"),
            Self::Content(error) => write!(f, "the messages cannot be had: {error}"),
            Self::Alarm(error) => write!(f, "no timer for the client: {error}"),
        }
    }
}
