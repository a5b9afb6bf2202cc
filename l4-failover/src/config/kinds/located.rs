//! Values that are spoken of after they were read, or explained elsewhere.

use super::Kind;
use crate::config::node::{Node, Spot};
use crate::config::table::Table;

/// A value, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands, for mistakes that show only once other values are known.
    pub spot: Spot,
}

/// A value of `kind`, with its place.
pub fn located<K: Kind>(kind: K) -> impl Kind<Value = Located<K::Value>> {
    WithPlace(kind)
}

struct WithPlace<K>(K);

impl<K: Kind> Kind for WithPlace<K> {
    type Value = Located<K::Value>;

    fn wanted(&self) -> String {
        self.0.wanted()
    }

    fn read(&self, node: &Node<'_>) -> Option<Self::Value> {
        let spot = node.spot.clone();
        self.0.read(node).map(|value| Located { value, spot })
    }

    fn range(&self) -> Option<String> {
        self.0.range()
    }

    fn explore(&self, table: &mut Table<'_>) {
        self.0.explore(table);
    }
}

/// A value of `kind`, the keys of whose tables the schema has under another key already.
pub fn briefly<K: Kind>(kind: K) -> impl Kind<Value = K::Value> {
    Brief(kind)
}

struct Brief<K>(K);

impl<K: Kind> Kind for Brief<K> {
    type Value = K::Value;

    fn wanted(&self) -> String {
        self.0.wanted()
    }

    fn read(&self, node: &Node<'_>) -> Option<Self::Value> {
        self.0.read(node)
    }

    fn range(&self) -> Option<String> {
        self.0.range()
    }
}
