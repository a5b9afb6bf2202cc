use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use l4_failover::probe::{HttpProbe, Probe, Subject};
use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::peer::{Endpoint, hanging, reset, rest};
use crate::tls::{Authority, acceptor};
use crate::{check, failure, subject};

/// The request, and how the connection ended afterwards.
type Served = (String, io::Result<Vec<u8>>);

/// One that answers any request by these bytes, and waits for the end.
async fn answering(answer: impl Into<Vec<u8>>) -> Endpoint<Served> {
    let answer = answer.into();
    Endpoint::new(move |connection| answer_by(connection, answer.clone())).await
}

async fn answer_by(mut line: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) -> Served {
    let request = request(&mut line).await;
    let end = match line.write_all(&answer).await {
        Ok(()) => rest(&mut line).await,
        Err(error) => Err(error),
    };
    (request, end)
}

async fn request(line: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(line.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

fn asking(address: SocketAddr, probe: HttpProbe) -> Subject {
    subject(address, Probe::Http(probe))
}

fn wanting(body: &str) -> HttpProbe {
    HttpProbe {
        body: Some(body.to_owned()),
        ..HttpProbe::default()
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\nall things ok\n";

#[tokio::test]
async fn a_good_status_is_enough_and_nothing_is_left_open() {
    let mut endpoint = answering(OK).await;
    let probe = HttpProbe {
        path: "/health?deep=1".to_owned(),
        ..HttpProbe::default()
    };
    assert_eq!(check(asking(endpoint.address, probe)).await.result, Ok(()));
    let (request, end) = endpoint.result().await;
    assert!(
        request.starts_with("get /health?deep=1 http/1.1\r\n"),
        "{request}"
    );
    let host = format!("\r\nhost: {}\r\n", endpoint.address);
    assert!(request.contains(&host), "{request}");
    assert!(request.contains("\r\nconnection: close\r\n"), "{request}");
    assert!(request.contains("\r\nuser-agent: l4-failover/"));
    assert!(end.unwrap().is_empty());
}

#[tokio::test]
async fn the_host_is_the_one_that_was_given() {
    let mut endpoint = answering(OK).await;
    let probe = HttpProbe {
        host: Some("refdata".to_owned()),
        ..HttpProbe::default()
    };
    assert_eq!(check(asking(endpoint.address, probe)).await.result, Ok(()));
    assert!(endpoint.result().await.0.contains("\r\nhost: refdata\r\n"));
}

#[tokio::test]
async fn another_status() {
    let endpoint = answering("HTTP/1.1 503 no\r\ncontent-length: 0\r\n\r\n").await;
    let why = failure(asking(endpoint.address, HttpProbe::default())).await;
    assert_eq!(why, "answered 503, wanted 200-299");
    let listed = HttpProbe {
        status: vec![200..=299, 304..=304],
        ..HttpProbe::default()
    };
    let why = failure(asking(endpoint.address, listed)).await;
    assert_eq!(why, "answered 503, wanted 200-299, 304");
    let down_is_good = HttpProbe {
        status: vec![503..=503],
        ..HttpProbe::default()
    };
    let down_is_good = asking(endpoint.address, down_is_good);
    assert_eq!(check(down_is_good).await.result, Ok(()));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let endpoint = answering("HTTP/1.1 302 x\r\nlocation: /\r\ncontent-length: 0\r\n\r\n").await;
    let why = failure(asking(endpoint.address, HttpProbe::default())).await;
    assert_eq!(why, "answered 302, wanted 200-299");
}

#[tokio::test]
async fn a_text_in_the_body() {
    let endpoint = answering(OK).await;
    let good = asking(endpoint.address, wanting("things ok"));
    assert_eq!(check(good).await.result, Ok(()));
    let why = failure(asking(endpoint.address, wanting("All"))).await;
    assert_eq!(why, "the body does not contain \"All\"");
}

#[tokio::test]
async fn a_text_that_comes_in_pieces() {
    let endpoint = Endpoint::new(|mut connection| async move {
        request(&mut connection).await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        connection.write_all(head.as_bytes()).await?;
        for byte in "it is healthy".chars() {
            let chunk = format!("1\r\n{byte}\r\n");
            connection.write_all(chunk.as_bytes()).await?;
            tokio::task::yield_now().await;
        }
        // The body never ends: the text is enough.
        rest(&mut connection).await
    })
    .await;
    let healthy = asking(endpoint.address, wanting("healthy"));
    assert_eq!(check(healthy).await.result, Ok(()));
}

#[tokio::test]
async fn a_text_is_looked_for_in_the_first_64_kib_only() {
    let body = |before: usize| {
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.extend(vec![b'.'; before]);
        answer.extend(b"needle");
        answer.extend(vec![b'.'; 1 << 20]);
        answer
    };
    let last = answering(body((64 << 10) - 6)).await;
    let last = asking(last.address, wanting("needle"));
    assert_eq!(check(last).await.result, Ok(()));
    let beyond = answering(body((64 << 10) - 5)).await;
    let why = failure(asking(beyond.address, wanting("needle"))).await;
    let wanted = "the first 64 KiB of the body do not contain \"needle\"";
    assert_eq!(why, wanted);
}

#[tokio::test]
async fn one_that_accepts_and_hangs() {
    let endpoint = hanging().await;
    let impatient = Subject {
        timeout: Duration::from_millis(150),
        ..asking(endpoint.address, HttpProbe::default())
    };
    let why = failure(impatient).await;
    assert_eq!(why, "no whole HTTP answer within 150ms");
}

#[tokio::test]
async fn one_that_stops_within_the_body() {
    let part = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\nall";
    let endpoint = answering(part).await;
    let impatient = Subject {
        timeout: Duration::from_millis(150),
        ..asking(endpoint.address, wanting("ok"))
    };
    let why = failure(impatient).await;
    assert_eq!(why, "no whole HTTP answer within 150ms");
    // Where nothing is wanted of the body, nobody waits for it.
    let endpoint = answering(part).await;
    let status = asking(endpoint.address, HttpProbe::default());
    assert_eq!(check(status).await.result, Ok(()));
}

#[tokio::test]
async fn one_that_closes_instead_of_answering() {
    let closed = "closed before the HTTP answer was whole";
    for part in [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
    ] {
        let endpoint = Endpoint::new(move |mut connection| async move {
            request(&mut connection).await;
            connection.write_all(part.as_bytes()).await
        })
        .await;
        let why = failure(asking(endpoint.address, wanting("ok"))).await;
        assert_eq!(why, closed, "after {part:?}");
    }
}

#[tokio::test]
async fn one_that_resets() {
    let endpoint = Endpoint::new(|mut connection| async move {
        request(&mut connection).await;
        reset(connection);
    })
    .await;
    let why = failure(asking(endpoint.address, HttpProbe::default())).await;
    let broke = "the connection broke before the HTTP answer was whole: connection reset";
    assert_eq!(why, broke);
}

#[tokio::test]
async fn what_is_not_http() {
    let endpoint = answering("220 ready\r\n\r\n").await;
    let why = failure(asking(endpoint.address, HttpProbe::default())).await;
    assert!(why.starts_with("the answer is not HTTP/1: "), "{why}");
}

#[tokio::test]
async fn a_head_without_an_end() {
    let endpoint = Endpoint::new(|mut connection| async move {
        request(&mut connection).await;
        connection.write_all(b"HTTP/1.1 200 OK\r\nx: ").await?;
        loop {
            connection.write_all(&[b'x'; 4096]).await?;
        }
        #[allow(unreachable_code, reason = "it says what the loop breaks with")]
        io::Result::Ok(())
    })
    .await;
    let why = failure(asking(endpoint.address, HttpProbe::default())).await;
    assert!(why.starts_with("the answer is not HTTP/1: "), "{why}");
}

#[tokio::test]
async fn over_tls() {
    let authority = Authority::new("ours");
    let acceptor = acceptor(&authority.issue("refdata.dc1", |_| ()), &TLS13, None);
    let mut endpoint = Endpoint::new(move |connection| {
        let accepting = acceptor.accept(connection);
        async move { answer_by(accepting.await.unwrap(), OK.into()).await }
    })
    .await;
    let secure = Subject {
        tls: Some(authority.trusted("refdata.dc1", None)),
        ..asking(endpoint.address, wanting("ok"))
    };
    assert_eq!(check(secure).await.result, Ok(()));
    let (request, end) = endpoint.result().await;
    assert!(request.contains("\r\nhost: refdata.dc1\r\n"), "{request}");
    // No error: close_notify was said.
    assert!(end.unwrap().is_empty());
}

#[tokio::test]
async fn over_tls_without_the_certificate_that_is_asked_for() {
    let authority = Authority::new("ours");
    let identity = authority.issue("refdata.dc1", |_| ());
    let acceptor = acceptor(&identity, &TLS13, Some(&authority));
    let endpoint = Endpoint::new(move |connection| {
        let accepting = acceptor.accept(connection);
        async move { _ = accepting.await }
    })
    .await;
    let nameless = Subject {
        tls: Some(authority.trusted("refdata.dc1", None)),
        ..asking(endpoint.address, HttpProbe::default())
    };
    let why = failure(nameless).await;
    assert!(
        why.ends_with("with the alert certificate_required (116)"),
        "{why}"
    );
}
