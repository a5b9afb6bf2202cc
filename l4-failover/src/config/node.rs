//! One value of the file.

use super::source::Source;
use super::table::Table;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeValue};

/// Where something stands: the key's path, and the place in the text if it is there at all.
///
/// The path is put together where somebody reads it: every value of a file has a spot, and hardly any
/// a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// What it is within; none for the whole of the file.
    outer: Option<Arc<Spot>>,
    last: Step,
    pub(super) offset: Option<usize>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(Cow<'static, str>),
    Element(usize),
}

impl Spot {
    pub(super) fn root() -> Self {
        Self {
            outer: None,
            last: Step::Key("".into()),
            offset: None,
        }
    }

    /// The spot of `key` within the table at this one.
    pub(super) fn key(
        self: &Arc<Self>,
        key: impl Into<Cow<'static, str>>,
        offset: Option<usize>,
    ) -> Self {
        Self {
            outer: Some(Arc::clone(self)),
            last: Step::Key(key.into()),
            offset: offset.or(self.offset),
        }
    }

    /// The spot of an element of the list at this one.
    fn element(self: &Arc<Self>, nth: usize, offset: usize) -> Self {
        Self {
            outer: Some(Arc::clone(self)),
            last: Step::Element(nth),
            offset: Some(offset),
        }
    }

    /// The path, such as `service[2].endpoints[0]`.
    pub(super) fn path(&self) -> String {
        let mut path = self.outer.as_ref().map_or(String::new(), |it| it.path());
        match &self.last {
            Step::Key(key) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
            }
            // Writing to a string does not fail.
            Step::Element(nth) => _ = write!(path, "[{nth}]"),
        }
        path
    }
}

/// A value of the file, of whatever type it was written as.
#[derive(Clone)]
pub struct Node<'a> {
    pub(super) value: &'a DeValue<'a>,
    pub(super) spot: Spot,
    source: &'a Source<'a>,
    /// A word that would do as well as whatever else is wanted here.
    word: Option<&'static str>,
}

impl<'a> Node<'a> {
    pub(super) fn new(source: &'a Source<'a>, value: &'a Spanned<DeValue<'a>>, spot: Spot) -> Self {
        Self {
            value: value.get_ref(),
            spot,
            source,
            word: None,
        }
    }

    /// The same value, where `word` would do as well.
    pub(super) fn or_word(&self, word: &'static str) -> Self {
        let word = Some(word);
        Self {
            word,
            ..self.clone()
        }
    }

    /// Notes a mistake at this value.
    pub fn report(&self, message: impl Into<String>) {
        self.source.report(&self.spot, message.into());
    }

    /// Notes that something else was wanted here.
    pub fn expected(&self, wanted: &str) {
        let or = self
            .word
            .map_or(String::new(), |word| format!(", or {word:?}"));
        self.report(format!("expected {wanted}{or}, found {}", self.found()));
    }

    /// What stands here, for a sentence: scalars as they are written, lists and tables by type.
    fn found(&self) -> String {
        match self.value {
            DeValue::String(text) => format!("{:?}", &**text),
            DeValue::Integer(number) => format!("the integer {number}"),
            DeValue::Float(_) => "a number with a fraction".to_owned(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }

    /// The string that stands here, or a mistake that says what was wanted.
    pub fn string(&self, wanted: &str) -> Option<&'a str> {
        let string = self.value.as_str();
        if string.is_none() {
            self.expected(wanted);
        }
        string
    }

    /// Reads the table that stands here, or notes what was wanted instead of what does.
    pub fn table<T>(&self, wanted: &str, build: impl FnOnce(&mut Table<'a>) -> T) -> Option<T> {
        let mut table = self.open(wanted)?;
        let built = build(&mut table);
        table.finish();
        Some(built)
    }

    /// The table that stands here; whoever asks finishes it.
    pub(super) fn open(&self, wanted: &str) -> Option<Table<'a>> {
        let Some(entries) = self.value.as_table() else {
            self.expected(wanted);
            return None;
        };
        Some(Table::of(self.source, entries, self.spot.clone()))
    }

    /// The elements of the list that stands here, or a mistake that says what was wanted.
    pub fn elements(&self, wanted: impl FnOnce() -> String) -> Option<Vec<Node<'a>>> {
        let Some(array) = self.value.as_array() else {
            self.expected(&wanted());
            return None;
        };
        Some(self.each(array))
    }

    fn each(&self, array: &'a DeArray<'a>) -> Vec<Node<'a>> {
        let list = Arc::new(self.spot.clone());
        let node = |(nth, value): (usize, &'a Spanned<DeValue<'a>>)| {
            let spot = list.element(nth, value.span().start);
            Node::new(self.source, value, spot)
        };
        array.iter().enumerate().map(node).collect()
    }
}
