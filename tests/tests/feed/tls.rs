//! A backup in the other data centre, which is reached over TLS through two gateways.

use std::net::SocketAddr;
use std::path::Path;

use tests::config::dc1;
use tests::consumer::Consumer;
use tests::events::Events;
use tests::feed::began;
use tests::pki::Authority;
use tests::process::Program;
use tests::terminator::Terminator;
use tests::{failover, feed, gateway};

use crate::world::{COMPARED, config};

/// The gateway of dc2, before a feed of its own.
fn dc2(feed: SocketAddr) -> Program {
    let text = dc1("", &[feed], "").replace("dc1", "dc2");
    gateway!(text.replace("currency", "itch"))
}

/// The gateway of dc1, which knows the one of dc2.
fn beside(other: SocketAddr) -> Program {
    let known = format!("[[datacenter]]\nname = \"dc2\"\ngateways = [\"{other}\"]\n");
    let nobody = "127.0.0.1:9".parse().unwrap();
    gateway!(dc1("", &[nobody], &known))
}

/// A port before a feed here, and one behind the gateway.
fn port(here: SocketAddr, gateway: SocketAddr, ca: &Path) -> Program {
    let line = format!(
        "{{ address = \"{gateway}\", tls = {{ server_name = \"itch.dc2\", ca = {ca:?} }} }}"
    );
    let text = config(&[here, gateway], "", "");
    failover!(text.replace(
        &format!("backup = [\"{gateway}\"]"),
        &format!("backup = [{line}]")
    ))
}

#[test]
fn a_consumer_is_carried_to_the_other_data_centre_and_back() {
    let (authority, files) = (Authority::default(), tempfile::tempdir().unwrap());
    let start = began(10.0);
    let flags = ["--rate=1000", start.as_str()];
    let (mut here, there) = (feed!(&flags), feed!(&flags));
    let terminator = Terminator::before(there.address(), authority.issue(&["itch.dc2"]).server());
    let other = dc2(terminator.address());
    let own = beside(other.listen());
    let port = port(here.address(), own.listen(), &authority.write(files.path()));
    let (events, consumer) = (Events::of(&port), Consumer::at(port.address("feed"), 1));
    consumer.await_more(2 * COMPARED);

    here.kill();
    let joined = events.nth("line_joined", 0);
    assert_eq!(joined["endpoint"], format!("{}/itch.dc2", own.listen()));
    assert_eq!(
        (&joined["cause"], &joined["verified"]),
        (&"failover".into(), &true.into())
    );
    consumer.await_more(500);
    assert_eq!(there.clients().len(), 1);

    // The gateways are gone: their connections are reset, which no TLS has promised.
    here.start_again();
    drop(other);
    let lost = events.nth("line_lost", 1);
    println!("a gateway killed: {}", lost["reason"]);
    let joined = events.nth("line_joined", 1);
    assert_eq!(joined["endpoint"], here.address().to_string());
    consumer.await_more(500);
    consumer.assert_whole();
}
