//! Cables of several kinds, and both kinds of files.

use crate::clients::{curl, node, openssl_for};
use crate::hellos::{compared, objects, said};
use crate::rewrite::Packets;
use crate::world::{Capture, PICKY, SERVER_V6, TLS, World};

/// The tag of a provider around that of its customer, and a tag alone.
const TAGS: [&[[u8; 4]]; 2] = [
    &[[0x88, 0xa8, 0, 5], [0x81, 0, 0, 7]],
    &[[0x81, 0, 0x20, 5]],
];

/// Tagged in the file: not every kernel has interfaces for that.
#[test]
fn tagged_frames() {
    let Some(world) = World::new(&["curl"]) else {
        return;
    };
    let _servers = world.serve_web();
    let file = world.capture("eth0", || {
        curl("one.dc1", &["--http1.1"]);
        openssl_for(&format!("[{SERVER_V6}]:{PICKY}"), "two.dc1", &[]);
    });
    let whole = compared("without tags", &file);
    assert_eq!(whole.len(), 3);
    let changed = world.path("changed.pcap");
    for tags in TAGS {
        let packets = Packets::read(&file).tagged(tags);
        packets.write(&changed);
        let what = format!("{} tags", tags.len());
        assert_eq!(compared(&what, &changed).len(), whole.len());
        let of_it = said(&changed, &["--fields", "sni", "vlan", "5"]);
        assert_eq!(of_it.lines().count(), whole.len());
    }
}

/// Which has a header of its own in place of that of Ethernet.
#[test]
fn all_interfaces_at_once() {
    let Some(world) = World::new(&["curl"]) else {
        return;
    };
    let _servers = world.serve_web();
    let file = world.capture("any", || {
        curl("one.dc1", &[]);
        openssl_for(&format!("[{SERVER_V6}]:{PICKY}"), "two.dc1", &[]);
    });
    assert_eq!(compared("any interface", &file).len(), 3);
}

#[test]
fn small_segments() {
    let Some(world) = World::new(&["curl", "node"]) else {
        return;
    };
    for machine in [&world.here, &world.there] {
        machine.ip("link set eth0 mtu 300").unwrap();
    }
    let _servers = world.serve_web();
    let file = world.capture("eth0", || {
        curl("curl.dc1", &["--http1.1"]);
        openssl_for("10.0.0.2:8443", "retried.dc1", &[]);
        let long = "protocol".repeat(30);
        node(&["a.dc1", "b.dc1"], &[long.as_str(); 6]);
    });
    let hellos = compared("segments of 248 bytes", &file);
    assert_eq!(hellos.len(), 5);
    let packets = objects(&file).into_iter().map(|it| it["packets"].as_u64());
    let packets: Vec<u64> = packets.map(Option::unwrap).collect();
    assert!(packets.iter().all(|count| *count >= 2), "{packets:?}");
    assert!(packets.iter().any(|count| *count >= 7), "{packets:?}");
}

#[test]
fn both_kinds_of_files_over_both_versions_of_ip() {
    let Some(world) = World::new(&["curl"]) else {
        return;
    };
    let _servers = world.serve_web();
    let mut pcap = Capture::begin(&world, "eth0", &["-P"], "pcap");
    let mut pcapng = Capture::begin(&world, "eth0", &[], "pcapng");
    world.here.enter(|| {
        curl("four.dc1", &[]);
        openssl_for(&format!("[{SERVER_V6}]:{TLS}"), "six.dc1", &[]);
        openssl_for(
            &format!("[{SERVER_V6}]:{PICKY}"),
            "six-retried.dc1",
            &["-tls1_3"],
        );
    });
    pcap.end();
    pcapng.end();
    for (what, capture) in [("pcap", &pcap), ("pcapng", &pcapng)] {
        let hellos = compared(what, &capture.file);
        assert_eq!(hellos.len(), 4);
        let over_six = hellos.iter().filter(|it| it.destination.0 == SERVER_V6);
        assert_eq!(over_six.count(), 3);
    }
}
