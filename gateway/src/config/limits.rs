//! How long and how much: the bounds of each part of a connection's life.

use l4_failover::config::{Table, duration, flag, integer, or_word, size};
use std::ops::RangeInclusive;
use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const GIB: usize = 1024 * MIB;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// No handshake over a WAN is faster than this; less would refuse everybody.
const WAIT_MIN: Duration = Duration::from_millis(10);
/// A hello with post-quantum key shares is about 1.8 KiB, one without about 500 bytes.
const HELLO_RANGE: RangeInclusive<usize> = 512..=MIB;

/// The bounds of reading a hello.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// From the accepted connection to the complete hello.
    pub timeout: Duration,
    /// The longest hello, in bytes of handshake.
    pub bytes: usize,
    /// The most bytes read for one hello, record headers included; at least `bytes`.
    pub raw_bytes: usize,
}

impl Hello {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let timeout = table.with_default("timeout", duration(WAIT_MIN..=5 * MINUTE), 5 * SECOND);
        let bytes = table.with_default("bytes", size(HELLO_RANGE), 16 * KIB);
        let raw_bytes = table.with_default("raw_bytes", size(512..=4 * MIB), 64 * KIB);
        table.at_least(
            ("raw_bytes", &raw_bytes),
            ("bytes", &bytes),
            size(HELLO_RANGE),
        );
        Self {
            timeout,
            bytes,
            raw_bytes,
        }
    }
}

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

impl Relay {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let idle = or_word("off", duration(SECOND..=DAY));
        let keepalive = or_word("off", duration(SECOND..=2 * HOUR));
        Self {
            linger: table.with_default("linger", duration(SECOND..=HOUR), MINUTE),
            idle: table.with_default("idle", idle, None),
            user_timeout: table.with_default("user_timeout", duration(SECOND..=HOUR), 5 * MINUTE),
            keepalive: table.with_default("keepalive", keepalive, Some(MINUTE)),
            owned_max: table.with_default("owned_max", size(MIB..=64 * GIB), 64 * MIB),
            splice: table.with_default("splice", flag(), true),
            pipes: table.with_default("pipes", integer(0..=4096), 32),
            pipe_size: table.with_default("pipe_size", size(4 * KIB..=MIB), 256 * KIB),
        }
    }
}

/// The bounds of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many connections are passed on at once; none takes what RLIMIT_NOFILE leaves room for.
    pub connections: Option<usize>,
}

impl Limits {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let connections = or_word("auto", integer(1..=10_000_000));
        Self {
            connections: table.with_default("connections", connections, None),
        }
    }
}
