//! Values that must fit what else the file says.

use super::{Kind, Shown};
use crate::config::node::Node;
use crate::config::table::Table;

/// A value of a kind with a condition; see [`checked`].
pub struct Checked<K, F> {
    kind: K,
    wrong: F,
}

/// A value of `kind` of which `wrong` has nothing to say.
pub fn checked<K: Kind, F: Fn(&K::Value) -> Option<String>>(kind: K, wrong: F) -> Checked<K, F> {
    Checked { kind, wrong }
}

impl<K: Kind, F: Fn(&K::Value) -> Option<String>> Kind for Checked<K, F> {
    type Value = K::Value;

    fn wanted(&self) -> String {
        self.kind.wanted()
    }

    fn read(&self, node: &Node<'_>) -> Option<K::Value> {
        let value = self.kind.read(node)?;
        match (self.wrong)(&value) {
            Some(wrong) => {
                node.report(wrong);
                None
            }
            None => Some(value),
        }
    }

    fn range(&self) -> Option<String> {
        self.kind.range()
    }

    fn explore(&self, table: &mut Table<'_>) {
        self.kind.explore(table);
    }
}

impl<K: Shown, F: Fn(&K::Value) -> Option<String>> Shown for Checked<K, F> {
    fn show(&self, value: &K::Value) -> String {
        self.kind.show(value)
    }
}
