//! Values that were given on a command line, read as if a file had them.

use super::diagnostics::Diagnostics;
use super::node::Spot;
use super::source::Source;
use super::table::Table;
use super::{concluded, finished};
use std::borrow::Cow;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// A flag, and the key of a file that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// As it is typed: `--listen`. Mistakes are told under this name.
    pub name: &'static str,
    /// A section and its key: `admin.address`, or `port[0].listen` in the only table `[[port]]`.
    pub path: &'static str,
    /// What was typed after it.
    pub value: Given,
}

/// The value of a flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// It is given once.
    Once(String),
    /// It may be given again and again, and makes a list.
    Each(Vec<String>),
}

/// Reads flags by the function that reads a file, so that the same rules and defaults hold.
///
/// ```
/// use l4_failover::config::{Flag, Given, Table, integer, read_flags};
///
/// let workers = |table: &mut Table<'_>| {
///     table.table("limits", |table| table.required("workers", integer(1..=8)))
/// };
/// let value = Given::Once("9".to_owned());
/// let flag = Flag { name: "--workers", path: "limits.workers", value };
/// let mistakes = read_flags(vec![flag], workers).unwrap_err();
/// assert_eq!(mistakes.to_string(), "--workers: expected an integer from 1 to 8, found \"9\"");
/// ```
///
/// # Errors
/// Every mistake found, each with the name of its flag.
pub fn read_flags<T>(
    flags: Vec<Flag>,
    build: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Result<T, Diagnostics> {
    let names: Vec<_> = flags.iter().map(|flag| (flag.path, flag.name)).collect();
    let root = document(flags);
    let source = Source::of_flags(&names);
    let value = finished(Table::of(&source, &root, Spot::root()), build);
    concluded(value, source)
}

/// The file that would say the same.
fn document(flags: Vec<Flag>) -> DeTable<'static> {
    let mut sections: BTreeMap<&str, DeTable<'static>> = BTreeMap::new();
    for flag in flags {
        let (section, key) = flag.path.split_once('.').unwrap_or(("", flag.path));
        let section = sections.entry(section).or_default();
        section.insert(standing(Cow::Borrowed(key)), standing(flag.value.into()));
    }
    let mut root = sections.remove("").unwrap_or_default();
    for (name, section) in sections {
        let section = DeValue::Table(section);
        let (name, section) = match name.strip_suffix("[0]") {
            Some(name) => (
                name,
                DeValue::Array(DeArray::from_iter([standing(section)])),
            ),
            None => (name, section),
        };
        root.insert(standing(Cow::Borrowed(name)), standing(section));
    }
    root
}

/// A span that is not empty is what tells a value from one that the parser made up.
fn standing<T>(value: T) -> Spanned<T> {
    Spanned::new(0..1, value)
}

impl From<Given> for DeValue<'static> {
    fn from(given: Given) -> Self {
        let word = |word| Self::String(Cow::Owned(word));
        match given {
            Given::Once(value) => word(value),
            Given::Each(values) => {
                let values = values.into_iter().map(|value| standing(word(value)));
                Self::Array(values.collect())
            }
        }
    }
}
