//! A reader of TOML files for operators: it finds every mistake of a file in one pass and says, for
//! each, the line, the key, what is wrong and what would be right.
//!
//! A section is read by a function that asks a [`Table`] for its keys, each by a [`Kind`]. The same
//! function, run without a file, gives the [`Schema`]: every key with its default and range, which
//! is what keeps a reference file honest. Keys that no function asked for are mistakes.
//!
//! ```
//! use l4_failover::config::{self, Table, duration, text};
//! use std::time::Duration;
//!
//! struct Hello { greeting: String, timeout: Duration }
//!
//! fn hello(table: &mut Table<'_>) -> Option<Hello> {
//!     let greeting = table.required("greeting", text());
//!     let range = Duration::from_millis(10)..=Duration::from_secs(60);
//!     let timeout = table.with_default("timeout", duration(range), Duration::from_secs(5));
//!     Some(Hello { greeting: greeting?, timeout })
//! }
//!
//! let mistakes = config::read("hello.toml", "greetnig = 'hi'\ntimeout = 5", hello).err().unwrap();
//! assert_eq!(mistakes.to_string(), "\
//! hello.toml: greeting: a string is required here and missing
//! hello.toml:1: greetnig: there is no such key; did you mean \"greeting\"?
//! hello.toml:2: timeout: expected a duration in quotes with its unit, from \"10ms\" to \"1m\", found the integer 5");
//! ```

mod addresses;
mod admin;
mod diagnostics;
mod dial;
mod drain;
mod effective;
mod file;
mod flags;
mod homonym;
mod kinds;
mod limits;
mod listen;
mod log;
mod nearest;
mod node;
mod pool;
mod reference;
mod relay;
mod schema;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod unique;
mod workers;

// The public interface is:
pub use addresses::Addresses;
pub use admin::admin_section;
pub use diagnostics::{Diagnostic, Diagnostics, Position};
pub use dial::{Dial, dial_section};
pub use drain::{Drain, drain_section};
pub use effective::Effective;
pub use file::text_of;
pub use flags::{Flag, Given, read_flags};
pub use kinds::{
    Checked, Kind, List, Located, Shown, briefly, checked, duration, flag, integer, label, list,
    located, one_of, or_table, or_word, parsed, path, size, statuses, text,
};
pub use limits::{Limits, limits_section};
pub use listen::{Listen, listener_name, socket_address};
pub use log::log_options;
pub use nearest::did_you_mean;
pub use node::{Node, Spot};
pub(crate) use pool::report_unusable;
pub use pool::{Ends, Line, LinePool, PolicyWords, PoolBase, Pools, consumer_credentials, silence};
pub use reference::Reference;
pub use relay::{Relay, relay_section};
pub use schema::{Key, Need, Schema};
pub use table::Table;
pub use unique::Unique;
pub use workers::workers;

use source::Source;

/// Reads a text of TOML by `build`, which answers `None` if something required is missing.
///
/// `file` is the name that diagnostics give. The value is returned only if the whole text is
/// without a mistake.
///
/// # Errors
/// Every mistake found, in the order of the lines.
pub fn read<T>(
    file: &str,
    text: &str,
    build: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Result<T, Diagnostics> {
    let source = Source::new(file, text);
    let root = source.parse(text);
    let value = finished(Table::of(&source, root.get_ref(), Spot::root()), build);
    concluded(value, source)
}

/// Reads a text in which `word` may be both a value and, as `[[word]]`, tables; see [`read`].
///
/// This goes beyond TOML, for a format in which both are called the same by everyone. Whoever asks
/// for the value gets the value, and whoever asks for tables gets those.
///
/// # Errors
/// Every mistake found, in the order of the lines.
pub fn read_homonym<T>(
    word: &'static str,
    file: &str,
    text: &str,
    build: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Result<T, Diagnostics> {
    let source = Source::new(file, text);
    let (homonym, rest) = homonym::lift(text, word);
    homonym.report(&source);
    let root = source.parse(&rest);
    let table = Table::of(&source, root.get_ref(), Spot::root());
    let value = finished(table.with_homonym(&homonym), build);
    concluded(value, source)
}

/// Every key that `build` asks for, with its default and its range.
pub fn schema<T>(build: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Schema {
    let source = Source::recorder();
    build(&mut Table::phantom(&source, Spot::root()));
    source.into_schema()
}

/// What is in force of a text that [`read`] finds good.
pub fn effective<T>(text: &str, build: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Effective {
    let source = Source::noting(text);
    let root = source.parse(text);
    finished(Table::of(&source, root.get_ref(), Spot::root()), build);
    source.into_effective()
}

/// The same of a text that [`read_homonym`] finds good.
pub fn effective_homonym<T>(
    word: &'static str,
    text: &str,
    build: impl FnOnce(&mut Table<'_>) -> Option<T>,
) -> Effective {
    let source = Source::noting(text);
    let (homonym, rest) = homonym::lift(text, word);
    let root = source.parse(&rest);
    let table = Table::of(&source, root.get_ref(), Spot::root());
    finished(table.with_homonym(&homonym), build);
    source.into_effective()
}

fn finished<'a, T>(
    mut table: Table<'a>,
    build: impl FnOnce(&mut Table<'a>) -> Option<T>,
) -> Option<T> {
    let value = build(&mut table);
    table.finish();
    value
}

fn concluded<T>(value: Option<T>, source: Source<'_>) -> Result<T, Diagnostics> {
    let mistakes = source.into_diagnostics();
    match value {
        Some(value) if mistakes.is_empty() => Ok(value),
        _ => Err(mistakes),
    }
}
