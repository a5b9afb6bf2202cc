//! A reference file: every key of a format, explained, held against the reader itself.

use super::schema::{Key, Need, Schema};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;

/// A file that presents every key of a format.
///
/// Above each key stands a comment: an explanation, then one line of facts as a [`Key`] writes
/// them. A key with a default has that value and stands in force, unless its whole section is
/// commented out; one without is commented out, by `#` without a blank; one that is required stands
/// either way.
///
/// ```
/// use l4_failover::config::{Reference, Table, flag, schema};
///
/// let schema = schema(|table: &mut Table<'_>| Some(table.with_default("loud", flag(), false)));
/// let reference = Reference::of("# Whether it says more.\n# default false\nloud = false\n");
/// assert!(reference.errors(&schema).is_empty());
/// let outdated = Reference::of("# Whether it says more.\n# default true\nloud = true\n");
/// assert_eq!(outdated.errors(&schema), [
///     "loud: the facts are \"default false\", and the file says \"default true\"",
///     "loud: the default is false, and the file has true",
/// ]);
/// ```
#[derive(Clone, Debug)]
pub struct Reference<'t> {
    text: &'t str,
    /// The first entry of every key, by its path without indices.
    entries: BTreeMap<String, Entry<'t>>,
}

/// A key as the file presents it.
#[derive(Clone, Debug)]
struct Entry<'t> {
    value: &'t str,
    is_commented_out: bool,
    is_section_commented_out: bool,
    /// The comment's last line.
    facts: &'t str,
    /// How many lines of explanation stand above the facts.
    explanation: usize,
}

impl<'t> Reference<'t> {
    /// The reference that `text` is.
    pub fn of(text: &'t str) -> Self {
        let mut entries = BTreeMap::new();
        let (mut section, mut is_section_commented_out) = (String::new(), false);
        let mut comment = Vec::new();
        for line in text.lines() {
            let code = line.strip_prefix('#').unwrap_or(line);
            if let Some(prose) = line.strip_prefix("# ") {
                comment.push(prose);
                continue;
            }
            if code.starts_with('[') {
                section = format!("{}.", code.trim_matches(['[', ']']));
                is_section_commented_out = code != line;
            } else if let Some((key, value)) = code.split_once(" = ")
                && let Place::Vacant(place) = entries.entry(format!("{section}{key}"))
            {
                place.insert(Entry {
                    value,
                    is_commented_out: code != line,
                    is_section_commented_out,
                    facts: comment.pop().unwrap_or_default(),
                    explanation: comment.len(),
                });
            }
            comment.clear();
        }
        Self { text, entries }
    }

    /// The text with every key in force.
    pub fn uncommented(&self) -> String {
        let code = |line: &str| match line.strip_prefix('#') {
            Some(code) if !code.is_empty() && !code.starts_with(' ') => code.to_owned(),
            _ => line.to_owned(),
        };
        self.text.lines().map(|line| code(line) + "\n").collect()
    }

    /// What the file says otherwise than the reader, a sentence each; empty if nothing.
    pub fn errors(&self, schema: &Schema) -> Vec<String> {
        let missing = |key: &Key| format!("{}: the file does not have this key", key.path);
        let of_key = |key: &Key| match self.entries.get(&key.path) {
            Some(entry) => entry.errors(key),
            None => vec![missing(key)],
        };
        let unknown = self
            .entries
            .keys()
            .filter(|path| schema.find(path).is_none());
        let unknown = unknown.map(|path| format!("{path}: the reader does not know this key"));
        schema.keys().flat_map(of_key).chain(unknown).collect()
    }
}

impl Entry<'_> {
    fn errors(&self, key: &Key) -> Vec<String> {
        let facts = key.to_string();
        let other_facts = (self.facts != facts).then(|| {
            format!(
                "the facts are {facts:?}, and the file says {:?}",
                self.facts
            )
        });
        let unexplained = (self.explanation == 0).then(|| "it is not explained".to_owned());
        let errors = [other_facts, unexplained, self.misplaced(&key.need)];
        let errors = errors.into_iter().flatten();
        errors
            .map(|error| format!("{}: {error}", key.path))
            .collect()
    }

    fn misplaced(&self, need: &Need) -> Option<String> {
        match need {
            Need::Default(default) if self.value != default => {
                let value = self.value;
                Some(format!(
                    "the default is {default}, and the file has {value}"
                ))
            }
            Need::Default(_) if self.is_commented_out && !self.is_section_commented_out => {
                Some("it has a default, and is commented out".to_owned())
            }
            Need::Optional(_) if !self.is_commented_out => {
                Some("it has no default, and is not commented out".to_owned())
            }
            _ => None,
        }
    }
}
