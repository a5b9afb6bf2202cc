//! Where settings come from.

use super::{Flags, Settings};
use crate::config::Diagnostics;
use std::path::PathBuf;

/// Where settings come from, and are read from again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A configuration file.
    File(PathBuf),
    /// A command line, which says the same each time.
    Flags(Flags),
}

impl Source {
    /// The settings as they stand there now.
    ///
    /// # Errors
    /// Every mistake found.
    pub fn read(&self) -> Result<Settings, Diagnostics> {
        match self {
            Self::File(path) => Settings::load(path),
            Self::Flags(flags) => Settings::from_flags(flags.clone()),
        }
    }
}
