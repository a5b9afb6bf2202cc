//! Values of which a file may hold only one.

use super::node::Spot;
use super::table::Table;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Display;
use std::hash::Hash;

/// Finds the second of two equal values in different tables, and says where the first stands.
pub struct Unique<T> {
    role: &'static str,
    taken: HashMap<T, Spot>,
}

impl<T: Eq + Hash + Display> Unique<T> {
    /// `role` continues the sentence `"currency" is already …`, as in `the name of a service`.
    pub fn new(role: &'static str) -> Self {
        Self::with_room(role, 0)
    }

    /// The same, with room for so many values.
    pub fn with_room(role: &'static str, room: usize) -> Self {
        Self {
            role,
            taken: HashMap::with_capacity(room),
        }
    }

    /// Takes `value`, which stands at `key` of `table`, or notes who took it before.
    pub fn claim(&mut self, table: &Table<'_>, key: &'static str, value: T) {
        match self.taken.entry(value) {
            Entry::Occupied(first) => {
                let (value, role, place) = (first.key(), self.role, table.place(first.get()));
                table.report(key, format!("\"{value}\" is already {role}, {place}"));
            }
            Entry::Vacant(free) => {
                free.insert(table.spot(key));
            }
        }
    }
}
