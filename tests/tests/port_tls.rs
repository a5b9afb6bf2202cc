//! TLS on either side of a local port: towards targets behind gateways, and from callers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ClientConnection, StreamOwned};
use tempfile::TempDir;
use tests::client::{Request, ask_plain};
use tests::config::{FAST_CHECK, dc1, feed};
use tests::pki::{Authority, Identity};
use tests::process::{Program, until};
use tests::service::Service;
use tests::wire::{Backend, End, Refusing, echo, read_to_end};
use tests::{failover, gateway};

/// A gateway of dc2, which serves `refdata` at this address.
fn dc2(endpoint: SocketAddr) -> String {
    dc1("", &[endpoint], "")
        .replace("dc1", "dc2")
        .replace("currency", "refdata")
}

/// A gateway of dc1, which serves `refdata` at this address and knows the gateway of dc2.
fn dc1_beside(endpoint: SocketAddr, other: SocketAddr) -> String {
    let dc2 = format!("[[datacenter]]\nname = \"dc2\"\ngateways = [\"{other}\"]\n");
    dc1("", &[endpoint], &dc2).replace("currency", "refdata")
}

/// A port whose targets are two names behind one gateway.
fn two_names(gateway: SocketAddr, ca: &Path) -> String {
    let target = |name: &str| {
        format!("{{ address = \"{gateway}\", tls = {{ server_name = \"{name}\", ca = {ca:?} }} }}")
    };
    let text = feed(&[gateway], FAST_CHECK, "");
    let text = text.replace(
        &format!("[\"{gateway}\"]"),
        &format!("[{}]", target("refdata.dc1")),
    );
    text.replace(
        "backup = []",
        &format!("backup = [{}]", target("refdata.dc2")),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_application_crosses_the_gateways_to_whoever_is_left() {
    let (authority, files) = (Authority::default(), tempfile::tempdir().unwrap());
    let service = async |name: &str| {
        let tls = authority.issue(&[name]).server();
        Service::start(name, tls).await.unwrap()
    };
    let (first, second) = (service("refdata.dc1").await, service("refdata.dc2").await);
    let other = gateway!(dc2(second.address()));
    let gateway = gateway!(dc1_beside(first.address(), other.listen()));
    let port = failover!(two_names(gateway.listen(), &authority.write(files.path())));
    let request = Request::new(7, 300_000, 3_000_000);
    let asked = ask_plain(port.address("feed"), &request).await;
    assert_eq!(asked.unwrap(), "refdata.dc1");
    first.stop().await;
    // The gateway goes on to accept: only the handshake tells.
    let asked = ask_plain(port.address("feed"), &request).await;
    assert_eq!(asked.unwrap(), "refdata.dc2");
    let active = r#"l4_failover_active_tier{port="feed"}"#;
    tokio::task::block_in_place(|| port.metric_until(active, |tier| tier == 1.0));
    let ended = port.ended(2);
    let endpoint = |name: &str| format!("{}/{name}", gateway.listen());
    assert_eq!(ended[0]["endpoint"], endpoint("refdata.dc1"));
    assert_eq!(ended[1]["endpoint"], endpoint("refdata.dc2"));
    assert!(ended.iter().all(|line| line["cause"] == "done"));
}

/// An inbound in front of an application, and the authority of all who take part.
struct Inbound {
    authority: Authority,
    files: TempDir,
    program: Program,
}

impl Inbound {
    /// In front of `application`; lets orders in, by either of its names. `revoked` are on the
    /// list.
    fn new(application: SocketAddr, authority: Authority, revoked: &[&Identity]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let (cert, key) = authority.issue(&["refdata.dc1"]).write(files.path(), "own");
        let ca = authority.write(files.path());
        let crl = authority.write_revoked(files.path(), revoked);
        let section = format!(
            r#"[[inbound]]
name = "in"
listen = "127.0.0.1:0"
target = "{application}"
cert = {cert:?}
key = {key:?}
ca = {ca:?}
crl_file = {crl:?}
allow = ["spiffe://dc1/orders", "orders.dc1"]
"#
        );
        let spare = Refusing::default();
        let program = failover!(feed(&[spare.address()], "check = \"none\"", &section));
        Self {
            authority,
            files,
            program,
        }
    }

    fn call_as(&self, identity: &Identity) -> Call {
        call(
            self.program.address("in"),
            self.authority.client_as(identity),
        )
    }

    fn refusals(&self, cause: &str) -> f64 {
        let labels = format!(r#"{{cause="{cause}",phase="handshake",port="in"}}"#);
        self.program
            .metric(&format!("l4_failover_connections_closed_total{labels}"))
    }
}

type Call = StreamOwned<ClientConnection, TcpStream>;

fn call(address: SocketAddr, config: Arc<ClientConfig>) -> Call {
    let name = ServerName::try_from("refdata.dc1").unwrap();
    let tls = ClientConnection::new(config, name).unwrap();
    StreamOwned::new(tls, tests::wire::connect(address))
}

/// What the other side says to this.
fn answer(call: &mut Call) -> Result<[u8; 5], AlertDescription> {
    let mut answer = [0; 5];
    let asked = call.write_all(b"hello").and_then(|()| call.flush());
    match asked.and_then(|()| call.read_exact(&mut answer)) {
        Ok(()) => Ok(answer),
        Err(error) => match error.get_ref().and_then(|it| it.downcast_ref()) {
            Some(rustls::Error::AlertReceived(alert)) => Err(*alert),
            _ => panic!("{error}"),
        },
    }
}

#[test]
fn callers_on_the_list_reach_the_application_and_the_log_says_who_they_were() {
    let application = echo();
    let inbound = Inbound::new(application, Authority::default(), &[]);
    let by_uri = inbound
        .authority
        .issue(&["other.dc1", "spiffe://dc1/orders"]);
    let by_name = inbound.authority.issue(&["orders.dc1"]);
    for (nth, (identity, name)) in [(by_uri, "spiffe://dc1/orders"), (by_name, "orders.dc1")]
        .iter()
        .enumerate()
    {
        let mut call = inbound.call_as(identity);
        assert_eq!(answer(&mut call).unwrap(), *b"hello");
        call.conn.send_close_notify();
        call.flush().unwrap();
        assert_eq!(call.read(&mut [0]).unwrap(), 0);
        drop(call);
        let ended = &inbound.program.ended(nth + 1)[nth];
        assert_eq!(
            (&ended["port"], &ended["caller"]),
            (&"in".into(), &(*name).into())
        );
        assert_eq!(
            (&ended["phase"], &ended["cause"]),
            (&"relay".into(), &"done".into())
        );
        assert_eq!(
            (&ended["from_client"], &ended["from_upstream"]),
            (&5.into(), &5.into())
        );
        assert_eq!(ended["endpoint"], application.to_string());
    }
    let expiry = r#"l4_failover_certificate_expiry_timestamp_seconds{file="cert",port="in"}"#;
    let in_100_days = SystemTime::now() + Duration::from_secs(100 * 24 * 3600);
    let in_100_days = in_100_days.duration_since(UNIX_EPOCH).unwrap();
    assert!(inbound.program.metric(expiry) > in_100_days.as_secs_f64());
}

#[test]
fn callers_that_may_not_come_in_are_told_why_and_the_application_hears_of_none() {
    let (application, authority) = (Backend::default(), Authority::default());
    let revoked = authority.issue(&["orders.dc1"]);
    let inbound = Inbound::new(application.address(), authority, &[&revoked]);
    let stranger = inbound
        .authority
        .issue(&["stranger.dc1", "spiffe://dc1/Orders"]);
    let alert = answer(&mut inbound.call_as(&stranger));
    assert_eq!(alert, Err(AlertDescription::AccessDenied));
    let alert = answer(&mut inbound.call_as(&revoked));
    assert_eq!(alert, Err(AlertDescription::CertificateRevoked));
    let other = Authority::default().issue(&["orders.dc1"]);
    let alert = answer(&mut inbound.call_as(&other));
    assert!(
        matches!(
            alert,
            Err(AlertDescription::UnknownCA | AlertDescription::DecryptError)
        ),
        "{alert:?}"
    );
    let nobody = inbound.authority.client();
    let alert = answer(&mut call(inbound.program.address("in"), nobody));
    assert_eq!(alert, Err(AlertDescription::CertificateRequired));
    // Each is given time to read why, so that they end in any order.
    let mut ended = inbound.program.ended(4);
    ended.sort_by_key(|line| line["reason"].to_string());
    let reasons: Vec<_> = ended
        .iter()
        .map(|line| line["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        ["no_certificate", "not_allowed", "revoked", "untrusted"]
    );
    assert!(
        ended
            .iter()
            .all(|line| line["phase"] == "handshake" && line["caller"].is_null())
    );
    let error = ended[1]["error"].as_str().unwrap();
    assert!(
        error.contains("stranger.dc1, spiffe://dc1/Orders"),
        "{error}"
    );
    assert_eq!(inbound.refusals("policy"), 4.0);
    assert!(!application.is_told_anything());
}

#[test]
fn what_speaks_no_tls_or_nothing_is_turned_away() {
    let application = Backend::default();
    let inbound = Inbound::new(application.address(), Authority::default(), &[]);
    let address = inbound.program.address("in");
    let mut plain = tests::wire::send(address, b"GET / HTTP/1.1\r\n\r\n");
    // An alert, then the end.
    assert_eq!(read_to_end(&mut plain).1, End::Fin);
    assert_eq!(inbound.program.first_ended()["reason"], "not_tls");
    assert_eq!(inbound.refusals("client"), 1.0);
    drop(tests::wire::connect(address));
    assert_eq!(inbound.program.ended(2)[1]["reason"], "probe");
    assert_eq!(inbound.refusals("done"), 1.0);
    // Half a hello.
    drop(tests::wire::send(address, &[22, 3, 1]));
    assert_eq!(inbound.program.ended(3)[2]["reason"], "closed");
    assert!(!application.is_told_anything());
}

#[test]
fn a_caller_whose_application_is_gone_is_cut_off_not_answered() {
    let gone = Refusing::default();
    let inbound = Inbound::new(gone.address(), Authority::default(), &[]);
    let orders = inbound.authority.issue(&["orders.dc1"]);
    let mut call = inbound.call_as(&orders);
    // Without close_notify, an end is an error too.
    let ended = call.write_all(b"hello").and_then(|()| call.read(&mut [0]));
    let kind = ended.unwrap_err().kind();
    assert!(
        matches!(kind, ErrorKind::ConnectionReset | ErrorKind::BrokenPipe),
        "{kind}"
    );
    let line = inbound.program.first_ended();
    assert_eq!(line["phase"], "connect");
    // Once a check has found out, nobody's handshake is finished any more.
    match line["reason"] == "none_healthy" {
        true => assert!(line["caller"].is_null()),
        false => assert_eq!(line["caller"], "orders.dc1"),
    }
}

#[test]
fn certificates_and_the_list_of_the_revoked_are_read_anew_when_they_change() {
    let inbound = Inbound::new(echo(), Authority::default(), &[]);
    let (files, orders) = (
        inbound.files.path(),
        inbound.authority.issue(&["orders.dc1"]),
    );
    let shown = || -> CertificateDer<'static> {
        let mut call = inbound.call_as(&orders);
        assert_eq!(answer(&mut call).unwrap(), *b"hello");
        call.conn.peer_certificates().unwrap()[0]
            .clone()
            .into_owned()
    };
    let (before, mut held) = (shown(), inbound.call_as(&orders));
    assert_eq!(answer(&mut held).unwrap(), *b"hello");
    // A certificate without its key is not used.
    let next = inbound.authority.issue(&["refdata.dc1"]);
    let (cert, key) = next.write(files, "next");
    std::fs::rename(cert, files.join("own.pem")).unwrap();
    inbound
        .program
        .line(|line| line.contains("the old ones stay in use"));
    assert_eq!(shown(), before);
    std::fs::rename(key, files.join("own.key")).unwrap();
    until("the new certificate is shown", || shown() != before);
    inbound.authority.write_revoked(files, &[&orders]);
    let refused =
        || answer(&mut inbound.call_as(&orders)) == Err(AlertDescription::CertificateRevoked);
    until("the caller is refused", refused);
    // Whoever is in stays in.
    assert_eq!(answer(&mut held).unwrap(), *b"hello");
}

#[test]
fn what_an_inbound_allows_is_reloaded() {
    let inbound = Inbound::new(echo(), Authority::default(), &[]);
    let stranger = inbound.authority.issue(&["stranger.dc1"]);
    assert!(answer(&mut inbound.call_as(&stranger)).is_err());
    let config = inbound
        .program
        .config()
        .replace("orders.dc1", "stranger.dc1");
    inbound.program.rewrite(&config);
    assert_eq!(inbound.program.post("/reload").status, 200);
    assert_eq!(answer(&mut inbound.call_as(&stranger)).unwrap(), *b"hello");
    let orders = inbound.authority.issue(&["orders.dc1"]);
    assert!(answer(&mut inbound.call_as(&orders)).is_err());
}

#[test]
fn bytes_of_a_caller_that_is_cut_off_do_not_look_whole_to_the_application() {
    let application = Backend::default();
    let inbound = Inbound::new(application.address(), Authority::default(), &[]);
    let orders = inbound.authority.issue(&["orders.dc1"]);
    let mut call = inbound.call_as(&orders);
    call.write_all(b"hello").unwrap();
    call.flush().unwrap();
    let mut session = application.accept_asking(b"hello");
    // FIN, but no close_notify.
    drop(call);
    assert_eq!(read_to_end(&mut session).1, End::Reset);
    assert_eq!(inbound.program.first_ended()["reason"], "truncated");
}

#[test]
fn callers_get_in_however_many_say_nothing() {
    let inbound = Inbound::new(echo(), Authority::default(), &[]);
    let address = inbound.program.address("in");
    let silent: Vec<_> = (0..600).map(|_| tests::wire::connect(address)).collect();
    let active = r#"l4_failover_connections_active{port="in"}"#;
    inbound
        .program
        .metric_until(active, |active| active >= 512.0);
    let orders = inbound.authority.issue(&["orders.dc1"]);
    assert_eq!(answer(&mut inbound.call_as(&orders)).unwrap(), *b"hello");
    inbound.program.metric_until(
        r#"l4_failover_connections_closed_total{cause="resource",phase="handshake",port="in"}"#,
        |crowded| crowded >= 88.0,
    );
    drop(silent);
}
