//! What is seen of a connection at one moment of its life.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use l4_failover::socket::live::ConnectionId;

use crate::log::{Greeting, Known, LISTENER_DENIED, Line, Upstream};
use crate::outcome::Outcome;
use crate::route::{RouteKind, RuleKind};

/// A connection when it opened, which is when its endpoint had taken the hello, or when it ended.
/// Owned, so that it keeps nothing of what a reload takes away.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// When it was seen.
    pub at: SystemTime,
    /// None of one that its listener did not let in.
    pub id: Option<ConnectionId>,
    /// Where it was accepted.
    pub listener: Box<str>,
    /// Where its client is.
    pub client: SocketAddr,
    /// The socket's peer, where that is another.
    pub peer: Option<SocketAddr>,
    /// The id that travels with it, escaped.
    pub trace: Option<Box<str>>,
    /// The server name as sent.
    pub server_name: Option<Box<[u8]>>,
    /// What else the hello said, once it was read.
    pub(super) hello: Option<Hello>,
    /// Which rule led it where.
    pub route: Option<(RuleKind, RouteKind, Box<str>)>,
    /// Who answered.
    pub(super) endpoint: Option<Endpoint>,
    /// How long it had been open.
    pub lasted: Duration,
    /// How it ended, if it has.
    pub end: Option<End>,
}

#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) version: u16,
    pub(super) alpn: Box<str>,
    pub(super) ech: bool,
    pub(super) after: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) name: Arc<str>,
    pub(super) address: SocketAddr,
    pub(super) is_spilled: bool,
    pub(super) failed: usize,
    pub(super) took: Duration,
}

/// How a connection ended.
#[derive(Clone, Debug)]
pub struct End {
    /// Phase, cause and reason.
    pub outcome: Outcome,
    /// More, in a sentence.
    pub error: Option<Box<str>>,
    /// Bytes read from the client, and from the endpoint.
    pub bytes: [u64; 2],
}

impl Sighting {
    pub(crate) fn opened(known: &Known<'_>, lasted: Duration) -> Self {
        Self::of(known, lasted, None)
    }

    pub(crate) fn closed(line: &Line<'_>) -> Self {
        let end = End {
            outcome: line.outcome,
            error: line.error.map(|error| error.to_string().into()),
            bytes: [line.from_client, line.from_upstream],
        };
        Self::of(&line.known, line.lasted, Some(end))
    }

    /// One from `client` that the listener's lists did not let in.
    #[must_use]
    pub fn denied(listener: &str, client: SocketAddr) -> Self {
        Self {
            at: SystemTime::now(),
            id: None,
            listener: listener.into(),
            client,
            peer: None,
            trace: None,
            server_name: None,
            hello: None,
            route: None,
            endpoint: None,
            lasted: Duration::ZERO,
            end: Some(End {
                outcome: Outcome::LISTENER_DENIED,
                error: Some(LISTENER_DENIED.into()),
                bytes: [0, 0],
            }),
        }
    }

    fn of(known: &Known<'_>, lasted: Duration, end: Option<End>) -> Self {
        let trace = known.trace.as_ref();
        let trace = trace.map(|id| crate::name::Escaped(id.as_bytes()).to_string());
        let route = known.rule.zip(known.destination);
        Self {
            at: SystemTime::now(),
            id: Some(known.id),
            listener: known.listener.into(),
            client: known.client,
            peer: known.peer,
            trace: trace.map(Into::into),
            server_name: known.server_name.map(Into::into),
            hello: known.greeting.map(Hello::of),
            route: route.map(|(rule, to)| (rule, to.kind, to.name.as_str().into())),
            endpoint: known.upstream.map(Endpoint::of),
            lasted,
            end,
        }
    }
}

impl Hello {
    fn of(greeting: &Greeting) -> Self {
        Self {
            version: greeting.version,
            alpn: greeting.alpn.clone(),
            ech: greeting.ech,
            after: greeting.after,
        }
    }
}

impl Endpoint {
    fn of(upstream: &Upstream) -> Self {
        Self {
            name: Arc::clone(upstream.endpoint.name()),
            address: upstream.address,
            is_spilled: upstream.is_spilled,
            failed: upstream.failed,
            took: upstream.took,
        }
    }
}
