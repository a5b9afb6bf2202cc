//! The admin server over real sockets, with requests written by hand.

use super::{Address, AdminError, AdminOptions, Bound, Site};
use crate::socket::tls::Identity;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::routing::{get, post};
use hyper::body::Frame;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// Far less than silent clients are given in these tests.
const PATIENCE: Duration = Duration::from_secs(10);
const OWN: &str = "Host: localhost\r\n";

fn site() -> Site {
    let metrics = Router::new().route("/metrics", get(async || "up 1\n"));
    let operators = metrics
        .clone()
        .route("/status", get(async || "fine"))
        .route("/", get(async || "page"))
        .route("/hang", get(pending::<()>))
        .route("/think", get(think))
        .route("/events", get(async || Body::new(Endless)))
        .route("/echo", post(async |body: Bytes| body));
    Site {
        operators,
        metrics,
        public_paths: vec!["/".to_owned()],
    }
}

/// `/think` was asked for; by one test only.
static THINKING: Notify = Notify::const_new();

async fn think() {
    THINKING.notify_one();
    pending().await
}

/// A body of which nothing comes and no end.
struct Endless;

impl HttpBody for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// A server that runs until it is told to stop.
struct Running {
    address: Address,
    metrics: Option<SocketAddr>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    fn start(bound: Bound) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        Self {
            address: bound.address().clone(),
            metrics: bound.metrics_address(),
            stop,
            task: tokio::spawn(bound.serve(site(), async {
                let _ = stopped.await;
            })),
        }
    }

    fn loopback() -> Self {
        Self::start(Bound::bind(&loopback()).unwrap())
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.tcp()).await.unwrap()
    }

    fn tcp(&self) -> SocketAddr {
        match &self.address {
            Address::Tcp(address) => *address,
            Address::Unix(path) => panic!("{}", path.display()),
        }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }

    /// The status of `GET path`, with these header lines.
    async fn status(&self, path: &str, headers: &str) -> u16 {
        status(&ask(self.connect().await, &format!("GET {path}"), headers, "").await)
    }
}

fn loopback() -> AdminOptions {
    AdminOptions::at("127.0.0.1:0".parse().unwrap())
}

/// The whole answer to one request on a connection of its own.
async fn ask<S>(mut stream: S, line: &str, headers: &str, body: &str) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let close = "Connection: close\r\n";
    let request = format!("{line} HTTP/1.1\r\n{headers}{close}\r\n{body}");
    let mut answer = Vec::new();
    // A server that answers before it has read everything may then reset the connection.
    let _ = stream.write_all(request.as_bytes()).await;
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).expect(answer).parse().unwrap()
}

#[tokio::test]
async fn a_foreign_host_or_origin_is_refused_with_a_sentence() {
    let server = Running::loopback();
    assert_eq!(server.status("/status", OWN).await, 200);
    assert_eq!(
        server
            .status("/status", &format!("Host: {}\r\n", server.tcp()))
            .await,
        200
    );
    assert_eq!(
        server.status("/status", "Host: 127.0.0.1:2222\r\n").await,
        200
    );
    assert_eq!(server.status("/status", "").await, 403);
    let rebound = ask(
        server.connect().await,
        "GET /status",
        "Host: evil.example:19000\r\n",
        "",
    );
    let rebound = rebound.await;
    assert_eq!(status(&rebound), 403);
    assert!(
        rebound.contains("not this server's: use its address"),
        "{rebound}"
    );
    for foreign in [
        "Origin: null",
        "Origin: http://evil.example",
        "Origin: http://localhost:2222",
        "Sec-Fetch-Site: cross-site",
    ] {
        assert_eq!(
            server
                .status("/status", &format!("{OWN}{foreign}\r\n"))
                .await,
            403,
            "{foreign}"
        );
        assert_eq!(
            server.status("/none", &format!("{OWN}{foreign}\r\n")).await,
            403,
            "{foreign}"
        );
    }
    let own = "Host: localhost:2222\r\nOrigin: http://localhost:2222\r\n\
               Sec-Fetch-Site: same-origin\r\n";
    assert_eq!(server.status("/status", own).await, 200);
    server.stop().await;
}

#[tokio::test]
async fn only_http_1_0_may_leave_its_host_out() {
    let server = Running::loopback();
    let mut client = server.connect().await;
    client
        .write_all(b"GET /status HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(status(&answer), 200);
    server.stop().await;
}

#[tokio::test]
async fn a_configured_host_is_accepted() {
    let options = AdminOptions {
        hosts: vec!["gateway.example".to_owned()],
        ..loopback()
    };
    let server = Running::start(Bound::bind(&options).unwrap());
    assert_eq!(
        server
            .status("/status", "Host: Gateway.example:80\r\n")
            .await,
        200
    );
    assert_eq!(
        server.status("/status", "Host: other.example\r\n").await,
        403
    );
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_asked_for_but_on_public_paths() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, "s3cret\n").unwrap();
    let options = AdminOptions {
        token_file: Some(file),
        ..loopback()
    };
    let server = Running::start(Bound::bind(&options).unwrap());
    let with = |token: &str| format!("{OWN}Authorization: Bearer {token}\r\n");
    let refused = ask(server.connect().await, "GET /status", OWN, "").await;
    assert_eq!(status(&refused), 401);
    assert!(
        refused
            .to_ascii_lowercase()
            .contains("www-authenticate: bearer\r\n"),
        "{refused}"
    );
    assert_eq!(server.status("/status", &with("s3cre")).await, 401);
    assert_eq!(server.status("/none", OWN).await, 401);
    assert_eq!(server.status("/status", &with("s3cret")).await, 200);
    assert_eq!(server.status("/", OWN).await, 200);
    assert_eq!(server.status("/", "Host: evil.example\r\n").await, 403);
    server.stop().await;
}

/// Writes a certificate for 127.0.0.1, its key and a token; gives the options that name them.
fn protected(dir: &Path, address: &str) -> (AdminOptions, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let path = |name: &str| dir.join(name);
    std::fs::write(path("cert"), made.cert.pem()).unwrap();
    std::fs::write(path("key"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("token"), "s3cret").unwrap();
    let options = AdminOptions {
        token_file: Some(path("token")),
        tls: Some(Identity {
            cert: path("cert"),
            key: path("key"),
        }),
        ..AdminOptions::at(address.parse().unwrap())
    };
    (
        options,
        CertificateDer::from_pem_file(path("cert")).unwrap(),
    )
}

#[tokio::test]
async fn other_addresses_are_served_over_tls_with_a_token() {
    let dir = tempfile::tempdir().unwrap();
    let (options, cert) = protected(dir.path(), "0.0.0.0:0");
    let server = Running::start(Bound::bind(&options).unwrap());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(cert).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let connect = async || {
        let port = server.tcp().port();
        let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        connector.connect(name, stream).await.unwrap()
    };
    let host = "Host: 127.0.0.1\r\n";
    let shown = format!("{host}Authorization: Bearer s3cret\r\n");
    assert_eq!(
        status(&ask(connect().await, "GET /status", host, "").await),
        401
    );
    assert_eq!(
        status(&ask(connect().await, "GET /status", &shown, "").await),
        200
    );
    server.stop().await;
}

#[test]
fn other_addresses_are_refused_without_both_tls_and_token() {
    let dir = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let (options, _) = protected(dir.path(), address);
        let no_tls = AdminOptions {
            tls: None,
            ..options.clone()
        };
        let no_token = AdminOptions {
            token_file: None,
            ..options
        };
        for options in [no_tls, no_token, AdminOptions::at(address.parse().unwrap())] {
            assert!(matches!(Bound::bind(&options), Err(AdminError::Exposed(_))));
        }
    }
}

#[tokio::test]
async fn a_unix_socket_is_private_taken_over_from_the_dead_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let options = AdminOptions::at(Address::Unix(path.clone()));
    let server = Running::start(Bound::bind(&options).unwrap());
    assert_eq!(
        server.address.to_string(),
        format!("unix:{}", path.display())
    );
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let client = UnixStream::connect(&path).await.unwrap();
    assert_eq!(status(&ask(client, "GET /status", OWN, "").await), 200);
    assert!(matches!(Bound::bind(&options), Err(AdminError::Live(_))));
    server.stop().await;
    assert!(!path.exists());
}

#[test]
fn a_file_that_is_not_a_socket_stays() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let options = AdminOptions::at(Address::Unix(file.path().to_owned()));
    assert!(matches!(
        Bound::bind(&options),
        Err(AdminError::NotASocket(_))
    ));
    assert!(file.path().exists());
}

#[tokio::test]
async fn a_socket_that_replaced_this_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let bound = Bound::bind(&AdminOptions::at(Address::Unix(path.clone()))).unwrap();
    // The new file first, so that it cannot have the inode of the old one.
    let other = dir.path().join("other.sock");
    let _successor = std::os::unix::net::UnixListener::bind(&other).unwrap();
    std::fs::rename(&other, &path).unwrap();
    drop(bound);
    assert!(path.exists());
}

#[tokio::test]
async fn the_open_address_serves_metrics_to_anyone_and_nothing_else() {
    let options = AdminOptions {
        metrics_address: Some("127.0.0.1:0".parse().unwrap()),
        ..loopback()
    };
    let server = Running::start(Bound::bind(&options).unwrap());
    let open = server.metrics.unwrap();
    let scrape = async |path: &str| {
        let client = TcpStream::connect(open).await.unwrap();
        ask(
            client,
            &format!("GET {path}"),
            "Host: scraped.example\r\n",
            "",
        )
        .await
    };
    assert!(scrape("/metrics").await.ends_with("up 1\n"));
    assert_eq!(status(&scrape("/status").await), 404);
    server.stop().await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let server = Running::loopback();
    let error = Bound::bind(&AdminOptions::at(server.address.clone())).unwrap_err();
    let named = format!("cannot listen on {}: another process", server.address);
    assert!(error.to_string().starts_with(&named), "{error}");
    server.stop().await;
}

#[tokio::test]
async fn a_long_body_is_not_read() {
    let server = Running::loopback();
    let post = async |length: usize| {
        let headers = format!("{OWN}Content-Length: {length}\r\n");
        ask(
            server.connect().await,
            "POST /echo",
            &headers,
            &"x".repeat(length),
        )
        .await
    };
    assert_eq!(status(&post(64 * 1024).await), 200);
    assert_eq!(status(&post(64 * 1024 + 1).await), 413);
    server.stop().await;
}

/// What a client receives until the server ends the connection, by whatever means.
async fn rest(mut client: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_client_that_never_ends_its_head_is_dropped() {
    let mut bound = Bound::bind(&loopback()).unwrap();
    bound.limits.head_timeout = Duration::from_millis(50);
    let server = Running::start(bound);
    let silent = server.connect().await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /status HTTP/1.1\r\nHost: loc")
        .await
        .unwrap();
    for client in [silent, slow] {
        let answer = rest(client).await;
        assert!(!answer.contains("fine"), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn one_connection_too_many_waits_while_all_are_being_answered() {
    for path in ["think", "events"] {
        let server = Running::start(bound_for(1));
        let mut first = server.connect().await;
        let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        first.write_all(request.as_bytes()).await.unwrap();
        match path {
            "think" => THINKING.notified().await,
            _ => drop(first.read_u8().await.unwrap()),
        }
        let mut second = server.connect().await;
        second
            .write_all(b"GET /status HTTP/1.0\r\n\r\n")
            .await
            .unwrap();
        let waits = tokio::time::timeout(Duration::from_millis(50), second.read_u8()).await;
        assert!(waits.is_err(), "{path}");
        drop(first);
        assert!(rest(second).await.ends_with("fine"), "{path}");
        server.stop().await;
    }
}

/// An address for a few clients, who may be silent for longer than any test takes.
fn bound_for(connections: usize) -> Bound {
    let options = AdminOptions {
        metrics_address: Some("127.0.0.1:0".parse().unwrap()),
        ..loopback()
    };
    let mut bound = Bound::bind(&options).unwrap();
    bound.limits.connections = connections;
    bound.limits.head_timeout = Duration::from_secs(3600);
    bound.limits.idle_timeout = Duration::from_secs(3600);
    bound
}

#[tokio::test]
async fn silent_clients_keep_nobody_out() {
    const PLACES: usize = 4;
    let server = Running::start(bound_for(PLACES));
    for open in [server.tcp(), server.metrics.unwrap()] {
        let mut silent = Vec::new();
        for nth in 0..3 * PLACES {
            let mut client = TcpStream::connect(open).await.unwrap();
            let said = match nth % 3 {
                0 => "",
                1 => "GET /metrics HTTP/1.1\r\nHost: loc",
                _ => "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n",
            };
            client.write_all(said.as_bytes()).await.unwrap();
            if said.ends_with("\r\n\r\n") {
                let answer = tokio::time::timeout(PATIENCE, client.read_u8()).await;
                answer.expect("a place").unwrap();
            }
            silent.push(client);
        }
        let client = TcpStream::connect(open).await.unwrap();
        let answer = tokio::time::timeout(PATIENCE, ask(client, "GET /metrics", OWN, "")).await;
        assert!(answer.expect("a place").ends_with("up 1\n"));
        drop(silent);
    }
    server.stop().await;
}

#[tokio::test]
async fn who_waited_longest_goes_first() {
    let server = Running::start(bound_for(2));
    let mut asks = server.connect().await;
    let silent = server.connect().await;
    // Asked after the other had come, so that it has waited less long.
    let request = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let answer = async |client: &mut TcpStream| {
        client.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"fine") {
            answer.push(client.read_u8().await.unwrap());
        }
    };
    answer(&mut asks).await;
    assert_eq!(server.status("/status", OWN).await, 200);
    let evicted = tokio::time::timeout(PATIENCE, rest(silent)).await;
    assert_eq!(evicted.as_deref(), Ok(""));
    answer(&mut asks).await;
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_has_its_answer_may_take_its_time() {
    let mut bound = bound_for(1);
    bound.limits.head_timeout = Duration::from_millis(20);
    let server = Running::start(bound);
    let mut client = server.connect().await;
    let request = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.write_all(request).await.unwrap();
    // Longer than the bound that must not end it; that nothing happens cannot be awaited.
    tokio::time::sleep(Duration::from_millis(60)).await;
    client
        .write_all(b"GET /status HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(rest(client).await.matches("fine").count(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_stop_ends_idle_connections_at_once_and_hanging_ones_in_bounded_time() {
    let mut bound = Bound::bind(&loopback()).unwrap();
    bound.limits.stop_timeout = Duration::from_millis(50);
    let server = Running::start(bound);
    let mut idle = server.connect().await;
    idle.write_all(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    idle.read_u8().await.unwrap();
    let mut hanging = server.connect().await;
    hanging
        .write_all(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    server.stop().await;
    assert!(rest(idle).await.ends_with("fine"));
    assert_eq!(rest(hanging).await, "");
}
