//! What the log says of connections: one line each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::outcome::{Outcome, Phase};
use crate::error::with_causes;
use crate::outcome::Cause;
use crate::pool::Lease;
use crate::process::rate::RateLimit;
use crate::socket::live::ConnectionId;
use crate::socket::tls::San;

/// Lines a second about callers that were turned away: anybody can cause any number of them.
const REFUSALS_PER_SECOND: u32 = 10;

/// Writes one line per connection, and no more refusals than a bound a second.
#[derive(Debug)]
pub(super) struct ConnectionLog {
    refusals: RateLimit,
}

impl Default for ConnectionLog {
    fn default() -> Self {
        Self {
            refusals: RateLimit::new(REFUSALS_PER_SECOND),
        }
    }
}

/// One set of fields for both levels; docs/interfaces.md fixes them.
macro_rules! line {
    ($level:ident, $line:expr) => {{
        let line = $line;
        $level!(
            target: "connection",
            id = %line.id,
            port = line.port,
            client = %line.client,
            caller = line.caller.map(display),
            user = line.user,
            endpoint = line.upstream.map(|it| display(&it.endpoint)),
            upstream = line.upstream.map(|it| display(it.address)),
            spilled = line.upstream.filter(|it| it.is_spilled).map(|_| true),
            failed_attempts = Some(line.failed_attempts).filter(|failed| *failed > 0),
            phase = line.outcome.phase.as_str(),
            cause = line.outcome.cause.as_str(),
            reason = line.outcome.reason,
            error = line.error.map(with_causes),
            from_client = line.from_client,
            from_upstream = line.from_upstream,
            dial_ms = line.upstream.map(|it| millis(it.took)),
            duration_ms = millis(line.lasted),
        );
    }};
}

/// Where the connection went.
#[derive(Debug)]
pub(super) struct Upstream {
    /// The endpoint's name.
    pub(super) endpoint: Arc<str>,
    /// The session, where the connection has one of its own.
    pub(super) lease: Option<Lease>,
    pub(super) address: SocketAddr,
    pub(super) took: Duration,
    pub(super) is_spilled: bool,
}

/// What a line says of a connection.
pub(super) struct Line<'a> {
    pub(super) id: ConnectionId,
    pub(super) port: &'a str,
    pub(super) client: SocketAddr,
    pub(super) caller: Option<&'a San>,
    pub(super) user: Option<&'a str>,
    pub(super) upstream: Option<&'a Upstream>,
    pub(super) failed_attempts: usize,
    pub(super) outcome: Outcome,
    pub(super) error: Option<&'a (dyn std::error::Error + 'static)>,
    pub(super) from_client: u64,
    pub(super) from_upstream: u64,
    pub(super) lasted: Duration,
}

impl ConnectionLog {
    pub(super) fn connection(&self, line: &Line<'_>) {
        if !line.outcome.is_refusal() || self.refusals.admit(Instant::now()) {
            line.write();
        }
    }

    /// Says how many refusals were left out, if any were; to be called every second.
    pub(super) fn say_left_out(&self) {
        let left_out = self.refusals.take_left_out();
        if left_out > 0 {
            info!(target: "connection", left_out, "refusals left out of the log");
        }
    }
}

impl Line<'_> {
    fn write(&self) {
        // A side that resets is ordinary, and what is worth a look is that nobody was reached.
        match (self.outcome.phase, self.outcome.cause) {
            (Phase::Connect, Cause::Upstream | Cause::Timeout)
            | (_, Cause::Resource | Cause::Abandon) => line!(warn, self),
            _ => line!(info, self),
        }
    }
}

/// Milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}
