//! What the value of a key may be.

mod checked;
mod list;
mod located;
mod number;
mod status;
mod text;

pub use checked::{Checked, checked};
pub use list::{List, list};
pub use located::{Located, briefly, located};
pub use number::{duration, integer, size};
pub use status::statuses;
pub use text::{label, one_of, parsed, path, text};

use super::node::Node;
use super::table::Table;
use toml::de::DeValue;

/// What a value may be: how to read it, and how to ask for it.
pub trait Kind {
    /// What the program receives.
    type Value: Clone + PartialEq;

    /// What the file should say, for `expected …, found …`; bounds included.
    fn wanted(&self) -> String;

    /// The value that stands at `node`, or a mistake reported there.
    fn read(&self, node: &Node<'_>) -> Option<Self::Value>;

    /// The bounds, for a reference file: `from "10ms" to "5m"`.
    fn range(&self) -> Option<String> {
        None
    }

    /// Asks for the keys of tables within the value, for the schema.
    fn explore(&self, _table: &mut Table<'_>) {}
}

/// A kind whose values can be written back, as defaults are.
pub trait Shown: Kind {
    /// The value as the file would write it.
    fn show(&self, value: &Self::Value) -> String;
}

/// `true` or `false`.
pub fn flag() -> impl Shown<Value = bool> {
    Flag
}

struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn wanted(&self) -> String {
        "true or false".to_owned()
    }

    fn read(&self, node: &Node<'_>) -> Option<bool> {
        let flag = node.value.as_bool();
        if flag.is_none() {
            node.expected(&self.wanted());
        }
        flag
    }
}

impl Shown for Flag {
    fn show(&self, flag: &bool) -> String {
        flag.to_string()
    }
}

/// A value of `kind`, or `word`, which is read as `None`: `"off"`, `"auto"`.
pub fn or_word<K: Shown>(word: &'static str, kind: K) -> impl Shown<Value = Option<K::Value>> {
    OrWord { word, kind }
}

struct OrWord<K> {
    word: &'static str,
    kind: K,
}

impl<K: Shown> Kind for OrWord<K> {
    type Value = Option<K::Value>;

    fn wanted(&self) -> String {
        format!("{}, or {:?}", self.kind.wanted(), self.word)
    }

    fn read(&self, node: &Node<'_>) -> Option<Self::Value> {
        if node.value.as_str() == Some(self.word) {
            return Some(None);
        }
        self.kind.read(&node.or_word(self.word)).map(Some)
    }

    fn range(&self) -> Option<String> {
        let range = self.kind.range()?;
        Some(format!("{range}, or {:?}", self.word))
    }
}

impl<K: Shown> Shown for OrWord<K> {
    fn show(&self, value: &Self::Value) -> String {
        match value {
            Some(value) => self.kind.show(value),
            None => format!("{:?}", self.word),
        }
    }
}

/// A value of `short`, or a table that says more: `"host:port"` or `{ address = "host:port", … }`.
pub fn or_table<K: Kind, T: Clone + PartialEq>(
    short: K,
    lift: fn(K::Value) -> T,
    build: fn(&mut Table<'_>) -> Option<T>,
) -> impl Kind<Value = T> {
    OrTable { short, lift, build }
}

struct OrTable<K: Kind, T> {
    short: K,
    lift: fn(K::Value) -> T,
    build: fn(&mut Table<'_>) -> Option<T>,
}

impl<K: Kind, T: Clone + PartialEq> Kind for OrTable<K, T> {
    type Value = T;

    fn wanted(&self) -> String {
        format!("{}, or a table", self.short.wanted())
    }

    fn read(&self, node: &Node<'_>) -> Option<T> {
        match node.value {
            DeValue::Table(_) => node.table("", self.build).flatten(),
            _ => self.short.read(node).map(self.lift),
        }
    }

    fn range(&self) -> Option<String> {
        self.short.range()
    }

    fn explore(&self, table: &mut Table<'_>) {
        (self.build)(table);
    }
}
