//! Networks that loopback does not show: segments of the size of a packet, small windows.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};

use sha2::{Digest, Sha256};
use tests::config::{JSON_LOG, dc1};
use tests::namespace::Namespace;
use tests::peers;
use tests::process::Gateway;
use tests::wire::{Backend, End, connect, read_exactly, read_to_end, send, serve_echo};
use tests::{gateway, hello};

/// Enough for thousands of segments, and for a direction to prove to be bulk many times over.
const BULK: usize = 16 << 20;
const SPLICED: &str = "mesh_gateway_relayed_bytes_total{path=\"splice\"}";

/// Namespaces; none, and the reason printed, where there can be none.
fn namespaces(count: usize) -> Option<Vec<Namespace>> {
    if !peers::are_here(&["ip", "ethtool"]) {
        return None;
    }
    let made: Result<Vec<Namespace>, String> = (0..count).map(|_| Namespace::new()).collect();
    made.inspect_err(|why| peers::skip(&format!("no network namespace here: {why}")))
        .ok()
}

/// Two machines with a cable between them, or none.
fn cable() -> Option<(Namespace, Namespace)> {
    let [here, there] = namespaces(2)?.try_into().unwrap();
    let linked = here.link(&there);
    linked.inspect_err(|why| peers::skip(why)).ok()?;
    Some((here, there))
}

type Digested = [u8; 32];

/// Sends bytes that never repeat in step with a buffer, then FIN; their digest.
fn send_bulk(mut stream: &TcpStream, seed: u64) -> Digested {
    let (mut state, mut sha) = (seed, Sha256::new());
    let mut chunk = vec![0; 30_011];
    let mut left = BULK;
    while left > 0 {
        for word in chunk.chunks_mut(8) {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            word.copy_from_slice(&state.to_be_bytes()[..word.len()]);
        }
        let part = &chunk[..left.min(chunk.len())];
        sha.update(part);
        stream.write_all(part).unwrap();
        left -= part.len();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    sha.finalize().into()
}

/// Reads until FIN; how many bytes, and their digest.
fn receive_bulk(mut stream: &TcpStream) -> (usize, Digested) {
    let (mut count, mut sha) = (0, Sha256::new());
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut chunk).unwrap() {
            0 => return (count, sha.finalize().into()),
            read => {
                sha.update(&chunk[..read]);
                count += read;
            }
        }
    }
}

/// Bulk in both directions at once, between the two ends of one connection.
fn exchange(client: &TcpStream, upstream: &TcpStream) {
    std::thread::scope(|scope| {
        let up = scope.spawn(|| send_bulk(client, 1));
        let down = scope.spawn(|| send_bulk(upstream, 2));
        let received_up = scope.spawn(|| receive_bulk(upstream));
        let received_down = receive_bulk(client);
        assert!(received_up.join().unwrap() == (BULK, up.join().unwrap()));
        assert!(received_down == (BULK, down.join().unwrap()));
    });
}

/// Bulk from one machine to the gateway on another, one segment at a time; what was spliced.
fn bulk_over_a_cable(relay: &str) -> Option<f64> {
    let (here, there) = cable()?;
    let backend = here.enter(Backend::default);
    let sections = format!("{JSON_LOG}{relay}");
    let config = dc1("", &[backend.address()], &sections);
    let config = config.replace(
        "address = \"127.0.0.1:0\"\n[admin]",
        "address = \"10.0.0.1:0\"\n[admin]",
    );
    let gateway = here.enter(|| gateway!(config));

    let hello = hello::recorded("chromium.bin");
    let client = there.enter(|| send(gateway.listen(), &hello));
    let mut upstream = backend.accept();
    assert_eq!(read_exactly(&mut upstream, hello.len()), hello);
    exchange(&client, &upstream);
    drop((client, upstream));
    let line = gateway.first_ended();
    assert_eq!(line["cause"], "done", "{line}");
    assert_eq!(line["from_client"], hello.len() + BULK);
    assert_eq!(line["from_upstream"], BULK);
    Some(here.enter(|| gateway.metric(SPLICED)))
}

#[test]
fn bulk_in_segments_of_the_size_of_a_packet_arrives_whole_by_splice() {
    if let Some(spliced) = bulk_over_a_cable("[relay]\nsplice = true\n") {
        // Each direction begins by copying.
        assert!(
            spliced > BULK as f64 / 2.0,
            "{spliced} bytes went by splice"
        );
    }
}

#[test]
fn bulk_in_segments_of_the_size_of_a_packet_arrives_whole_by_copying() {
    if let Some(spliced) = bulk_over_a_cable("[relay]\nsplice = false\n") {
        assert_eq!(spliced, 0.0);
    }
}

/// Passes a hello of these bytes on, through a gateway in this namespace.
fn assert_passed_whole(gateway: &Gateway, backend: &Backend, hello: &[u8]) {
    let mut client = connect(gateway.listen());
    let sent = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = &client;
            client.write_all(hello).unwrap();
            client.shutdown(Shutdown::Write).unwrap();
        });
        read_to_end(&mut backend.accept())
    });
    assert!(sent == (hello.to_vec(), End::Fin), "the bytes changed");
    assert_eq!(read_to_end(&mut client), (vec![], End::Fin));
}

#[test]
fn a_hello_far_larger_than_the_receive_buffer_is_read() {
    let Some(namespaces) = namespaces(1) else {
        return;
    };
    namespaces[0].enter(|| {
        // The files under /proc/sys/net are those of the namespace.
        fs::write("/proc/sys/net/ipv4/tcp_rmem", "4096 4096 4096").unwrap();
        let backend = Backend::default();
        let gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
        let long = hello::long(15 * 1024);
        assert_passed_whole(&gateway, &backend, &hello::recorded("chromium.bin"));
        assert_passed_whole(&gateway, &backend, &long);
        let records = hello::in_records(&hello::message_of(&long), 50);
        assert_passed_whole(&gateway, &backend, &records);
    });
}

/// A backend that echoes on another machine, and the sections of a configuration with short bounds.
fn echo_on(machine: &Namespace) -> (SocketAddr, String) {
    let backend = machine.enter(|| TcpListener::bind("10.0.0.2:0").unwrap());
    let address = backend.local_addr().unwrap();
    std::thread::spawn(move || serve_echo(&backend));
    let dial = "[dial]\nattempt_timeout = \"300ms\"\n";
    let relay = "[relay]\nuser_timeout = \"1s\"\n";
    (address, format!("{JSON_LOG}{dial}{relay}"))
}

#[test]
fn a_session_with_a_machine_that_vanished_ends_within_the_user_timeout() {
    let Some((here, there)) = cable() else { return };
    let (address, sections) = echo_on(&there);
    here.enter(|| {
        let gateway = gateway!(dc1("", &[address], &sections));
        let hello = hello::recorded("curl.bin");
        let mut client = send(gateway.listen(), &hello);
        assert_eq!(read_exactly(&mut client, hello.len()), hello);
        there.ip("link set eth0 down").unwrap();
        client.write_all(b"anybody there?").unwrap();
        assert_eq!(read_to_end(&mut client), (vec![], End::Reset));
        let line = gateway.first_ended();
        assert_eq!(line["cause"], "timeout", "{line}");
        assert_eq!(line["reason"], "user_timeout");
        let took = line["duration_ms"].as_f64().unwrap();
        assert!((1000.0..10_000.0).contains(&took), "{took} ms");
    });
}

#[test]
fn a_machine_that_vanished_is_named_by_a_dial() {
    let Some((here, there)) = cable() else { return };
    let (address, sections) = echo_on(&there);
    there.ip("link set eth0 down").unwrap();
    here.enter(|| {
        let gateway = gateway!(dc1("", &[address], &sections));
        let mut client = send(gateway.listen(), &hello::recorded("curl.bin"));
        let internal_error = vec![21, 3, 3, 0, 2, 2, 80];
        assert_eq!(read_to_end(&mut client), (internal_error, End::Fin));
        drop(client);
        let line = gateway.first_ended();
        assert_eq!(line["reason"], "connect_timeout", "{line}");
        let wanted = format!("{address}: no answer within 300ms");
        assert!(line["error"].as_str().unwrap().contains(&wanted), "{line}");
    });
}
