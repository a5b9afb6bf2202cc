use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use l4_failover::probe::{Probe, SoupBinProbe, Subject};
use l4_failover::soupbin::packet::{
    Credentials, LoginAccepted, LoginRequest, Packet, Reject, SessionId, split,
};
use rustls::version::TLS13;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::peer::{Endpoint, hanging, reset, rest};
use crate::tls::{Authority, acceptor};
use crate::{check, failure, subject};

/// The login, and what came after it until the end.
type Served = (LoginRequest, io::Result<Vec<u8>>);

const SESSION: &str = "FEED000001";

fn asking(address: SocketAddr) -> Subject {
    asking_for(address, "")
}

fn asking_for(address: SocketAddr, session: &str) -> Subject {
    let probe = SoupBinProbe {
        credentials: Credentials::new("check1", "secret").unwrap(),
        session: session.parse().unwrap(),
    };
    subject(address, Probe::SoupBinTcp(probe))
}

fn bytes(packets: &[Packet<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for packet in packets {
        packet.encode(&mut bytes).unwrap();
    }
    bytes
}

fn accepted() -> Packet<'static> {
    Packet::LoginAccepted(LoginAccepted {
        session: SESSION.parse().unwrap(),
        sequence: 4711,
    })
}

/// One that answers any login by these bytes, and waits for the end.
async fn answering(answer: Vec<u8>) -> Endpoint<Served> {
    Endpoint::new(move |connection| serve(connection, answer.clone())).await
}

async fn serve(mut line: impl AsyncRead + AsyncWrite + Unpin, answer: Vec<u8>) -> Served {
    let login = login(&mut line).await;
    let end = match line.write_all(&answer).await {
        Ok(()) => rest(&mut line).await,
        Err(error) => Err(error),
    };
    (login, end)
}

async fn login(line: &mut (impl AsyncRead + Unpin)) -> LoginRequest {
    let mut login = [0; 49];
    line.read_exact(&mut login).await.unwrap();
    match split(&login).unwrap().unwrap().packet() {
        Ok(Packet::LoginRequest(login)) => login,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_accepted_login_is_enough_and_is_followed_by_a_logout() {
    let greeting = Packet::Debug(b"welcome");
    let first = Packet::Sequenced(b"the newest");
    let mut endpoint = answering(bytes(&[greeting, accepted(), first])).await;
    assert_eq!(check(asking(endpoint.address)).await.result, Ok(()));
    let (login, end) = endpoint.result().await;
    let expected = LoginRequest {
        credentials: Credentials::new("check1", "secret").unwrap(),
        session: SessionId::BLANK,
        sequence: 0,
        heartbeat_timeout: None,
    };
    assert_eq!(login, expected);
    assert_eq!(end.unwrap(), bytes(&[Packet::Logout]));
}

#[tokio::test]
async fn an_answer_may_come_byte_by_byte() {
    let endpoint = Endpoint::new(|mut connection| async move {
        connection.set_nodelay(true)?;
        login(&mut connection).await;
        for byte in bytes(&[accepted()]) {
            connection.write_all(&[byte]).await?;
            tokio::task::yield_now().await;
        }
        rest(&mut connection).await
    })
    .await;
    assert_eq!(check(asking(endpoint.address)).await.result, Ok(()));
}

#[tokio::test]
async fn a_session_that_was_named_must_be_the_one() {
    let mut endpoint = answering(bytes(&[accepted()])).await;
    let good = asking_for(endpoint.address, SESSION);
    assert_eq!(check(good).await.result, Ok(()));
    let (login, _) = endpoint.result().await;
    assert_eq!(login.session.as_str(), SESSION);
    let why = failure(asking_for(endpoint.address, "FEED000002")).await;
    assert_eq!(why, "logged in to session FEED000001, wanted FEED000002");
}

#[tokio::test]
async fn a_reject() {
    for (reject, said) in [
        (
            Reject::NotAuthorized,
            "the login was rejected: J A (not authorised)",
        ),
        (
            Reject::SessionUnavailable,
            "the login was rejected: J S (session unavailable)",
        ),
    ] {
        let endpoint = answering(bytes(&[Packet::LoginRejected(reject)])).await;
        assert_eq!(failure(asking(endpoint.address)).await, said);
    }
}

#[tokio::test]
async fn what_is_no_answer() {
    for (answer, said) in [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
            "not SoupBinTCP: a packet of the unknown type 'T'",
        ),
        (
            bytes(&[Packet::Sequenced(b"early")]),
            "not SoupBinTCP: S (sequenced data) before the login",
        ),
        (
            bytes(&[Packet::ServerHeartbeat]),
            "not SoupBinTCP: H (server heartbeat) before the login",
        ),
        (vec![0, 0], "not SoupBinTCP: a frame of length 0"),
    ] {
        let endpoint = answering(answer).await;
        assert_eq!(failure(asking(endpoint.address)).await, said);
    }
}

#[tokio::test]
async fn one_that_leaves_without_an_answer() {
    let endpoint = Endpoint::new(|mut connection| async move {
        login(&mut connection).await;
    })
    .await;
    let why = failure(asking(endpoint.address)).await;
    assert_eq!(why, "closed before it answered the login");
    let endpoint = Endpoint::new(|mut connection| async move {
        login(&mut connection).await;
        reset(connection);
    })
    .await;
    let why = failure(asking(endpoint.address)).await;
    assert_eq!(
        why,
        "the connection broke before the login was answered: connection reset"
    );
}

#[tokio::test]
async fn one_that_is_silent() {
    let endpoint = hanging().await;
    let impatient = Subject {
        timeout: Duration::from_millis(150),
        ..asking(endpoint.address)
    };
    let why = failure(impatient).await;
    assert_eq!(why, "no answer to the login within 150ms");
}

#[tokio::test]
async fn over_tls() {
    let authority = Authority::new("ours");
    let acceptor = acceptor(&authority.issue("feed.dc2", |_| ()), &TLS13, None);
    let mut endpoint = Endpoint::new(move |connection| {
        let accepting = acceptor.accept(connection);
        async move { serve(accepting.await.unwrap(), bytes(&[accepted()])).await }
    })
    .await;
    let secure = Subject {
        tls: Some(authority.trusted("feed.dc2", None)),
        ..asking(endpoint.address)
    };
    assert_eq!(check(secure).await.result, Ok(()));
    // No error: close_notify was said.
    assert_eq!(endpoint.result().await.1.unwrap(), bytes(&[Packet::Logout]));
}
