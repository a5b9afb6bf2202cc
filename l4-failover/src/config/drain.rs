//! The `[drain]` section, the same for every program that sends its clients elsewhere before it
//! ends.

use super::kinds::duration;
use super::table::Table;
use std::time::Duration;

const ANNOUNCE: Duration = Duration::from_secs(5);
const ANNOUNCE_MAX: Duration = Duration::from_secs(10 * 60);
const DEADLINE: Duration = Duration::from_secs(30);
const DEADLINE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How a process ends that was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long new connections are taken while the process says that it is on its way out.
    pub announce: Duration,
    /// How long sessions may go on after that.
    pub deadline: Duration,
}

/// Reads `[drain]`.
pub fn drain_section(table: &mut Table<'_>) -> Drain {
    let up_to = |most| duration(Duration::ZERO..=most);
    Drain {
        announce: table.with_default("announce", up_to(ANNOUNCE_MAX), ANNOUNCE),
        deadline: table.with_default("deadline", up_to(DEADLINE_MAX), DEADLINE),
    }
}
