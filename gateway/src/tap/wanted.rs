//! Which connections a watcher wants to see.

use serde::Deserialize;
use thiserror::Error;

use super::{Sighting, words};
use crate::log::shown_name;
use crate::name::Glob;
use crate::networks::{Network, NetworkError, Networks};

/// The longest glob: a server name has at most 253 bytes.
pub(super) const GLOB_MAX: usize = 1024;

/// Which connections a watcher wants to see; all conditions must hold.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    name: Option<Glob>,
    source: Option<Networks>,
    outcome: Option<String>,
}

/// The same as it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// A glob for the server name.
    pub name: Option<String>,
    /// A network, or an address.
    pub source: Option<String>,
    /// A phase, cause or reason.
    pub outcome: Option<String>,
}

/// What is asked for means nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Mistake {
    /// Longer than any glob need be.
    #[error("name: a glob has {GLOB_MAX} bytes at most")]
    Glob,
    /// None at all.
    #[error("name: an empty glob matches no server name: write one such as *.dc1, or leave it out")]
    NoGlob,
    /// No network.
    #[error("source: {0:?} is neither an address nor a network such as 10.0.0.0/8")]
    Source(String),
    /// A network that is none.
    #[error("source: {0}")]
    Network(NetworkError),
    /// No word that an end is told in.
    #[error(
        "outcome: {0:?} is no phase, cause or reason; phases are {phases}; causes {causes}; reasons {reasons}",
        phases = list(words::phases()), causes = list(words::causes()), reasons = list(words::reasons())
    )]
    Outcome(String),
}

impl Asked {
    /// What it means.
    ///
    /// # Errors
    ///
    /// [`Mistake`].
    pub fn wanted(self) -> Result<Wanted, Mistake> {
        Ok(Wanted {
            name: self.name.map(glob).transpose()?,
            source: self.source.as_deref().map(source).transpose()?,
            outcome: self.outcome.map(word).transpose()?,
        })
    }
}

fn glob(text: String) -> Result<Glob, Mistake> {
    match text.len() {
        0 => Err(Mistake::NoGlob),
        1..=GLOB_MAX => Ok(Glob::new(&text)),
        _ => Err(Mistake::Glob),
    }
}

fn source(text: &str) -> Result<Networks, Mistake> {
    let network: Network = text.parse().map_err(|error| match error {
        NetworkError::Syntax => Mistake::Source(text.to_owned()),
        error => Mistake::Network(error),
    })?;
    Ok([network].into_iter().collect())
}

fn word(word: String) -> Result<String, Mistake> {
    let mut known = words::phases()
        .chain(words::causes())
        .chain(words::reasons());
    match known.any(|known| known == word) {
        true => Ok(word),
        false => Err(Mistake::Outcome(word)),
    }
}

fn list(words: impl Iterator<Item = &'static str>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

impl Wanted {
    /// Whether this is wanted. Who asks for an outcome wants ends alone.
    #[must_use]
    pub fn has(&self, it: &Sighting) -> bool {
        let source = self.source.as_ref();
        source.is_none_or(|source| source.contains(it.client.ip()))
            && self.has_outcome(it)
            && self.has_name(it)
    }

    fn has_outcome(&self, it: &Sighting) -> bool {
        let Some(wanted) = &self.outcome else {
            return true;
        };
        it.end.as_ref().is_some_and(|end| {
            let (phase, cause) = (end.outcome.phase.as_str(), end.outcome.cause.as_str());
            [phase, cause, end.outcome.reason].contains(&wanted.as_str())
        })
    }

    /// A hello without a name has none that a glob could match.
    fn has_name(&self, it: &Sighting) -> bool {
        let Some(glob) = &self.name else {
            return true;
        };
        let name = it.server_name.as_deref().map(shown_name);
        name.is_some_and(|name| glob.matches(&name))
    }
}
