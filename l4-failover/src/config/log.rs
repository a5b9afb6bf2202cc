//! The keys of `[log]` that every program has.

use super::kinds::one_of;
use super::table::Table;
use crate::process::log::{Format, Level, LogOptions};

const LEVELS: &[(&str, Level)] = &[
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
];
const FORMATS: &[(&str, Format)] = &[("text", Format::Text), ("json", Format::Json)];

/// Reads `level` and `format` of `[log]`; a program asks the same table for the keys of its own.
pub fn log_options(table: &mut Table<'_>) -> LogOptions {
    let LogOptions { level, format } = LogOptions::default();
    LogOptions {
        level: table.with_default("level", one_of(LEVELS), level),
        format: table.with_default("format", one_of(FORMATS), format),
    }
}
