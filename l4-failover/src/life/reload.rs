//! What comes of a reload.

use std::error::Error;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinError;

use super::PlaceError;
use crate::config::Diagnostics;
use crate::error::with_causes;
use crate::process::descriptors::TooFewDescriptors;
use crate::socket::workers::AcceptError;

/// What a reload came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reloaded {
    /// How often the configuration was read again; 0 since the start.
    pub generation: u64,
}

/// Why a reload was refused. All is as it was.
#[derive(Debug, Error)]
pub enum ReloadError {
    /// The process was started without a file.
    #[error("there is no file to read again: the port was given by flags")]
    NoFile,
    /// The process is on its way out.
    #[error("the process is draining")]
    Draining,
    /// The file has mistakes.
    #[error("{}", .0.to_string().trim_end())]
    Mistaken(Diagnostics),
    /// A file does not come.
    #[error(
        "the configuration, or a file that it names, was not read within {0:?}; look whether the \
         file system of each of them answers, and reload again"
    )]
    Slow(Duration),
    /// A file has not come yet that an earlier reload waited for.
    #[error(
        "an earlier reload still waits for a file; look whether the file system of the \
         configuration and of each file that it names answers, and reload again"
    )]
    StillReading,
    /// What differs is made once, at the start.
    #[error("a change of {} takes a restart", .0.join(", "))]
    Restart(Vec<String>),
    /// Something that the file wants cannot be made.
    #[error(transparent)]
    Unmade(Box<dyn Error + Send + Sync>),
    /// More connections are configured than the process may open descriptors for.
    #[error(transparent)]
    Descriptors(#[from] TooFewDescriptors),
    /// A new address cannot be listened on.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A new address is bound, and its connections cannot be accepted.
    #[error(transparent)]
    Accept(#[from] AcceptError),
    /// It panicked, which was printed.
    #[error("the reload broke off")]
    Broken(#[from] JoinError),
}

impl ReloadError {
    /// Something that the file wants cannot be made.
    pub fn unmade(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unmade(Box::new(error))
    }

    /// Refuses what takes a restart: the names of `sections` that are not as they were.
    ///
    /// # Errors
    ///
    /// [`ReloadError::Restart`], which names them.
    pub fn refuse_restarts(sections: &[(&str, bool)]) -> Result<(), Self> {
        let changed = sections.iter().filter(|(_, is_same)| !is_same);
        let changed: Vec<_> = changed.map(|(section, _)| (*section).to_owned()).collect();
        match changed.is_empty() {
            true => Ok(()),
            false => Err(Self::Restart(changed)),
        }
    }

    /// The sentence, with its causes.
    #[must_use]
    pub fn sentence(&self) -> String {
        with_causes(self)
    }
}
