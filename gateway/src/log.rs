//! The log: lines on stderr, written by a thread of their own, so that a slow reader of the log
//! never slows a connection.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use l4_failover::Lease;
use tracing::level_filters::LevelFilter;
use tracing::{info, warn};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};

use crate::destination::Destination;
use crate::live::ConnectionId;
use crate::name::Escaped;
use crate::outcome::{Cause, Outcome, Phase};

/// Lines that wait for a slow reader; more are lost, and counted.
const LINES_MAX: usize = 16_384;

/// Bytes shown of a server name; a real one has at most 253 and a dot.
const SNI_SHOWN_MAX: usize = 256;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// The process's log. Dropping it writes out what waits.
#[derive(Debug)]
pub struct Log {
    lost: ErrorCounter,
    _writer: WorkerGuard,
}

impl Log {
    /// Starts the process's log on stderr. Where a subscriber is set already, that one stays.
    #[must_use]
    pub fn start(level: LevelFilter, format: Format) -> Self {
        let builder = NonBlockingBuilder::default().lossy(true);
        let (lines, writer) = builder.buffered_lines_limit(LINES_MAX).finish(io::stderr());
        let lost = lines.error_counter();
        subscribe(level, format, lines);
        Self {
            lost,
            _writer: writer,
        }
    }

    /// Counts the lines that were lost.
    #[must_use]
    pub fn lost(&self) -> LostLines {
        LostLines(Some(self.lost.clone()))
    }
}

/// Counts log lines that were lost because the log was read too slowly.
#[derive(Clone, Debug, Default)]
pub struct LostLines(Option<ErrorCounter>);

impl LostLines {
    /// Lines lost since the start.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0
            .as_ref()
            .map_or(0, |lost| lost.dropped_lines() as u64)
    }
}

fn subscribe(level: LevelFilter, format: Format, lines: NonBlocking) {
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_ansi(false)
        .with_writer(lines);
    // Fails only where a subscriber is set already.
    let _ = match format {
        Format::Text => builder.try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
}

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
        let greeting = line.greeting;
        $level!(
            target: "connection",
            id = %line.id,
            listener = line.listener,
            client = %line.client,
            sni = greeting.and_then(|it| it.server_name.as_deref()).map(|name| display(Sni(name))),
            tls = greeting.map(|it| display(Version(it.version))),
            alpn = greeting.filter(|it| !it.alpn.is_empty()).map(|it| &*it.alpn),
            ech = greeting.filter(|it| it.ech).map(|_| true),
            route = line.destination.map(|it| it.name.as_str()),
            kind = line.destination.map(|it| it.kind.as_str()),
            endpoint = line.upstream.map(|it| display(it.endpoint.name())),
            upstream = line.upstream.map(|it| display(it.address)),
            failed_attempts = line.upstream.map(|it| it.failed).filter(|failed| *failed > 0),
            phase = line.outcome.phase.as_str(),
            cause = line.outcome.cause.as_str(),
            reason = line.outcome.reason,
            error = line.error.map(ToString::to_string),
            from_client = line.from_client,
            from_upstream = line.from_upstream,
            hello_ms = greeting.map(|it| millis(it.after)),
            dial_ms = line.upstream.map(|it| millis(it.took)),
            duration_ms = millis(line.lasted),
        );
    }};
}
/// What the hello said.
#[derive(Debug)]
pub(crate) struct Greeting {
    pub(crate) server_name: Option<Box<[u8]>>,
    pub(crate) version: u16,
    pub(crate) alpn: Box<str>,
    pub(crate) ech: bool,
    pub(crate) after: Duration,
}

/// Where the connection went.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) endpoint: Lease,
    pub(crate) address: SocketAddr,
    pub(crate) took: Duration,
    pub(crate) failed: usize,
}

/// What a line says of a connection.
pub(crate) struct Line<'a> {
    pub(crate) id: ConnectionId,
    pub(crate) listener: &'a str,
    pub(crate) client: SocketAddr,
    pub(crate) greeting: Option<&'a Greeting>,
    pub(crate) destination: Option<&'a Destination>,
    pub(crate) upstream: Option<&'a Upstream>,
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
struct Version(u16);

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

/// Milliseconds, to the microsecond.
fn millis(duration: Duration) -> f64 {
    duration.as_micros() as f64 / 1000.0
}

/// Admits a number of events a second, and counts the others.
#[derive(Debug)]
struct RateLimit {
    per_second: u32,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    admitted: u32,
    left_out: u64,
}

impl RateLimit {
    fn new(per_second: u32) -> Self {
        let window = Window {
            began: Instant::now(),
            admitted: 0,
            left_out: 0,
        };
        Self {
            per_second,
            window: Mutex::new(window),
        }
    }

    fn admit(&self, now: Instant) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(window.began) >= Duration::from_secs(1) {
            (window.began, window.admitted) = (now, 0);
        }
        let admitted = window.admitted < self.per_second;
        match admitted {
            true => window.admitted += 1,
            false => window.left_out += 1,
        }
        admitted
    }

    fn take_left_out(&self) -> u64 {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut window.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_over_the_bound_are_counted_and_a_new_second_admits_again() {
        let limit = RateLimit::new(2);
        let start = Instant::now();
        let admitted = [0, 10, 20, 999].map(|ms| limit.admit(start + Duration::from_millis(ms)));
        assert_eq!(admitted, [true, true, false, false]);
        assert!(limit.admit(start + Duration::from_millis(1001)));
        assert_eq!(limit.take_left_out(), 2);
        assert_eq!(limit.take_left_out(), 0);
    }

    #[test]
    fn versions_and_names_read_well() {
        assert_eq!(Version(0x0304).to_string(), "1.3");
        assert_eq!(Version(0x7f1c).to_string(), "0x7f1c");
        assert_eq!(Sni(b"currency.dc1\x1b").to_string(), r"currency.dc1\x1b");
        assert_eq!(Sni(&[b'a'; 300]).to_string(), "a".repeat(256) + "…");
    }
}
