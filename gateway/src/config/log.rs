//! What is logged, and how.

use l4_failover::config::{Table, integer, one_of};

/// The least severe message that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What needs somebody to act.
    Error,
    /// What may need somebody to act.
    Warn,
    /// What an operator likes to know.
    Info,
    /// What helps to find a fault.
    Debug,
    /// Every step.
    Trace,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One object a line, for programs.
    Json,
}

/// Which connections get a line in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionLog {
    /// Every one.
    All,
    /// Those that did not end well.
    Failures,
    /// None.
    Off,
}

const LEVELS: &[(&str, Level)] = &[
    ("error", Level::Error),
    ("warn", Level::Warn),
    ("info", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Trace),
];
const FORMATS: &[(&str, Format)] = &[("text", Format::Text), ("json", Format::Json)];
const CONNECTIONS: &[(&str, ConnectionLog)] = &[
    ("all", ConnectionLog::All),
    ("failures", ConnectionLog::Failures),
    ("off", ConnectionLog::Off),
];

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least severe message that is logged.
    pub level: Level,
    /// How a line is written.
    pub format: Format,
    /// Which connections get a line.
    pub connections: ConnectionLog,
    /// The most lines a second about refused connections, 0 to 10000; the rest is counted.
    pub refusals_per_second: u32,
}

impl Log {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let connections = one_of(CONNECTIONS);
        let refusals = integer(0..=10_000);
        Self {
            level: table.with_default("level", one_of(LEVELS), Level::Info),
            format: table.with_default("format", one_of(FORMATS), Format::Text),
            connections: table.with_default("connections", connections, ConnectionLog::All),
            refusals_per_second: table.with_default("refusals_per_second", refusals, 10),
        }
    }
}
