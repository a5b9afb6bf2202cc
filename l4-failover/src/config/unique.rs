//! Values of which a file may hold only one.

use super::table::Table;
use std::fmt::Display;

/// Finds the second of two equal values in different tables, and says where the first stands.
pub struct Unique<T> {
    role: &'static str,
    taken: Vec<(T, String)>,
}

impl<T: PartialEq + Display> Unique<T> {
    /// `role` continues the sentence `"currency" is already …`, as in `the name of a service`.
    pub fn new(role: &'static str) -> Self {
        Self {
            role,
            taken: Vec::new(),
        }
    }

    /// Takes `value`, which stands at `key` of `table`, or notes who took it before.
    pub fn claim(&mut self, table: &Table<'_>, key: &str, value: T) {
        let first = self.taken.iter().find(|(taken, _)| *taken == value);
        match first {
            Some((_, place)) => {
                let role = self.role;
                table.report(key, format!("\"{value}\" is already {role}, {place}"));
            }
            None => self.taken.push((value, table.place(key))),
        }
    }
}
