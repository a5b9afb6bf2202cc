//! Reads a hello off a connection, with its bounds.

use std::io;
use std::time::Duration;

use l4_failover::socket::relay::{Side, Tally};
use l4_failover::socket::scratch;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::client_hello::RANDOM_BYTES;
use super::{ClientHello, HelloBounds, HelloError, Progress, Reassembly, SniField};
use crate::name::Escaped;

/// Bounds of reading a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloLimits {
    /// How large it may be.
    pub bounds: HelloBounds,
    /// From the accepted connection to the complete hello. A hello that is late is refused: it
    /// never takes the default route.
    pub deadline: Duration,
}

impl Default for HelloLimits {
    /// 16 KiB of handshake in 64 KiB on the wire, within 5 s.
    fn default() -> Self {
        Self {
            bounds: HelloBounds::default(),
            deadline: Duration::from_secs(5),
        }
    }
}

/// Bytes kept of the application protocols for as long as a connection lives. A hello of 16 KiB
/// can name 8000 of them; clients that mean it name two.
pub const ALPN_TEXT_MAX: usize = 128;

/// A hello, and all that was read with it.
#[derive(Debug)]
pub struct Hello {
    /// Every byte read from the client, also those behind the hello: what an upstream is sent.
    pub bytes: Vec<u8>,
    /// The server name as sent, if there was one.
    pub server_name: Option<Box<[u8]>>,
    /// The greatest version offered; 0x0304 is TLS 1.3.
    pub version: u16,
    /// The application protocols as a log shows them: in the client's order, with commas,
    /// escaped, at most [`ALPN_TEXT_MAX`] bytes; what was cut off is shown as `…`.
    pub alpn: Box<str>,
    /// Whether the hello carries encrypted client hello: then the name is the outer one.
    pub ech: bool,
    /// The client's random, by which a hello is told from every other.
    pub random: [u8; RANDOM_BYTES],
}

/// Why a connection gave no hello.
#[derive(Debug, Error)]
pub enum ReadError {
    /// What was sent is no hello.
    #[error(transparent)]
    Hello(#[from] HelloError),
    /// The client closed without a byte: a probe of the port's health, and no error.
    #[error("closed without a byte")]
    Probe,
    /// The client closed, or was reset, in the middle of its hello.
    #[error("closed within the hello, after {bytes} bytes")]
    Closed {
        /// What had arrived.
        bytes: usize,
    },
    /// The hello was not complete in time.
    #[error("no complete hello within {limit:?}: {bytes} bytes arrived")]
    Deadline {
        /// What had arrived.
        bytes: usize,
        /// The limit.
        limit: Duration,
    },
    /// Reading failed otherwise.
    #[error("cannot read: {0}")]
    Io(io::Error),
}

impl ReadError {
    /// Every value of [`ReadError::reason`].
    pub const REASONS: [&'static str; 8] = [
        "not_tls",
        "sslv2",
        "malformed",
        "too_long",
        "probe",
        "closed",
        "deadline",
        "io",
    ];

    /// A stable label for metrics and logs.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Hello(error) => error.reason(),
            Self::Probe => "probe",
            Self::Closed { .. } => "closed",
            Self::Deadline { .. } => "deadline",
            Self::Io(_) => "io",
        }
    }
}

/// Reads until the hello is complete; nothing is left unread that would be needed to pass the
/// connection on whole. The time is counted from `since`, and what arrives by `tally`, also where it
/// comes to no hello.
///
/// # Errors
///
/// [`ReadError`]: no hello, or not within `limits`.
pub async fn read(
    client: &mut TcpStream,
    limits: &HelloLimits,
    since: Instant,
    tally: &Tally,
) -> Result<Hello, ReadError> {
    let mut bytes = Vec::new();
    let reading = timeout_at(
        since + limits.deadline,
        complete(client, &limits.bounds, &mut bytes, tally),
    )
    .await;
    match reading {
        Ok(message) => hello(&message?, bytes),
        Err(_) => Err(ReadError::Deadline {
            bytes: bytes.len(),
            limit: limits.deadline,
        }),
    }
}

async fn complete(
    client: &mut TcpStream,
    bounds: &HelloBounds,
    bytes: &mut Vec<u8>,
    tally: &Tally,
) -> Result<Reassembly, ReadError> {
    let mut reassembly = Reassembly::default();
    loop {
        let arrived = bytes.len();
        let room = bounds.raw_bytes.saturating_sub(arrived).max(1);
        match scratch::read_into(client, room, bytes).await {
            Ok(0) => return Err(closed(arrived)),
            Ok(more) => tally.add(Side::Client, more as u64),
            Err(error) if is_closed(&error) => return Err(closed(arrived)),
            Err(error) => return Err(ReadError::Io(error)),
        }
        if reassembly.push(&bytes[arrived..], bounds)? == Progress::Complete {
            return Ok(reassembly);
        }
    }
}

fn closed(bytes: usize) -> ReadError {
    match bytes {
        0 => ReadError::Probe,
        bytes => ReadError::Closed { bytes },
    }
}

/// Health checks of load balancers often end with RST.
fn is_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
    )
}

fn hello(reassembly: &Reassembly, bytes: Vec<u8>) -> Result<Hello, ReadError> {
    let hello = ClientHello::parse(reassembly.message()).map_err(HelloError::from)?;
    let server_name = match hello.server_name {
        SniField::Absent => None,
        SniField::Name(name) => Some(name.into()),
    };
    Ok(Hello {
        server_name,
        version: hello.version(),
        alpn: alpn_text(&hello),
        ech: hello.ech,
        random: *hello.random,
        bytes,
    })
}

fn alpn_text(hello: &ClientHello<'_>) -> Box<str> {
    let mut text = String::new();
    for protocol in hello.alpn() {
        let comma = if text.is_empty() { "" } else { "," };
        let next = format!("{comma}{}", Escaped(protocol));
        if text.len() + next.len() > ALPN_TEXT_MAX - CUT.len() {
            text.push_str(CUT);
            break;
        }
        text.push_str(&next);
    }
    text.into()
}

/// Stands for what was left out.
const CUT: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    /// A body with this `application_layer_protocol_negotiation` list.
    fn body(protocols: &[&[u8]]) -> Vec<u8> {
        let list: Vec<u8> = protocols
            .iter()
            .flat_map(|protocol| [&[protocol.len() as u8], *protocol].concat())
            .collect();
        let lengths = |extra: usize| ((list.len() + extra) as u16).to_be_bytes();
        let mut body = [&[3, 3][..], &[0; 32], &[0], &[0, 2, 0x13, 1], &[1, 0]].concat();
        body.extend([&lengths(6)[..], &[0, 16], &lengths(2), &lengths(0), &list].concat());
        body
    }

    fn text(protocols: &[&[u8]]) -> Box<str> {
        alpn_text(&ClientHello::parse(&body(protocols)).unwrap())
    }

    #[test]
    fn protocols_are_listed_in_order_and_escaped() {
        assert_eq!(&*text(&[b"h2", b"http/1.1"]), "h2,http/1.1");
        assert_eq!(&*text(&[b"a b", b"\xff"]), r"a\x20b,\xff");
    }

    #[test]
    fn thousands_of_protocols_cost_no_more_than_a_few() {
        let many = vec![&b"x"[..]; 8000];
        let text = text(&many);
        assert!(text.len() <= ALPN_TEXT_MAX && text.ends_with(CUT), "{text}");
        assert!(text.starts_with("x,x,x,"));
    }
}
