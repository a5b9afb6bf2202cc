//! A client and a server with a relay between them, plain or TLS on either side.

use std::io::{self, ErrorKind};

use l4_failover::socket::Stream;
use l4_failover::socket::relay::{RelayContext, RelayError, RelayLimits, Side, Tally, relay};
use l4_failover::socket::tls::{TlsClient, TlsOptions};
use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};
use socket2::SockRef;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsStream};

use crate::authority::Authority;
use crate::peer::{PATIENCE, connected, server};

/// What one side of a relay speaks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Speaks {
    Tcp,
    Tls(&'static SupportedProtocolVersion),
}

pub(crate) const TLS: Speaks = Speaks::Tls(&TLS13);
const OLD_TLS: Speaks = Speaks::Tls(&TLS12);

/// The client's side and the upstream's.
pub(crate) const SIDES: [(Speaks, Speaks); 5] = [
    (TLS, Speaks::Tcp),
    (Speaks::Tcp, TLS),
    (TLS, TLS),
    (OLD_TLS, OLD_TLS),
    (Speaks::Tcp, Speaks::Tcp),
];

pub(crate) type Ended = (Result<(), RelayError>, Tally);

/// A client and a server with a relay between them.
pub(crate) struct Line {
    pub(crate) client: Stream,
    pub(crate) server: Stream,
    pub(crate) relay: JoinHandle<Ended>,
}

/// The two ends of a connection; `buffer` bounds what the kernel keeps of it in each of them.
pub(crate) async fn ends(speaks: Speaks, buffer: Option<usize>) -> (Stream, Stream) {
    let (outer, inner) = connected().await;
    for end in [&outer, &inner] {
        if let Some(bytes) = buffer {
            SockRef::from(end).set_recv_buffer_size(bytes).unwrap();
            SockRef::from(end).set_send_buffer_size(bytes).unwrap();
        }
    }
    match speaks {
        Speaks::Tcp => (outer.into(), inner.into()),
        Speaks::Tls(version) => shake(outer, inner, version).await,
    }
}

pub(crate) async fn shake(
    outer: TcpStream,
    inner: TcpStream,
    version: &'static SupportedProtocolVersion,
) -> (Stream, Stream) {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(server(&authority.issue("any", &["any.dc1"]), &[version]));
    let client = TlsClient::load(&TlsOptions {
        server_name: "any.dc1".to_owned(),
        ca: Some(authority.ca()),
        identity: None,
    });
    let client = client.unwrap();
    let (outer, inner) = tokio::join!(client.connect(outer, PATIENCE), acceptor.accept(inner));
    (outer.unwrap(), TlsStream::from(inner.unwrap()).into())
}

pub(crate) async fn line(
    sides: (Speaks, Speaks),
    context: &RelayContext,
    buffer: Option<usize>,
) -> Line {
    line_between(sides, context, [buffer; 2]).await
}

/// A line with different buffers on the client's side and on the upstream's.
pub(crate) async fn line_between(
    (client, upstream): (Speaks, Speaks),
    context: &RelayContext,
    [client_buffer, upstream_buffer]: [Option<usize>; 2],
) -> Line {
    let (client, mut inner_client) = ends(client, client_buffer).await;
    // The relay is the client of its upstream, which is the accepting end here.
    let (mut inner_server, server) = ends(upstream, upstream_buffer).await;
    let context = context.clone();
    let relay = tokio::spawn(async move {
        let tally = Tally::default();
        let end = relay(&mut inner_client, &mut inner_server, &tally, &context).await;
        (end, tally)
    });
    Line {
        client,
        server,
        relay,
    }
}

pub(crate) fn context() -> RelayContext {
    RelayContext::new(RelayLimits::default())
}

pub(crate) fn copying() -> RelayContext {
    RelayContext::new(RelayLimits {
        pipes: 0,
        ..RelayLimits::default()
    })
}

/// Bytes that do not repeat within any window that a relay could mix up (xorshift).
pub(crate) fn payload(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let words = (0..bytes.div_ceil(8)).flat_map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    });
    words.take(bytes).collect()
}

pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("no hang")
}

/// Reads all that comes before the reset.
pub(crate) async fn read_to_reset(stream: &mut Stream) -> Vec<u8> {
    let mut received = Vec::new();
    let read = within(stream.read_to_end(&mut received)).await;
    let error = read.expect_err("a cut stream must not look whole");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    received
}

pub(crate) fn broken(ended: Ended) -> (Side, io::Error) {
    match ended.0.unwrap_err() {
        RelayError::Broken { side, source, .. } => (side, source),
        other => panic!("{other}"),
    }
}
