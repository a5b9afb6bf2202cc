//! Hellos over UDP: DTLS and QUIC.

use std::net::{SocketAddr, UdpSocket};

use rustls::quic::Version;
use tests::peers::Peer;

use crate::clients::{chromium, openssl_for};
use crate::hellos::{compared, named, objects};
use crate::quic::{hello, initial};
use crate::rewrite::Packets;
use crate::world::{DTLS, SERVER, SERVER_V6, World, silent};

/// Where web servers speak QUIC.
const QUIC: u16 = 443;

#[test]
fn dtls() {
    let Some(world) = World::new(&[]) else { return };
    let _server = world.serve(DTLS, &["-dtls1_2"]);
    let long = ["protocol".repeat(30).as_str(); 5].join(",");
    let file = world.capture("eth0", || {
        openssl_for(&format!("{SERVER}:{DTLS}"), "whole.dc1", &["-dtls1_2"]);
        let small = ["-dtls1_2", "-mtu", "300", "-alpn", &long];
        openssl_for(&format!("{SERVER}:{DTLS}"), "small.dc1", &small);
        openssl_for(&format!("[{SERVER_V6}]:{DTLS}"), "six.dc1", &["-dtls"]);
    });
    let hellos = compared("DTLS", &file);
    // Each says the same again, with the cookie that it was given.
    for name in ["whole.dc1", "small.dc1", "six.dc1"] {
        assert_eq!(named(&hellos, name), 2, "{name}");
    }
    let packets = objects(&file).into_iter().map(|it| it["packets"].as_u64());
    assert!(packets.max().unwrap() >= Some(3));

    let changed = world.path("changed.pcap");
    Packets::read(&file).fragmented(128, true).write(&changed);
    assert_eq!(compared("DTLS in fragments", &changed).len(), hellos.len());
}

/// Sends the datagrams of a client of its own to the server.
fn send(server: &str, datagrams: &[Vec<u8>]) {
    let address: SocketAddr = format!("{server}:{QUIC}").parse().unwrap();
    let any = if address.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any).unwrap();
    for datagram in datagrams {
        socket.send_to(datagram, address).unwrap();
    }
}

#[test]
fn quic() {
    let Some(world) = World::new(&[]) else { return };
    let _server = silent(&world, &format!("[::]:{QUIC}"));
    let v6 = format!("[{SERVER_V6}]");
    let file = world.capture("eth0", || {
        let whole = hello(Version::V1, "whole.dc1", &["h3"]);
        send(SERVER, &[initial(Version::V1, [1; 8], 0, &[(0, &whole)])]);
        let six = hello(Version::V1, "six.dc1", &["h3", "h3-29"]);
        send(&v6, &[initial(Version::V1, [2; 8], 0, &[(0, &six)])]);
        let parts = hello(Version::V1, "parts.dc1", &[]);
        let (one, two) = parts.split_at(100);
        let first = initial(Version::V1, [3; 8], 0, &[(0, one)]);
        send(
            SERVER,
            &[first, initial(Version::V1, [3; 8], 1, &[(100, two)])],
        );
    });
    let hellos = compared("QUIC", &file);
    assert_eq!(hellos.len(), 3);
    let changed = world.path("changed.pcap");
    for (what, size, is_backward) in [("in order", 512, false), ("backward", 256, true)] {
        Packets::read(&file)
            .fragmented(size, is_backward)
            .write(&changed);
        let what = format!("QUIC in fragments {what}");
        assert_eq!(compared(&what, &changed).len(), hellos.len());
    }
}

/// What tshark 4.0 does not put together: parts of a hello that come out of order, as a browser sends
/// them, and QUIC of version 2. A newer one may, so that nothing is said of what it sees.
#[test]
fn quic_as_a_browser_speaks_it_and_of_version_2() {
    let Some(world) = World::new(&["chromium"]) else {
        return;
    };
    let server = silent(&world, &format!("0.0.0.0:{QUIC}"));
    let mut datagram = [0; 2048];
    let file = world.capture("eth0", || {
        let two = hello(Version::V2, "two.dc1", &["h3"]);
        send(SERVER, &[initial(Version::V2, [4; 8], 0, &[(0, &two)])]);
        let parts = hello(Version::V1, "disorder.dc1", &["h3"]);
        let (one, two) = parts.split_at(90);
        let first = initial(Version::V1, [5; 8], 0, &[(90, two), (0, one)]);
        send(SERVER, &[first]);
        let page = "https://browser.dc1/";
        let options = ["--enable-quic", "--origin-to-force-quic-on=browser.dc1:443"];
        let _browser = Peer::start(&mut chromium(&world, page, &options));
        for _ in 0..4 {
            server.recv(&mut datagram).unwrap();
        }
    });
    let seen = objects(&file);
    for (name, carrier) in [
        ("two.dc1", "quic_v2"),
        ("disorder.dc1", "quic_v1"),
        ("browser.dc1", "quic_v1"),
    ] {
        let of_it: Vec<_> = seen.iter().filter(|it| it["sni"] == name).collect();
        assert!(!of_it.is_empty(), "{name}: {seen:#?}");
        for it in of_it {
            assert!(it["carrier"] == carrier && it["cut"] == false, "{it}");
            assert!(it["tls"] == "1.3" && it["alpn"][0] == "h3", "{it}");
        }
    }
}
