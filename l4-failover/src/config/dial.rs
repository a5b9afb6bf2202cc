//! The `[dial]` section, the same for every program that reaches endpoints.

use super::kinds::duration;
use super::table::Table;
use crate::pool::DialLimits;
use crate::socket::TcpOptions;
use std::time::Duration;

/// No handshake over a WAN is faster than this; less would refuse everybody.
const WAIT_MIN: Duration = Duration::from_millis(10);
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);

/// How long reaching an endpoint may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// For one endpoint.
    pub attempt_timeout: Duration,
    /// For all endpoints tried for a connection; at least `attempt_timeout`.
    pub timeout: Duration,
}

/// Reads `[dial]`.
pub fn dial_section(table: &mut Table<'_>) -> Dial {
    let range = || duration(WAIT_MIN..=WAIT_MAX);
    let default = DialLimits::default();
    let attempt_timeout = table.with_default("attempt_timeout", range(), default.attempt);
    let timeout = table.with_default("timeout", range(), default.total);
    let attempt = ("attempt_timeout", &attempt_timeout);
    table.at_least(("timeout", &timeout), attempt, range());
    Dial {
        attempt_timeout,
        timeout,
    }
}

impl Dial {
    /// The bounds of a dial whose connections carry `options`.
    pub fn limits(&self, options: TcpOptions) -> DialLimits {
        DialLimits {
            attempt: self.attempt_timeout,
            total: self.timeout,
            options,
        }
    }
}
