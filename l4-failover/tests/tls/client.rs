//! TLS towards a target.

use std::time::Duration;

use l4_failover::socket::Stream;
use l4_failover::socket::tls::{Alert, HandshakeError, Identity, TlsClient, TlsError, TlsOptions};
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use crate::authority::{Authority, write};
use crate::peer::{PATIENCE, chain, connected, roots, server};

fn options(authority: &Authority, name: &str) -> TlsOptions {
    TlsOptions {
        server_name: name.to_owned(),
        ca: Some(authority.ca()),
        identity: None,
    }
}

/// Shakes hands with a server that shows `identity`.
async fn shake(options: &TlsOptions, identity: &Identity) -> Result<Stream, HandshakeError> {
    let client = TlsClient::load(options).unwrap();
    let (outer, inner) = connected().await;
    let acceptor = TlsAcceptor::from(server(identity, &[&TLS12, &TLS13]));
    let (shaken, _) = tokio::join!(client.connect(outer, PATIENCE), acceptor.accept(inner));
    shaken
}

async fn refused(options: &TlsOptions, identity: &Identity) -> String {
    shake(options, identity).await.unwrap_err().to_string()
}

#[tokio::test]
async fn both_versions_are_spoken_and_bytes_go_both_ways() {
    let authority = Authority::new();
    let identity = authority.issue("server", &["currency.dc1"]);
    let client = TlsClient::load(&options(&authority, "currency.dc1")).unwrap();
    assert_eq!(client.server_name(), "currency.dc1");
    for version in [&TLS12, &TLS13] {
        let (outer, inner) = connected().await;
        let acceptor = TlsAcceptor::from(server(&identity, &[version]));
        let serving = tokio::spawn(async move {
            let mut stream = acceptor.accept(inner).await.unwrap();
            let session = stream.get_ref().1;
            assert_eq!(session.server_name(), Some("currency.dc1"));
            assert_eq!(session.alpn_protocol(), None);
            let mut asked = String::new();
            stream.read_to_string(&mut asked).await.unwrap();
            stream.write_all(asked.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        });
        let mut stream = client.connect(outer, PATIENCE).await.unwrap();
        assert!(stream.is_tls() && stream.tcp().peer_addr().is_ok());
        stream.write_all(b"over and back").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "over and back");
        serving.await.unwrap();
        assert!(stream.into_tcp().is_err());
    }
}

#[tokio::test]
async fn an_address_is_a_name_too() {
    let authority = Authority::new();
    let identity = authority.issue("server", &["127.0.0.1"]);
    assert!(
        shake(&options(&authority, "127.0.0.1"), &identity)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_certificate_that_does_not_verify_is_refused_in_a_sentence() {
    let authority = Authority::new();
    let ours = options(&authority, "currency.dc1");
    let other = authority.issue("other", &["refdata.dc1", "refdata.dc2"]);
    assert_eq!(
        refused(&ours, &other).await,
        "the certificate shown for currency.dc1 is not for this name but for refdata.dc1, refdata.dc2"
    );
    let nobody = authority.issue("currency.dc1", &[]);
    assert_eq!(
        refused(&ours, &nobody).await,
        "the certificate shown for currency.dc1 is not for this name but carries none (subjectAltName)"
    );
    let old = authority.issue_with("old", &["currency.dc1"], |params| {
        params.not_after = rcgen::date_time_ymd(2024, 2, 3);
    });
    assert_eq!(
        refused(&ours, &old).await,
        "the certificate shown for currency.dc1 expired at 2024-02-03T00:00:00Z"
    );
    let early = authority.issue_with("early", &["currency.dc1"], |params| {
        params.not_before = rcgen::date_time_ymd(3000, 1, 1);
    });
    assert_eq!(
        refused(&ours, &early).await,
        "the certificate shown for currency.dc1 is not valid before 3000-01-01T00:00:00Z"
    );
    let ca = authority.ca();
    let strangers = Authority::named("another authority");
    let stranger = strangers.issue("stranger", &["currency.dc1"]);
    assert_eq!(
        refused(&ours, &stranger).await,
        format!(
            "the certificate shown for currency.dc1 was not issued by any of the authorities in {}",
            ca.display()
        )
    );
    // An authority that was made anew under its old name.
    let renewed = Authority::new();
    let stranger = renewed.issue("stranger", &["currency.dc1"]);
    assert_eq!(
        refused(&ours, &stranger).await,
        format!(
            "the certificate shown for currency.dc1 was not signed by any of the authorities in {}, \
             though one of them has the issuer's name",
            ca.display()
        )
    );
}

/// A peer that answers the hello with these bytes and closes.
async fn answered(answer: &[u8]) -> HandshakeError {
    let authority = Authority::new();
    let client = TlsClient::load(&options(&authority, "currency.dc1")).unwrap();
    let (outer, mut inner) = connected().await;
    let answering = async move {
        assert!(inner.read(&mut [0; 4096]).await.unwrap() > 0);
        inner.write_all(answer).await.unwrap();
        inner.shutdown().await.unwrap();
        inner
    };
    let (shaken, _inner) = tokio::join!(client.connect(outer, PATIENCE), answering);
    shaken.unwrap_err()
}

#[tokio::test]
async fn what_a_gateway_answers_is_understood() {
    for alert in [Alert::INTERNAL_ERROR, Alert::UNRECOGNIZED_NAME] {
        let error = answered(&[21, 3, 3, 0, 2, 2, alert.0]).await;
        assert_eq!(error.alert(), Some(alert));
    }
    assert_eq!(
        answered(&[21, 3, 3, 0, 2, 2, 112]).await.to_string(),
        "the peer refused the TLS handshake with the alert unrecognized_name (112)"
    );
    assert!(matches!(answered(b"").await, HandshakeError::Closed));
    let http = answered(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert!(matches!(http, HandshakeError::Protocol(_)), "{http:?}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_waited_for_no_longer_than_allowed() {
    let authority = Authority::new();
    let client = TlsClient::load(&options(&authority, "currency.dc1")).unwrap();
    let (outer, mut inner) = connected().await;
    let limit = Duration::from_millis(50);
    let error = client.connect(outer, limit).await.unwrap_err();
    assert!(matches!(error, HandshakeError::TimedOut(it) if it == limit));
    // The socket is closed behind it.
    let mut rest = Vec::new();
    inner.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn a_certificate_is_shown_where_one_is_asked_for() {
    let authority = Authority::new();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let asks = rustls::server::WebPkiClientVerifier::builder_with_provider(
        roots(&authority.ca()),
        provider.clone(),
    );
    let (certs, key) = chain(&authority.issue("server", &["currency.dc1"]));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(asks.build().unwrap())
        .with_single_cert(certs, key)
        .unwrap();
    let mine = authority.issue("mine", &["webservice.dc1"]);
    let client = TlsClient::load(&TlsOptions {
        identity: Some(mine.clone()),
        ..options(&authority, "currency.dc1")
    });
    let client = client.unwrap();
    let (outer, inner) = connected().await;
    let acceptor = TlsAcceptor::from(std::sync::Arc::new(config));
    let (shaken, accepted) = tokio::join!(client.connect(outer, PATIENCE), acceptor.accept(inner));
    shaken.unwrap();
    let shown = accepted
        .unwrap()
        .get_ref()
        .1
        .peer_certificates()
        .unwrap()
        .to_vec();
    assert_eq!(shown, chain(&mine).0);
}

/// What is wrong with the options: the key to blame, and the sentence.
fn mistake(options: &TlsOptions) -> (&'static str, String) {
    let error: TlsError = TlsClient::load(options).unwrap_err();
    (error.key(), error.to_string())
}

#[test]
fn a_mistake_names_the_key_and_the_file() {
    let authority = Authority::new();
    let fine = options(&authority, "currency.dc1");
    let mine = authority.issue("mine", &["webservice.dc1"]);
    let other = authority.issue("other", &["other.dc1"]);
    let with = |cert: &std::path::Path, key: &std::path::Path| TlsOptions {
        identity: Some(Identity {
            cert: cert.to_owned(),
            key: key.to_owned(),
        }),
        ..fine.clone()
    };
    let missing = authority.path("missing");
    let shown = |path: &std::path::Path| path.display().to_string();
    assert_eq!(
        mistake(&with(&missing, &mine.key)),
        ("cert", format!("{} cannot be read", shown(&missing)))
    );
    assert_eq!(
        mistake(&with(&mine.key, &mine.key)),
        ("cert", format!("{} holds no certificate", shown(&mine.key)))
    );
    let (key, text) = mistake(&with(&mine.cert, &other.key));
    assert_eq!(key, "key");
    assert!(
        text.starts_with("the key does not fit the certificate: "),
        "{text}"
    );
    assert!(text.contains(&shown(&mine.cert)) && text.contains(&shown(&other.key)));
    assert_eq!(
        mistake(&with(&mine.cert, &mine.cert)),
        (
            "key",
            format!("{} cannot be read as a PEM private key", shown(&mine.cert))
        )
    );
    let half = authority.path("half.pem");
    let whole = std::fs::read_to_string(authority.ca()).unwrap();
    write(&half, &whole[..whole.len() / 2]);
    let broken = TlsOptions {
        ca: Some(half.clone()),
        ..fine.clone()
    };
    assert_eq!(
        mistake(&broken),
        (
            "ca",
            format!("{} cannot be read as a PEM certificate", shown(&half))
        )
    );
    write(
        &half,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    assert_eq!(
        mistake(&broken),
        (
            "ca",
            format!("the certificate in {} cannot be used", shown(&half))
        )
    );
    let nameless = options(&authority, "not a name");
    assert_eq!(mistake(&nameless).0, "server_name");
}
