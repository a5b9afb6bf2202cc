//! TLS from callers.

use std::time::Duration;

use l4_failover::socket::Stream;
use l4_failover::socket::tls::{
    AcceptError, Caller, HandshakeError, Identity, TlsServer, TlsServerOptions,
};
use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::authority::{Authority, write};
use crate::peer::{PATIENCE, caller, connected};

const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

pub(crate) fn options(authority: &Authority, allow: &[&str]) -> TlsServerOptions {
    TlsServerOptions {
        identity: authority.issue("server", &["refdata.dc1"]),
        ca: authority.ca(),
        allow: allow.iter().map(|name| name.parse().unwrap()).collect(),
        crl_file: None,
    }
}

/// What the server makes of a caller, and what the caller comes to read.
struct Met {
    accepted: Result<Caller, AcceptError>,
    /// The answer, or the alert.
    heard: Result<String, AlertDescription>,
}

/// A caller that shows `identity` says "question", which is answered.
async fn meet(
    server: &TlsServer,
    authority: &Authority,
    identity: Option<&Identity>,
    version: &'static SupportedProtocolVersion,
) -> Met {
    let (outer, inner) = connected().await;
    let serving = async {
        let (stream, caller) = server.accept(inner, PATIENCE).await?;
        answer(stream).await;
        Ok(caller)
    };
    let calling = async {
        let mut stream = caller(&authority.ca(), identity, version)
            .connect("refdata.dc1".try_into().unwrap(), outer)
            .await?;
        stream.write_all(b"question").await?;
        stream.shutdown().await?;
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.map(|_| heard)
    };
    let (accepted, heard) = tokio::join!(serving, calling);
    let heard = heard.map_err(|error| match error.downcast::<rustls::Error>() {
        Ok(rustls::Error::AlertReceived(alert)) => alert,
        other => panic!("no alert: {other:?}"),
    });
    Met { accepted, heard }
}

async fn answer(mut stream: Stream) {
    let mut asked = String::new();
    stream.read_to_string(&mut asked).await.unwrap();
    assert_eq!(asked, "question");
    stream.write_all(b"answer").await.unwrap();
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_caller_with_an_allowed_name_is_let_in() {
    let authority = Authority::new();
    let allow = ["WebService.dc1", "spiffe://dc1/ordermanager"];
    let server = TlsServer::load(&options(&authority, &allow)).unwrap();
    let by_dns = authority.issue("dns", &["other.dc1", "webSERVICE.DC1"]);
    let by_uri = authority.issue("uri", &["127.0.0.1", "spiffe://dc1/ordermanager"]);
    for version in VERSIONS {
        for (identity, names) in [
            (&by_dns, "other.dc1, webservice.dc1"),
            (&by_uri, "spiffe://dc1/ordermanager"),
        ] {
            // Twice: the second is not let in for having been there before.
            for _ in 0..2 {
                let met = meet(&server, &authority, Some(identity), version).await;
                assert_eq!(met.accepted.unwrap().to_string(), names);
                assert_eq!(met.heard.unwrap(), "answer");
            }
        }
    }
}

#[tokio::test]
async fn a_caller_without_one_gets_access_denied_and_is_named() {
    let authority = Authority::new();
    let server = TlsServer::load(&options(&authority, &["webservice.dc1", "a.b.dc1"])).unwrap();
    // The first has the allowed name where it does not count: in its subject.
    let unnamed = authority.issue("webservice.dc1", &[]);
    let cases = [
        (&unnamed, "no DNS name or URI"),
        (
            &authority.issue("others", &["other.dc1", "spiffe://webservice.dc1"]),
            "other.dc1, spiffe://webservice.dc1",
        ),
        (
            &authority.issue("wild", &["*.dc1", "*.b.dc1"]),
            "*.dc1, *.b.dc1",
        ),
        (
            &authority.issue("longer", &["x.webservice.dc1", "webservice.dc1.x"]),
            "x.webservice.dc1, webservice.dc1.x",
        ),
    ];
    for version in VERSIONS {
        for (identity, shown) in cases {
            let met = meet(&server, &authority, Some(identity), version).await;
            let error = met.accepted.unwrap_err();
            assert!(matches!(error, AcceptError::NotAllowed(_)), "{error:?}");
            assert_eq!(
                error.to_string(),
                format!("the caller is not allowed in: its certificate carries {shown}")
            );
            assert_eq!(met.heard.unwrap_err(), AlertDescription::AccessDenied);
        }
    }
}

#[tokio::test]
async fn nobody_is_let_in_by_an_empty_list() {
    let authority = Authority::new();
    let server = TlsServer::load(&options(&authority, &[])).unwrap();
    let identity = authority.issue("a", &["webservice.dc1"]);
    let met = meet(&server, &authority, Some(&identity), &TLS13).await;
    assert!(matches!(met.accepted, Err(AcceptError::NotAllowed(_))));
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_refused() {
    let authority = Authority::new();
    let server = TlsServer::load(&options(&authority, &["webservice.dc1"])).unwrap();
    for version in VERSIONS {
        let met = meet(&server, &authority, None, version).await;
        assert!(matches!(met.accepted, Err(AcceptError::NoCertificate)));
        assert!(met.heard.is_err());
    }
}

/// The allowed name alone is not enough.
#[tokio::test]
async fn a_certificate_that_does_not_verify_is_refused_in_a_sentence() {
    let authority = Authority::new();
    let server = TlsServer::load(&options(&authority, &["webservice.dc1"])).unwrap();
    let strangers = Authority::named("another authority");
    let stranger = strangers.issue("stranger", &["webservice.dc1"]);
    let old = authority.issue_with("old", &["webservice.dc1"], |params| {
        params.not_after = rcgen::date_time_ymd(2024, 2, 3);
    });
    let ca = authority.ca();
    let cases = [
        (
            &stranger,
            format!(
                "was not issued by any of the authorities in {}",
                ca.display()
            ),
            AlertDescription::UnknownCA,
        ),
        (
            &old,
            "expired at 2024-02-03T00:00:00Z".to_owned(),
            AlertDescription::CertificateExpired,
        ),
    ];
    for (identity, sentence, alert) in cases {
        let met = meet(&server, &authority, Some(identity), &TLS13).await;
        let error = met.accepted.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("the caller's certificate {sentence}")
        );
        assert_eq!(met.heard.unwrap_err(), alert);
    }
}

#[tokio::test]
async fn a_caller_that_stops_is_waited_for_no_longer_than_allowed() {
    let authority = Authority::new();
    let server = TlsServer::load(&options(&authority, &["webservice.dc1"])).unwrap();
    let (outer, inner) = connected().await;
    let limit = Duration::from_millis(50);
    let error = server.accept(inner, limit).await.unwrap_err();
    assert!(matches!(
        error,
        AcceptError::Handshake(HandshakeError::TimedOut(it)) if it == limit
    ));
    let (mut closed, inner) = (outer, connected().await);
    let mut rest = Vec::new();
    closed.read_to_end(&mut rest).await.unwrap();
    // One that says nothing and goes.
    let (outer, inner) = inner;
    drop(outer);
    let error = server.accept(inner, PATIENCE).await.unwrap_err();
    assert!(matches!(
        error,
        AcceptError::Handshake(HandshakeError::Closed)
    ));
}

/// A server with these lists of the revoked.
fn with_lists(authority: &Authority, lists: &str) -> TlsServer {
    let crl_file = authority.path("crl.pem");
    write(&crl_file, lists);
    let options = TlsServerOptions {
        crl_file: Some(crl_file),
        ..options(authority, &["webservice.dc1"])
    };
    TlsServer::load(&options).unwrap()
}

fn numbered(authority: &Authority, number: u64) -> Identity {
    authority.issue_with(&format!("number-{number}"), &["webservice.dc1"], |params| {
        params.serial_number = Some(number.into());
    })
}

#[tokio::test]
async fn who_was_revoked_stays_out_even_by_an_old_list() {
    let authority = Authority::new();
    let (good, revoked) = (numbered(&authority, 7), numbered(&authority, 8));
    // Two lists, of which one is about the callers.
    let other = Authority::named("another authority");
    for until in [2100, 2024] {
        let lists = other.list(&[7], 2100) + &authority.list(&[8], until);
        let server = with_lists(&authority, &lists);
        let met = meet(&server, &authority, Some(&good), &TLS13).await;
        assert_eq!(met.heard.unwrap(), "answer");
        let met = meet(&server, &authority, Some(&revoked), &TLS13).await;
        assert_eq!(
            met.accepted.unwrap_err().to_string(),
            "the caller's certificate was revoked"
        );
        assert_eq!(met.heard.unwrap_err(), AlertDescription::CertificateRevoked);
        let due = rcgen::date_time_ymd(until, 1, 1);
        assert_eq!(server.crl_expires(), Some(due.into()));
    }
}

#[tokio::test]
async fn a_caller_of_whom_no_list_speaks_is_refused() {
    let authority = Authority::new();
    let other = Authority::named("another authority");
    let server = with_lists(&authority, &other.list(&[], 2100));
    let met = meet(&server, &authority, Some(&numbered(&authority, 7)), &TLS13).await;
    let said = met.accepted.unwrap_err().to_string();
    assert!(said.contains("crl_file holds no list"), "{said}");
}

#[test]
fn a_mistake_names_the_key_and_the_file() {
    let authority = Authority::new();
    let fine = options(&authority, &["webservice.dc1"]);
    let wrong = authority.path("wrong.pem");
    write(
        &wrong,
        "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
    );
    let mistake = |options: TlsServerOptions| {
        let error = TlsServer::load(&options).unwrap_err();
        (error.key(), error.to_string())
    };
    let crl_file = |path| TlsServerOptions {
        crl_file: Some(path),
        ..fine.clone()
    };
    let shown = wrong.display();
    assert_eq!(
        mistake(crl_file(wrong.clone())),
        (
            "crl_file",
            format!("the certificate revocation list in {shown} cannot be used")
        )
    );
    let ca = authority.ca();
    assert_eq!(
        mistake(crl_file(ca.clone())),
        (
            "crl_file",
            format!("{} holds no certificate revocation list", ca.display())
        )
    );
    let no_authority = TlsServerOptions {
        ca: fine.identity.key.clone(),
        ..fine.clone()
    };
    assert_eq!(mistake(no_authority).0, "ca");
}
