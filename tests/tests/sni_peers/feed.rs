//! A feed over TLS: a consumer without TLS, the port that speaks it for him, and a gateway.

use std::process::Command;

use tests::config::{FAST_CHECK, dc1, feed as config};
use tests::feed::began;
use tests::pki::Authority;
use tests::process::run;
use tests::terminator::Terminator;
use tests::{failover, feed, gateway, sim_program};

use crate::hellos::{compared, named};
use crate::world::World;

const NAME: &str = "currency.dc1";

#[test]
fn a_feed_behind_a_port_that_speaks_tls() {
    let Some(world) = World::new(&[]) else { return };
    let authority = Authority::default();
    let identity = authority.issue(&[NAME]);
    let file = world.capture("lo", || {
        let feed = feed!(&["--rate=1000", began(1.0).as_str()]);
        let terminator = Terminator::before(feed.address(), identity.server());
        let gateway = gateway!(dc1("", &[terminator.address()], ""));
        let address = gateway.listen();
        let ca = authority.write(&world.path(""));
        let line = format!(
            "{{ address = \"{address}\", tls = {{ server_name = \"{NAME}\", ca = {ca:?} }} }}"
        );
        let keys = format!("protocol = \"soupbintcp\"\n{FAST_CHECK}");
        let plain = config(&[address], &keys, "");
        let port = failover!(plain.replace(&format!("[\"{address}\"]"), &format!("[{line}]")));
        let mut consumer = Command::new(sim_program!());
        consumer.args([
            "consume",
            "--count",
            "500",
            &port.address("feed").to_string(),
        ]);
        let output = run(&mut consumer);
        assert!(output.status.success(), "{output:?}");
    });
    let hellos = compared("a feed", &file);
    // The consumer's, and what the port's checks have to say, each before the gateway and behind it.
    assert!(named(&hellos, NAME) >= 2, "{hellos:#?}");
}
