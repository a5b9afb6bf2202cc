//! Values of which a file may hold only one.

use super::table::Table;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Display;
use std::hash::Hash;

/// Finds the second of two equal values in different tables, and says where the first stands.
pub struct Unique<T> {
    role: &'static str,
    taken: HashMap<T, String>,
}

impl<T: Eq + Hash + Display> Unique<T> {
    /// `role` continues the sentence `"currency" is already …`, as in `the name of a service`.
    pub fn new(role: &'static str) -> Self {
        Self {
            role,
            taken: HashMap::new(),
        }
    }

    /// Takes `value`, which stands at `key` of `table`, or notes who took it before.
    pub fn claim(&mut self, table: &Table<'_>, key: &str, value: T) {
        match self.taken.entry(value) {
            Entry::Occupied(first) => {
                let (value, role, place) = (first.key(), self.role, first.get());
                table.report(key, format!("\"{value}\" is already {role}, {place}"));
            }
            Entry::Vacant(free) => {
                free.insert(table.place(key));
            }
        }
    }
}
