//! Where settings come from.

use super::{Flags, Settings};
use crate::config::{Diagnostics, text_of};
use std::path::PathBuf;
use std::sync::Arc;

/// Where settings come from, and are read from again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A configuration file.
    File(PathBuf),
    /// A command line, which says the same each time.
    Flags(Flags),
}

/// Settings, and where they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// What was read.
    pub settings: Settings,
    /// Where they are read from again.
    pub source: Source,
    /// What the file said, if there is one.
    pub text: Option<Arc<str>>,
}

impl Source {
    /// The settings as they stand there now.
    ///
    /// # Errors
    /// Every mistake found.
    pub fn load(self) -> Result<Loaded, Diagnostics> {
        let (settings, text) = match &self {
            Self::File(path) => {
                let text = text_of(path)?;
                let settings = Settings::parse(&path.display().to_string(), &text)?;
                (settings, Some(text.into()))
            }
            Self::Flags(flags) => (Settings::from_flags(flags.clone())?, None),
        };
        Ok(Loaded {
            settings,
            source: self,
            text,
        })
    }
}
