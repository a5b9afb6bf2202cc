//! The `[limits]` section, the same for every program that passes connections on.

use super::kinds::{integer, or_word};
use super::table::Table;

/// The bounds of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are passed on at once; none takes what RLIMIT_NOFILE leaves room for.
    pub connections: Option<usize>,
}

/// Reads `[limits]`.
pub fn limits_section(table: &mut Table<'_>) -> Limits {
    let connections = or_word("auto", integer(1..=10_000_000));
    Limits {
        connections: table.with_default("connections", connections, None),
    }
}
