//! The `[relay]` section, the same for every program that passes connections on.

use std::time::Duration;

use super::kinds::{duration, flag, integer, or_word, size};
use super::table::Table;
use crate::socket::TcpOptions;
use crate::socket::relay::RelayLimits;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The bounds of passing bytes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The silence allowed to the open direction after the FIN of the other.
    pub linger: Duration,
    /// The silence allowed to both directions; none allows any.
    pub idle: Option<Duration>,
    /// How long bytes may stay without acknowledgement.
    pub user_timeout: Duration,
    /// The time between probes of a silent peer; none sends none.
    pub keepalive: Option<Duration>,
    /// The most bytes held for peers that would not take them, all connections together.
    pub owned_max: usize,
    /// Whether a direction that proves to be bulk is moved inside the kernel.
    pub splice: bool,
    /// How many pipes the process may hold for that, 0 to 4096.
    pub pipes: usize,
    /// How many bytes a pipe holds.
    pub pipe_size: usize,
}

/// Reads `[relay]`. `user_timeout`, 1 s to 1 h, is the default of the key of that name: how long a
/// dead peer may be waited for depends on what the program is for.
///
/// ```
/// use l4_failover::config::{self, Table, relay_section};
/// use std::time::Duration;
///
/// let port = |table: &mut Table<'_>| {
///     Some(table.table("relay", |table| relay_section(table, Duration::from_secs(60))))
/// };
/// let relay = config::read("port.toml", "[relay]\nsplice = false", port)?;
/// assert_eq!(relay.tcp_options().user_timeout, Some(Duration::from_secs(60)));
/// assert_eq!(relay.limits(1000, 2).pipes, 0);
/// # Ok::<(), l4_failover::config::Diagnostics>(())
/// ```
pub fn relay_section(table: &mut Table<'_>, user_timeout: Duration) -> Relay {
    let idle = or_word("off", duration(SECOND..=DAY));
    let keepalive = or_word("off", duration(SECOND..=2 * HOUR));
    Relay {
        linger: table.with_default("linger", duration(SECOND..=HOUR), MINUTE),
        idle: table.with_default("idle", idle, None),
        user_timeout: table.with_default("user_timeout", duration(SECOND..=HOUR), user_timeout),
        keepalive: table.with_default("keepalive", keepalive, Some(MINUTE)),
        owned_max: table.with_default("owned_max", size(MIB..=64 * GIB), 64 * MIB),
        splice: table.with_default("splice", flag(), true),
        pipes: table.with_default("pipes", integer(0..=4096), 32),
        pipe_size: table.with_default("pipe_size", size(4 * KIB..=MIB), 256 * KIB),
    }
}

impl Relay {
    /// The options of connections on both sides.
    #[must_use]
    pub fn tcp_options(&self) -> TcpOptions {
        TcpOptions {
            keepalive: self.keepalive,
            user_timeout: Some(self.user_timeout),
        }
    }

    /// The bounds of relays, of which at most `connections_max` run on `workers` threads.
    #[must_use]
    pub fn limits(&self, connections_max: usize, workers: usize) -> RelayLimits {
        RelayLimits {
            linger: self.linger,
            idle: self.idle,
            owned_max: self.owned_max,
            relays: connections_max,
            workers,
            pipes: self.pipes_max(),
            pipe_size: self.pipe_size,
        }
    }

    /// How many pipes may be open at once: none where nothing is spliced.
    #[must_use]
    pub fn pipes_max(&self) -> usize {
        match self.splice {
            true => self.pipes,
            false => 0,
        }
    }
}
