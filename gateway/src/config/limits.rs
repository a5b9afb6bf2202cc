//! How long and how much: the bounds of what comes before the relay in a connection's life.

use l4_failover::config::{Table, duration, size};
use std::ops::RangeInclusive;
use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

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
