//! Who runs on which CPU.

use std::fmt;
use std::thread::available_parallelism;

/// CPUs of the processes; where none is given, the kernel chooses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpus {
    pub(super) servers: Option<usize>,
    pub(super) bridge: Option<usize>,
}

impl Cpus {
    /// Servers and bridge on CPUs of their own, where there are two. The threads of the consumers
    /// are left to the kernel: with two CPUs, each place would favour one side.
    pub(super) fn of_this_machine() -> Self {
        match available_parallelism().map_or(1, usize::from) {
            0 | 1 => Self::default(),
            _ => Self {
                servers: Some(0),
                bridge: Some(1),
            },
        }
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.servers, self.bridge) {
            (Some(servers), Some(bridge)) => write!(
                f,
                "servers on CPU {servers}, l4-failover on CPU {bridge}, consumers on any"
            ),
            _ => f.write_str("no process stays on one CPU"),
        }
    }
}
