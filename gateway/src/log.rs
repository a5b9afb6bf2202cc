//! What the log says of connections: one line each.

use std::fmt;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use l4_failover::Lease;
use l4_failover::process::rate::RateLimit;
use l4_failover::socket::live::ConnectionId;
use l4_failover::socket::proxy::UniqueId;
use tracing::{info, warn};

pub use l4_failover::process::log::LostLines;

use crate::access::Stay;
use crate::destination::Destination;
use crate::name::Escaped;
use crate::outcome::{Cause, Outcome, Phase};
use crate::route::RuleKind;

/// Bytes shown of a server name; a real one has at most 253 and a dot.
const SNI_SHOWN_MAX: usize = 256;

/// What is said of connections that a listener does not let in.
pub(crate) const LISTENER_DENIED: &str =
    "the listener's lists allow and deny do not let this address in";

/// Which connections get a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// Every one.
    All,
    /// Those that did not end well.
    Failures,
    /// None.
    Off,
}

/// Writes one line per connection, and no more refusals than a bound a second.
#[derive(Debug)]
pub struct ConnectionLog {
    which: Connections,
    refusals: RateLimit,
}

/// One set of fields for both levels; docs/interfaces.md fixes them.
macro_rules! line {
    ($level:ident, $line:expr) => {{
        let line = $line;
        let known = &line.known;
        let greeting = known.greeting;
        $level!(
            target: "connection",
            id = %known.id,
            listener = known.listener,
            client = %known.client,
            peer = known.peer.map(display),
            trace = known.trace.as_ref().map(|id| display(Escaped(id.as_bytes()))),
            sni = known.server_name.map(|name| display(Sni(name))),
            tls = greeting.map(|it| display(Version(it.version))),
            alpn = greeting.filter(|it| !it.alpn.is_empty()).map(|it| &*it.alpn),
            ech = greeting.filter(|it| it.ech).map(|_| true),
            route = known.destination.map(|it| it.name.as_str()),
            kind = known.destination.map(|it| it.kind.as_str()),
            endpoint = known.upstream.map(|it| display(it.endpoint.name())),
            upstream = known.upstream.map(|it| display(it.address)),
            failed_attempts = known.upstream.map(|it| it.failed).filter(|failed| *failed > 0),
            phase = line.outcome.phase.as_str(),
            cause = line.outcome.cause.as_str(),
            reason = line.outcome.reason,
            error = line.error.map(ToString::to_string),
            from_client = line.from_client,
            from_upstream = line.from_upstream,
            hello_ms = greeting.map(|it| millis(it.after)),
            dial_ms = known.upstream.map(|it| millis(it.took)),
            duration_ms = millis(line.lasted),
        );
    }};
}
/// What the hello said.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) version: u16,
    pub(crate) alpn: Box<str>,
    pub(crate) ech: bool,
    pub(crate) after: Duration,
    /// Counts for the client's source, where sources are limited. It is kept here for being boxed.
    pub(crate) stay: Option<Box<Stay>>,
}

/// Where the connection went.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) endpoint: Lease,
    pub(crate) address: SocketAddr,
    pub(crate) took: Duration,
    pub(crate) failed: usize,
    /// Outside of the active tier.
    pub(crate) is_spilled: bool,
}

/// What is known of a connection, open or not.
pub(crate) struct Known<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) listener: &'a str,
    pub(crate) client: SocketAddr,
    /// The socket's peer, where that is another.
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) trace: Option<UniqueId>,
    pub(crate) server_name: Option<&'a [u8]>,
    pub(crate) greeting: Option<&'a Greeting>,
    /// Which kind of rule its name was routed by.
    pub(crate) rule: Option<RuleKind>,
    pub(crate) destination: Option<&'a Destination>,
    pub(crate) upstream: Option<&'a Upstream>,
}

/// What a line says of a connection that has ended.
pub(crate) struct Line<'a> {
    pub(crate) known: Known<'a>,
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<&'a dyn std::error::Error>,
    pub(crate) from_client: u64,
    pub(crate) from_upstream: u64,
    pub(crate) lasted: Duration,
}

impl ConnectionLog {
    /// Lines for `which` connections, and at most `refusals_per_second` about refused ones.
    #[must_use]
    pub fn new(which: Connections, refusals_per_second: u32) -> Self {
        Self {
            which,
            refusals: RateLimit::new(refusals_per_second),
        }
    }

    pub(crate) fn connection(&self, line: &Line<'_>) {
        let wanted = match self.which {
            Connections::All => true,
            Connections::Failures => !line.outcome.is_success(),
            Connections::Off => false,
        };
        if wanted && self.admits(line.outcome) {
            line.write();
        }
    }

    /// A connection from `client` was not accepted. It never was one, and has no id.
    pub(crate) fn denied(&self, listener: &str, client: SocketAddr) {
        let outcome = Outcome::LISTENER_DENIED;
        if self.which != Connections::Off && self.admits(outcome) {
            info!(
                target: "connection",
                listener,
                client = %client,
                phase = outcome.phase.as_str(),
                cause = outcome.cause.as_str(),
                reason = outcome.reason,
                error = LISTENER_DENIED,
            );
        }
    }

    fn admits(&self, outcome: Outcome) -> bool {
        !outcome.is_refusal() || self.refusals.admit(Instant::now())
    }

    /// Says how many refusals were left out, if any were; to be called every second.
    pub fn say_left_out(&self) {
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
            (Phase::Connect | Phase::Replay, Cause::Upstream | Cause::Timeout)
            | (_, Cause::Resource | Cause::Abandon) => line!(warn, self),
            _ => line!(info, self),
        }
    }
}

/// A TLS version as people write it.
pub(crate) struct Version(pub(crate) u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x0300 => f.write_str("SSL3"),
            0x0301 => f.write_str("1.0"),
            0x0302 => f.write_str("1.1"),
            0x0303 => f.write_str("1.2"),
            0x0304 => f.write_str("1.3"),
            other => write!(f, "0x{other:04x}"),
        }
    }
}

/// A server name, cut where it is longer than any name can be.
struct Sni<'a>(&'a [u8]);

impl fmt::Display for Sni<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.len().min(SNI_SHOWN_MAX);
        let cut = if shown < self.0.len() { "…" } else { "" };
        write!(f, "{}{cut}", Escaped(&self.0[..shown]))
    }
}

/// A server name as the log shows it.
pub(crate) fn shown_name(name: &[u8]) -> String {
    Sni(name).to_string()
}

/// Milliseconds, to the microsecond.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_names_read_well() {
        assert_eq!(Version(0x0304).to_string(), "1.3");
        assert_eq!(Version(0x7f1c).to_string(), "0x7f1c");
        assert_eq!(Sni(b"currency.dc1\x1b").to_string(), r"currency.dc1\x1b");
        assert_eq!(Sni(&[b'a'; 300]).to_string(), "a".repeat(256) + "…");
    }
}
