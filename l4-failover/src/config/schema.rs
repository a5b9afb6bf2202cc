//! What a file may say: every key with its default and range.

use std::fmt;

/// Whether a key must stand in the file, and what holds if it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The key must stand in its table.
    Required,
    /// The default, as the file would write it.
    Default(String),
    /// There is no value to write; these words say what its absence means.
    Optional(&'static str),
}

/// A key that the reader knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The path without indices, such as `service.endpoints`.
    pub path: String,
    /// Whether the key is required, or its default.
    pub need: Need,
    /// The values allowed, such as `from "10ms" to "5m"`; none if the kind has no bounds.
    pub range: Option<String>,
}

/// The facts that a reference file states of a key: `default "5s"; from "10ms" to "5m"`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.need {
            Need::Required => f.write_str("required")?,
            Need::Default(text) => write!(f, "default {text}")?,
            Need::Optional(words) => write!(f, "default: {words}")?,
        }
        match &self.range {
            Some(range) => write!(f, "; {range}"),
            None => Ok(()),
        }
    }
}

/// Every key that the reader knows, in the order in which it asks for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema(Vec<Key>);

impl Schema {
    pub(super) fn push(&mut self, key: Key) {
        self.0.push(key);
    }

    /// The keys, in the order in which the reader asks for them.
    pub fn keys(&self) -> std::slice::Iter<'_, Key> {
        self.0.iter()
    }

    /// The key at `path`, written without indices.
    pub fn find(&self, path: &str) -> Option<&Key> {
        self.keys().find(|key| key.path == path)
    }
}
