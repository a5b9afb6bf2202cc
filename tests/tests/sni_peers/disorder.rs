//! Captures whose packets come in disorder, more than once, or in fragments.

use std::path::{Path, PathBuf};

use tests::figures::times;
use tests::process::run;

use crate::clients::{browse, curl, node, openssl_for};
use crate::hellos::{Hello, by_inspector, by_tshark, compared};
use crate::rewrite::Packets;
use crate::world::{PICKY, SERVER, SERVER_V6, TLS, World};

/// How many orders are tried; more of them where `SNI_ORDERS` says so.
const ORDERS: u32 = 3;
/// The hellos of the capture that is made worse, at least: a browser connects more than once.
const HELLOS: usize = 10;

/// Hellos in one segment and in many, over both versions of IP.
fn captured(world: &World) -> PathBuf {
    world.here.ip("link set eth0 mtu 1280").unwrap();
    world.there.ip("link set eth0 mtu 1280").unwrap();
    let _servers = world.serve_web();
    world.capture("eth0", || {
        curl("curl.dc1", &["--http1.1"]);
        openssl_for(&format!("{SERVER}:{PICKY}"), "retried.dc1", &[]);
        openssl_for(&format!("[{SERVER_V6}]:{TLS}"), "six.dc1", &[]);
        openssl_for(
            &format!("[{SERVER_V6}]:{PICKY}"),
            "six-retried.dc1",
            &["-alpn", "h2"],
        );
        node(
            &["a.dc1", "b.dc1", "c.dc1"],
            &["h2", &"long".repeat(60), &"more".repeat(60)],
        );
        browse(world, "https://browser.dc1/");
    })
}

#[test]
fn hellos_are_the_same_however_their_packets_come() {
    let Some(world) = World::new(&["curl", "node", "chromium"]) else {
        return;
    };
    let file = captured(&world);
    let whole = timeless(compared("as it was", &file));
    assert!(whole.len() >= HELLOS, "{whole:#?}");
    let packets = Packets::read(&file);
    let changed = world.path("changed.pcap");
    let again = |what: &str, packets: &Packets| {
        packets.write(&changed);
        assert_eq!(timeless(compared(what, &changed)), whole, "{what}");
    };
    again("each packet thrice", &packets.thrice(3));
    again("in fragments", &packets.fragmented(256, false));
    again(
        "in fragments from the last on",
        &packets.fragmented(64, true),
    );
    let again = |what: &str, packets: &Packets| {
        packets.write(&changed);
        assert_as_many(what, &changed, &whole);
    };
    for seed in 0..times("SNI_ORDERS", ORDERS) {
        let window = 2 + 2 * (seed as usize % 3);
        let what = format!("in disorder {seed}, window {window}");
        again(&what, &packets.shuffled(window, seed.into()));
    }
    again("thrice in disorder", &packets.thrice(2).shuffled(6, 1));
    let worst = packets.fragmented(128, false).thrice(5).shuffled(5, 2);
    again("fragments thrice in disorder", &worst);
}

/// The inspector sees all hellos that there are, and tshark no others. It may miss some: those behind
/// HelloRetryRequest, where their packets come before those of the first hello.
fn assert_as_many(what: &str, file: &Path, whole: &[Hello]) {
    let ours = timeless(by_inspector(file));
    assert_eq!(ours, whole, "{what}");
    let theirs = timeless(by_tshark(file));
    assert!(
        theirs.iter().all(|it| ours.contains(it)),
        "{what}: {theirs:#?}"
    );
    let counts = (ours.len(), theirs.len());
    eprintln!(
        "{what}: {} hellos, of which tshark sees {}",
        counts.0, counts.1
    );
    assert!(
        2 * theirs.len() > ours.len(),
        "{what}: hardly any by tshark"
    );
}

fn timeless(hellos: Vec<Hello>) -> Vec<Hello> {
    let mut hellos: Vec<Hello> = hellos.into_iter().map(Hello::timeless).collect();
    hellos.sort();
    hellos
}

#[test]
fn a_capture_is_cut_into_fragments_that_are_sound() {
    let Some(world) = World::new(&["curl"]) else {
        return;
    };
    let _servers = world.serve_web();
    let file = world.capture("eth0", || curl("curl.dc1", &[]));
    let fragmented = Packets::read(&file).fragmented(64, false);
    let changed = world.path("changed.pcap");
    fragmented.write(&changed);
    assert_eq!(faults(&changed), "");
}

/// What tshark finds wrong with headers.
fn faults(file: &Path) -> String {
    let mut command = tests::peers::command("tshark");
    command
        .arg("-r")
        .arg(file)
        .args(["-o", "ip.check_checksum:TRUE"]);
    command.args(["-Y", "ip.checksum.status == Bad || _ws.malformed"]);
    let output = run(&mut command);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
