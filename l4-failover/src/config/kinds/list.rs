//! Lists of values of one kind.

use super::{Kind, Shown};
use crate::config::node::Node;
use crate::config::table::Table;

/// A list of values of one kind; see [`list`].
pub struct List<K> {
    noun: &'static str,
    kind: K,
    length_min: usize,
    distinct: bool,
}

/// A list of values of `kind`; `noun` names them, as in `a list of strings`.
pub fn list<K: Kind>(noun: &'static str, kind: K) -> List<K> {
    List {
        noun,
        kind,
        length_min: 0,
        distinct: false,
    }
}

impl<K: Kind> List<K> {
    /// An empty list is a mistake.
    pub fn not_empty(self) -> Self {
        Self {
            length_min: 1,
            ..self
        }
    }

    /// A value that stands in the list twice is a mistake.
    pub fn distinct(self) -> Self {
        Self {
            distinct: true,
            ..self
        }
    }

    fn check_distinct(&self, nodes: &[Node<'_>], values: &[Option<K::Value>]) {
        for (nth, value) in values.iter().enumerate() {
            let first = values[..nth].iter().position(|earlier| earlier == value);
            if let (Some(first), Some(_)) = (first, value) {
                let place = nodes[first].spot.path();
                nodes[nth].report(format!(
                    "this is listed already, as {place}; remove one of them"
                ));
            }
        }
    }
}

impl<K: Kind> Kind for List<K> {
    type Value = Vec<K::Value>;

    fn wanted(&self) -> String {
        format!("a list of {}", self.noun)
    }

    /// Wrong elements are reported and left out.
    fn read(&self, node: &Node<'_>) -> Option<Self::Value> {
        let nodes = node.elements(|| self.wanted())?;
        if nodes.len() < self.length_min {
            node.report(format!(
                "the list is empty; give at least one of {}",
                self.noun
            ));
        }
        let values: Vec<_> = nodes.iter().map(|node| self.kind.read(node)).collect();
        if self.distinct {
            self.check_distinct(&nodes, &values);
        }
        // Just the room that it takes: most lists have one element, and are kept.
        let mut sound = Vec::with_capacity(values.len());
        sound.extend(values.into_iter().flatten());
        Some(sound)
    }

    fn range(&self) -> Option<String> {
        (self.length_min > 0).then(|| "at least one".to_owned())
    }

    fn explore(&self, table: &mut Table<'_>) {
        self.kind.explore(table);
    }
}

impl<K: Shown> Shown for List<K> {
    fn show(&self, values: &Self::Value) -> String {
        let values: Vec<_> = values.iter().map(|value| self.kind.show(value)).collect();
        format!("[{}]", values.join(", "))
    }
}
