use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use l4_failover::probe::{Probe, Subject, SubjectTls};
use l4_failover::socket::proxy::{self, Header};
use l4_failover::socket::tls::{Identity, TlsClient, TlsOptions};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;

use crate::peer::{Endpoint, hanging, rest};
use crate::{PATIENCE, check, failure, subject};

/// An authority, whose files are gone with it.
pub(crate) struct Authority {
    dir: TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { dir, issuer }
    }

    fn ca(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A certificate for `name`, in the files that hold it.
    pub(crate) fn issue(&self, name: &str, change: fn(&mut CertificateParams)) -> Identity {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        let file = |extension: &str, text: String| {
            let path = self.dir.path().join(format!("{name}.{extension}"));
            std::fs::write(&path, text).unwrap();
            path
        };
        Identity {
            cert: file("pem", cert.pem()),
            key: file("key", key.serialize_pem()),
        }
    }

    /// How a client trusts this authority, and it alone.
    pub(crate) fn trusted(&self, server_name: &str, identity: Option<Identity>) -> SubjectTls {
        let options = TlsOptions {
            server_name: server_name.to_owned(),
            ca: Some(self.ca()),
            identity,
        };
        SubjectTls {
            client: TlsClient::load(&options).unwrap(),
            options,
        }
    }

    /// Asks clients for a certificate of this authority.
    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(ring::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .unwrap()
    }
}

/// A server as rustls alone has it.
pub(crate) fn acceptor(
    identity: &Identity,
    version: &'static SupportedProtocolVersion,
    clients: Option<&Authority>,
) -> TlsAcceptor {
    let certs = CertificateDer::pem_file_iter(&identity.cert).unwrap();
    let certs = certs.map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
    let verifier = match clients {
        Some(authority) => authority.verifier(),
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(certs, key);
    Arc::new(config.unwrap()).into()
}

/// One that shakes hands and waits for the end: an error if there was no `close_notify`.
async fn endpoint(acceptor: TlsAcceptor) -> Endpoint<std::io::Result<Vec<u8>>> {
    Endpoint::new(move |connection| {
        let accepting = acceptor.accept(connection);
        async move { rest(&mut accepting.await?).await }
    })
    .await
}

fn asking(address: std::net::SocketAddr, tls: SubjectTls) -> Subject {
    Subject {
        tls: Some(tls),
        ..subject(address, Probe::Tls)
    }
}

#[tokio::test]
async fn a_finished_handshake_is_enough_and_ends_with_close_notify() {
    let authority = Authority::new("ours");
    let identity = authority.issue("feed.dc1", |_| ());
    for version in [&TLS12, &TLS13] {
        let mut endpoint = endpoint(acceptor(&identity, version, None)).await;
        let subject = asking(endpoint.address, authority.trusted("feed.dc1", None));
        assert_eq!(check(subject).await.result, Ok(()));
        assert!(endpoint.result().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_proxy_header_comes_before_the_handshake() {
    let authority = Authority::new("ours");
    let identity = authority.issue("feed.dc1", |_| ());
    let acceptor = acceptor(&identity, &TLS13, None);
    let mut endpoint = Endpoint::new(move |mut connection| {
        let acceptor = acceptor.clone();
        async move {
            let header = proxy::read(&mut connection, PATIENCE).await.unwrap();
            rest(&mut acceptor.accept(connection).await.unwrap())
                .await
                .unwrap();
            header
        }
    })
    .await;
    let announced = Subject {
        proxy: true,
        ..asking(endpoint.address, authority.trusted("feed.dc1", None))
    };
    assert_eq!(check(announced).await.result, Ok(()));
    assert_eq!(endpoint.result().await, Header::LOCAL);
}

#[tokio::test]
async fn a_certificate_for_another_name() {
    let authority = Authority::new("ours");
    let identity = authority.issue("other.dc1", |_| ());
    let endpoint = endpoint(acceptor(&identity, &TLS13, None)).await;
    let subject = asking(endpoint.address, authority.trusted("feed.dc1", None));
    let why = failure(subject).await;
    assert!(why.contains("feed.dc1 is not for this name"), "{why}");
    assert!(why.ends_with("but for other.dc1"), "{why}");
}

#[tokio::test]
async fn a_certificate_whose_time_is_over() {
    let authority = Authority::new("ours");
    let identity = authority.issue("feed.dc1", |params| {
        params.not_after = rcgen::date_time_ymd(2024, 2, 3);
    });
    let endpoint = endpoint(acceptor(&identity, &TLS13, None)).await;
    let subject = asking(endpoint.address, authority.trusted("feed.dc1", None));
    let why = failure(subject).await;
    assert!(why.contains("feed.dc1 expired at 2024-02-03"), "{why}");
}

#[tokio::test]
async fn a_certificate_from_somebody_else() {
    let authority = Authority::new("theirs");
    let identity = authority.issue("feed.dc1", |_| ());
    let endpoint = endpoint(acceptor(&identity, &TLS13, None)).await;
    let ours = Authority::new("ours").trusted("feed.dc1", None);
    let why = failure(asking(endpoint.address, ours)).await;
    assert!(why.contains("was not issued by any of"), "{why}");
}

#[tokio::test]
async fn who_asks_for_a_certificate_is_heard_after_the_handshake_too() {
    let authority = Authority::new("ours");
    let identity = authority.issue("feed.dc1", |_| ());
    let own = authority.issue("checker.dc1", |_| ());
    for version in [&TLS12, &TLS13] {
        let endpoint = endpoint(acceptor(&identity, version, Some(&authority))).await;
        let nameless = asking(endpoint.address, authority.trusted("feed.dc1", None));
        let why = failure(nameless).await;
        let refused = "the peer refused the TLS handshake with the alert ";
        assert!(why.starts_with(refused), "{why}");
        let known = authority.trusted("feed.dc1", Some(own.clone()));
        assert_eq!(check(asking(endpoint.address, known)).await.result, Ok(()));
    }
}

#[tokio::test]
async fn one_that_accepts_and_hangs() {
    let endpoint = hanging().await;
    let tls = Authority::new("ours").trusted("feed.dc1", None);
    let impatient = Subject {
        timeout: Duration::from_millis(150),
        ..asking(endpoint.address, tls)
    };
    let why = failure(impatient).await;
    assert_eq!(why, "the TLS handshake was not finished within 150ms");
}

#[tokio::test]
async fn one_that_does_not_speak_tls() {
    let endpoint = Endpoint::new(|mut connection| async move {
        connection.write_all(b"220 ready\r\n").await.unwrap();
        rest(&mut connection).await
    })
    .await;
    let tls = Authority::new("ours").trusted("feed.dc1", None);
    let why = failure(asking(endpoint.address, tls)).await;
    assert!(why.starts_with("the peer does not speak TLS"), "{why}");
    // What the peer said, from the cause beneath.
    assert!(why.contains(": "), "{why}");
}

#[tokio::test]
async fn without_a_server_name_there_is_nothing_to_ask() {
    let endpoint = hanging().await;
    let why = failure(subject(endpoint.address, Probe::Tls)).await;
    assert_eq!(why, "a check by TLS needs a server name");
}
