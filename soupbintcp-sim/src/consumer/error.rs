//! Why there is no verdict.

use std::io;
use std::path::PathBuf;

use l4_failover::soupbin::feed::ConnectError;
use l4_failover::soupbin::packet::{FrameError, Reject, SessionId};
use l4_failover::soupbin::session::SessionError;
use thiserror::Error;

use super::options::Options;
use crate::binary_file::WriteError;

/// Why a run could not begin, or not be kept.
#[derive(Debug, Error)]
pub enum ConsumeError {
    /// The first connection ended before its login was accepted as it was asked for.
    #[error("{address}: {cause}")]
    Start {
        /// Where.
        address: String,
        /// Why.
        cause: Cause,
    },
    /// The feed of several lines could not be connected to.
    #[error(transparent)]
    Feed(#[from] ConnectError),
    /// The file for the messages cannot be made.
    #[error("cannot write {}: {cause}", .path.display())]
    Create {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file for the messages cannot be written any further.
    #[error("the messages cannot be kept: {0}")]
    Out(WriteError),
}

impl ConsumeError {
    pub(super) fn start(options: &Options, cause: Cause) -> Self {
        let address = options.address.clone();
        Self::Start { address, cause }
    }
}

/// Why a connection ended, or did not begin.
#[derive(Debug, Error)]
pub enum Cause {
    /// Nobody there, or unreachable.
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    /// The login was refused.
    #[error("the login was answered with {0}")]
    Rejected(Reject),
    /// This side ended before the login was answered.
    #[error("the login was not answered before the time was over")]
    Unanswered,
    /// The login was accepted to another session than the one that was asked for.
    #[error("the login was for session {asked}, and was accepted to {accepted}")]
    OtherSession {
        /// The session that was asked for.
        asked: SessionId,
        /// The one that the server has.
        accepted: SessionId,
    },
    /// The first login was accepted at a number below the one that was asked for.
    #[error("the login was for message {asked}, and was accepted at {accepted}")]
    OtherNumber {
        /// The number that was asked for.
        asked: u64,
        /// Where the server goes on.
        accepted: u64,
    },
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broke(io::Error),
    /// The server closed it without an end of the session.
    #[error("the server closed the connection, and the session had not ended")]
    Closed,
    /// The server was silent for too long.
    #[error("the server was silent for {} s", .0.as_secs_f32())]
    Silent(std::time::Duration),
    /// What came are no frames.
    #[error("what came is no SoupBinTCP: {0}")]
    Frame(#[from] FrameError),
    /// A frame came that must not, or not then.
    #[error("the server broke the protocol: {0}")]
    Session(#[from] SessionError),
}
