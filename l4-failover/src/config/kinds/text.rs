//! Strings, free or with a form of their own.

use super::{Kind, Shown};
use crate::config::nearest::did_you_mean;
use crate::config::node::Node;
use crate::target::is_label;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

/// Any string but an empty one.
pub fn text() -> impl Shown<Value = String> {
    Parsed {
        wanted: "a string",
        parse: |text| match text {
            "" => Err("it is empty".to_owned()),
            _ => Ok(text.to_owned()),
        },
        show: String::clone,
    }
}

/// The path of a file; a relative one starts at the working directory of the process.
pub fn path() -> impl Shown<Value = PathBuf> {
    Parsed {
        wanted: "the path of a file",
        parse: |text| match text {
            "" => Err("it is empty".to_owned()),
            _ => Ok(PathBuf::from(text)),
        },
        show: |path| path.display().to_string(),
    }
}

/// One label of a DNS name: lower-case letters, digits, `-` and `_`.
pub fn label() -> impl Shown<Value = String> {
    Parsed {
        wanted: "one label of a name (a-z, 0-9, - and _; at most 63 of them)",
        parse: |text| match is_label(text) {
            true => Ok(text.to_owned()),
            false => Err(String::new()),
        },
        show: String::clone,
    }
}

/// A string that `T` parses; `wanted` names it, as in `a socket address such as "[::1]:8443"`.
pub fn parsed<T>(wanted: &'static str) -> impl Shown<Value = T>
where
    T: Clone + Display + FromStr<Err: Display> + PartialEq,
{
    Parsed {
        wanted,
        parse: |text| text.parse().map_err(|error: T::Err| error.to_string()),
        show: T::to_string,
    }
}

struct Parsed<T> {
    wanted: &'static str,
    /// The error says why. It may be empty, if `wanted` says it all, or begin with the text in
    /// quotes, if it says all itself.
    parse: fn(&str) -> Result<T, String>,
    show: fn(&T) -> String,
}

impl<T: Clone + PartialEq> Kind for Parsed<T> {
    type Value = T;

    fn wanted(&self) -> String {
        self.wanted.to_owned()
    }

    fn read(&self, node: &Node<'_>) -> Option<T> {
        let text = node.string(self.wanted)?;
        match (self.parse)(text) {
            Ok(value) => return Some(value),
            Err(reason) if reason.is_empty() => node.expected(self.wanted),
            Err(reason) if reason.starts_with(&format!("{text:?}")) => node.report(reason),
            Err(reason) => node.report(format!(
                "expected {}, found {text:?}: {reason}",
                self.wanted
            )),
        }
        None
    }
}

impl<T: Clone + PartialEq> Shown for Parsed<T> {
    fn show(&self, value: &T) -> String {
        format!("{:?}", (self.show)(value))
    }
}

/// One of a few words, each with what it stands for.
pub fn one_of<T: Clone + PartialEq>(words: &'static [(&'static str, T)]) -> impl Shown<Value = T> {
    OneOf { words }
}

struct OneOf<T: 'static> {
    words: &'static [(&'static str, T)],
}

impl<T> OneOf<T> {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.words.iter().map(|(word, _)| *word)
    }
}

impl<T: Clone + PartialEq> Kind for OneOf<T> {
    type Value = T;

    fn wanted(&self) -> String {
        let words: Vec<_> = self.names().map(|word| format!("{word:?}")).collect();
        match words.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }

    fn read(&self, node: &Node<'_>) -> Option<T> {
        let Some(text) = node.value.as_str() else {
            node.expected(&self.wanted());
            return None;
        };
        let found = self.words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let (wanted, hint) = (self.wanted(), did_you_mean(text, self.names()));
            node.report(format!("expected {wanted}, found {text:?}{hint}"));
        }
        found.map(|(_, value)| value.clone())
    }

    fn range(&self) -> Option<String> {
        Some(self.wanted())
    }
}

impl<T: Clone + PartialEq> Shown for OneOf<T> {
    fn show(&self, value: &T) -> String {
        let name = self.words.iter().find(|(_, known)| known == value);
        format!("{:?}", name.map_or("", |(word, _)| word))
    }
}
