//! Where a configuration comes from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use l4_failover::config::{Diagnostics, text_of};

use crate::config::Config;

/// A configuration file, and what it said when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is read from again.
    pub file: PathBuf,
    /// What is in force.
    pub text: Arc<str>,
}

impl Source {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// Every mistake of the file, or the one that it cannot be read.
    pub fn load(path: &Path) -> Result<(Config, Self), Diagnostics> {
        Self::read(path, Config::parse)
    }

    /// Reads the file again, after `before`; see [`Config::parse_after`].
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_after(&self, before: &Config) -> Result<(Config, Self), Diagnostics> {
        Self::read(&self.file, |file, text| {
            Config::parse_after(before, file, text)
        })
    }

    fn read(
        path: &Path,
        parse: impl FnOnce(&str, &str) -> Result<Config, Diagnostics>,
    ) -> Result<(Config, Self), Diagnostics> {
        let text = text_of(path)?;
        let config = parse(&path.display().to_string(), &text)?;
        let source = Self {
            file: path.to_owned(),
            text: text.into(),
        };
        Ok((config, source))
    }
}
