//! What is logged, and how.

use l4_failover::config::{Table, integer, log_options, one_of};
use l4_failover::process::log::{Format, Level, LogOptions};

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
    /// What the process's log takes of it.
    #[must_use]
    pub fn options(&self) -> LogOptions {
        LogOptions {
            level: self.level,
            format: self.format,
        }
    }

    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let LogOptions { level, format } = log_options(table);
        let connections = one_of(CONNECTIONS);
        let refusals = integer(0..=10_000);
        Self {
            level,
            format,
            connections: table.with_default("connections", connections, ConnectionLog::All),
            refusals_per_second: table.with_default("refusals_per_second", refusals, 10),
        }
    }
}
