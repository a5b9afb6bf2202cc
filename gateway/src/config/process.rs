//! The bounds of the process, and of each source of connections.

use super::networks::networks;
use crate::access::{Rate, SourceLimits};
use l4_failover::config::{self, Shown, Table, integer, limits_section, or_word};
use std::num::NonZeroU32;

/// As many hellos as may be half read, where the file does not say.
const HALF_READ_MAX: usize = 10_000;

const CONNECTIONS_MAX: usize = 10_000_000;

/// The bounds of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are passed on at once; none takes what RLIMIT_NOFILE leaves room for.
    pub connections: Option<usize>,
    /// How many of them may not have finished their hello; none takes what
    /// [`Limits::half_read_max`] says.
    pub half_read_hellos: Option<usize>,
    /// How much each source of connections may take.
    pub sources: SourceLimits,
}

impl Limits {
    /// How many connections may not have finished their hello, where there may be `connections`. By
    /// default half of them, so that whoever never finishes does not take the place of those who
    /// do; and no more than are good for anything, each of which can cost as much memory as a hello
    /// is long.
    #[must_use]
    pub fn half_read_max(&self, connections: usize) -> usize {
        let default = (connections / 2).clamp(1, HALF_READ_MAX);
        self.half_read_hellos.unwrap_or(default).min(connections)
    }

    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let config::Limits { connections } = limits_section(table);
        let half_read = or_word("auto", integer(1..=CONNECTIONS_MAX));
        let half_read_hellos = table.with_default("half_read_hellos", half_read, None);
        if let (Some(all), Some(half_read)) = (connections, half_read_hellos) {
            table.at_least(
                ("connections", &all),
                ("half_read_hellos", &half_read),
                integer(1..=CONNECTIONS_MAX),
            );
        }
        Self {
            connections,
            half_read_hellos,
            sources: sources(table),
        }
    }
}

fn sources(table: &mut Table<'_>) -> SourceLimits {
    let connections = table.with_default("connections_per_source", up_to(10_000_000), None);
    let per_second = table.with_default("rate_per_source", up_to(1_000_000), None);
    let absence = "as many as rate_per_source says";
    let burst = table.optional("burst_per_source", integer(1..=1_000_000), absence);
    if table.has("burst_per_source") && !table.has("rate_per_source") {
        let needed = "this needs the key \"rate_per_source\", which it is about";
        table.report("burst_per_source", needed);
    }
    let rate = per_second.and_then(NonZeroU32::new).map(|per_second| {
        let burst = burst.and_then(NonZeroU32::new);
        Rate::new(per_second, burst.unwrap_or(per_second))
    });
    SourceLimits {
        connections: connections.and_then(NonZeroU32::new),
        rate,
        ipv6_prefix: table.with_default("source_ipv6_prefix", integer(1..=128), 64),
        exempt: networks(table, "exempt_sources", "nobody is exempt"),
    }
}

fn up_to(max: u32) -> impl Shown<Value = Option<u32>> {
    or_word("off", integer(1..=max))
}
