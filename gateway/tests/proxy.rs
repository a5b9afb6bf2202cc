//! The PROXY protocol over real sockets: whose connection it is arrives where it is asked for, and
//! nobody else is believed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use l4_failover::socket::proxy::{Header, Origin, Progress, UniqueId, decode};
use serde_json::Value;
use tests::config::{JSON_LOG, dc1};
use tests::hello;
use tests::process::{Gateway, Program};
use tests::wire::{self, Backend};

const NAME: &[u8] = b"currency.dc1";
const BELIEVING: &str = "proxy_from = [\"127.0.0.0/8\"]";
/// From 192.0.2.1:5000 to 198.51.100.7:443.
const ADDRESSES: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 7, 0x13, 0x88, 1, 0xbb];

fn start(config: &str) -> Gateway {
    Program::start(env!("CARGO_BIN_EXE_mesh-gateway"), config)
}

/// A gateway of dc1 in front of `backend`, with more keys of its listener and sections.
fn gateway(backend: &Backend, listen: &str, sections: &str) -> Gateway {
    let config = dc1("", &[backend.address()], "proxy = \"v2\"\n");
    let listen = format!("[listen]\n{listen}");
    start(&(config.replace("[listen]", &listen) + JSON_LOG + sections))
}

fn v2(command: u8, kind: u8, rest: &[u8]) -> Vec<u8> {
    let length = (rest.len() as u16).to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, kind][..], &length, rest].concat()
}

fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u16).to_be_bytes();
    [&[kind][..], &length, value].concat()
}

fn tcp4(fields: &[u8]) -> Vec<u8> {
    v2(0x21, 0x11, &[&ADDRESSES, fields].concat())
}

/// What the endpoint was told of its next connection, before `hello` arrived untouched.
fn told(backend: &Backend, hello: &[u8]) -> (Header, TcpStream) {
    let mut stream = backend.accept();
    // One write of the gateway's, and so one read here.
    let mut bytes = vec![0; 8192];
    let length = stream.read(&mut bytes).unwrap();
    match decode(&bytes[..length]) {
        Ok(Progress::Whole {
            header,
            length: of_header,
        }) => {
            assert_eq!(&bytes[of_header..length], hello);
            (header, stream)
        }
        other => panic!("{other:?} of {:02x?}", &bytes[..length]),
    }
}

/// Closes both ends, so that the connection is logged.
fn finish(ends: [TcpStream; 2]) {
    drop(ends);
}

fn client(source: SocketAddr, destination: SocketAddr) -> Origin {
    Origin::Client {
        source,
        destination,
    }
}

fn said(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap_or("absent").to_owned()
}

#[test]
fn whom_a_proxy_connects_for_reaches_the_endpoint_and_the_log() {
    let backend = Backend::default();
    let gateway = gateway(&backend, BELIEVING, "");
    let v4 = ("192.0.2.1:5000", "198.51.100.7:443");
    let v6 = ("[2001:db8::1]:5000", "[2001:db8::2]:443");
    let line = |addresses: &str| format!("PROXY {addresses}\r\n").into_bytes();
    let of_v6 = v2(0x21, 0x21, &{
        let ip = |last| [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
        [&ip(1)[..], &ip(2), &ADDRESSES[8..]].concat()
    });
    let headers = [
        (line("TCP4 192.0.2.1 198.51.100.7 5000 443"), v4, None),
        (line("TCP6 2001:db8::1 2001:db8::2 5000 443"), v6, None),
        (tcp4(&[]), v4, None),
        (tcp4(&field(5, b"edge 7")), v4, Some("edge 7")),
        (of_v6, v6, None),
    ];
    let hello = hello::named(NAME);
    for (nth, (header, (source, destination), id)) in headers.into_iter().enumerate() {
        let sent = [header, hello.clone()].concat();
        let proxy = wire::send(gateway.listen(), &sent);
        let peer = proxy.local_addr().unwrap();
        let (told, endpoint) = told(&backend, &hello);
        finish([proxy, endpoint]);
        assert_eq!(
            told.origin,
            client(source.parse().unwrap(), destination.parse().unwrap())
        );
        let line = gateway.ended(nth + 1).remove(nth);
        assert_eq!(said(&line, "client"), source);
        assert_eq!(said(&line, "peer"), peer.to_string());
        // The one that came, else the gateway's own.
        let id = id.map_or_else(|| said(&line, "id"), ToOwned::to_owned);
        assert_eq!(told.unique_id, UniqueId::new(id.as_bytes()));
        assert_eq!(said(&line, "trace"), id.replace(' ', r"\x20"));
        assert_eq!(line["from_client"], hello.len());
    }
}

#[test]
fn where_a_header_has_no_address_the_sockets_own_count() {
    let backend = Backend::default();
    let gateway = gateway(&backend, BELIEVING, "");
    let hello = hello::named(NAME);
    let headers = [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN whatever it is\r\n".to_vec(),
        v2(0x21, 0x00, &field(5, b"edge-7")),
        v2(0x21, 0x31, &[7; 216]),
        v2(0x20, 0x00, &[]),
        v2(0x20, 0x11, &ADDRESSES),
    ];
    for (nth, header) in headers.into_iter().enumerate() {
        let proxy = wire::send(gateway.listen(), &[header, hello.clone()].concat());
        let peer = proxy.local_addr().unwrap();
        let (told, endpoint) = told(&backend, &hello);
        finish([proxy, endpoint]);
        assert_eq!(told.origin, client(peer, gateway.listen()));
        let line = gateway.ended(nth + 1).remove(nth);
        assert_eq!(said(&line, "client"), peer.to_string());
        assert_eq!(line["peer"], Value::Null);
        let id = if nth == 2 {
            "edge-7".to_owned()
        } else {
            said(&line, "id")
        };
        assert_eq!(said(&line, "trace"), id);
    }
}

#[test]
fn a_header_may_come_byte_by_byte() {
    let backend = Backend::default();
    let gateway = gateway(&backend, BELIEVING, "");
    let hello = hello::named(NAME);
    for header in [
        b"PROXY TCP4 192.0.2.1 198.51.100.7 5000 443\r\n".to_vec(),
        tcp4(&[]),
    ] {
        let mut proxy = wire::connect(gateway.listen());
        for byte in [header, hello.clone()].concat() {
            proxy.write_all(&[byte]).unwrap();
        }
        let (told, _endpoint) = told(&backend, &hello);
        let origin = ["192.0.2.1:5000", "198.51.100.7:443"].map(|it| it.parse().unwrap());
        assert_eq!(told.origin, client(origin[0], origin[1]));
    }
}

#[test]
fn a_proxy_that_does_not_say_it_right_is_refused_without_an_answer() {
    let backend = Backend::default();
    let gateway = gateway(&backend, BELIEVING, "");
    let hello = hello::named(NAME);
    let wrong = [
        (hello.clone(), "no PROXY header"),
        (
            v2(0x21, 0x11, &ADDRESSES[..11]),
            "lies about its length: it gives 11 bytes",
        ),
        (
            tcp4(&[5, 1, 0, 9]),
            "lies about its length: it ends within its last field",
        ),
        (
            v2(0x21, 0x11, &[0; 5000]),
            "of 5016 bytes; the limit is 4096",
        ),
        (v2(0x11, 0x11, &ADDRESSES), "of version 1"),
        (tcp4(&field(3, &[1, 2, 3, 4])), "checksum is wrong"),
        (tcp4(&field(5, &[b'x'; 129])), "unique id of 129 bytes"),
        (
            [&b"PROXY "[..], &[b'x'; 101]].concat(),
            "does not end within 107 bytes",
        ),
        (b"PROXY TCP4 nobody\r\n".to_vec(), "wrong source address"),
    ];
    for (nth, (header, why)) in wrong.iter().enumerate() {
        let sent = [header.clone(), hello.clone()].concat();
        let mut proxy = wire::send(gateway.listen(), &sent);
        assert!(wire::read_to_end(&mut proxy).0.is_empty(), "{why}");
        let line = gateway.ended(nth + 1).remove(nth);
        assert!(said(&line, "error").contains(why), "{line}");
        let outcome = ["phase", "cause", "reason"].map(|field| said(&line, field));
        assert_eq!(outcome, ["hello", "client", "proxy_header"]);
    }
    let refused = "mesh_gateway_refusals_total{reason=\"proxy_header\"}";
    assert_eq!(gateway.metric(refused), wrong.len() as f64);
    assert!(!backend.is_asked());
}

#[test]
fn header_and_hello_have_the_time_of_a_hello_together() {
    let backend = Backend::default();
    let gateway = gateway(&backend, BELIEVING, "[hello]\ntimeout = \"150ms\"\n");
    // A length that lies takes what should follow for its own, and waits for more.
    let mut lying = tcp4(&[]);
    lying[14] = 1;
    let hello = hello::named(NAME);
    for (nth, (sent, reason, why)) in [
        (lying, "proxy_header", "no whole PROXY header within 150ms"),
        (tcp4(&[]), "deadline", "no complete hello within 150ms"),
        (hello[..0].to_vec(), "proxy_header", "0 bytes arrived"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut proxy = wire::send(gateway.listen(), &sent);
        assert!(wire::read_to_end(&mut proxy).0.is_empty());
        let line = gateway.ended(nth + 1).remove(nth);
        assert!(said(&line, "error").contains(why), "{line}");
        let outcome = ["phase", "cause", "reason"].map(|field| said(&line, field));
        assert_eq!(outcome, ["hello", "timeout", reason]);
        let took = line["duration_ms"].as_f64().unwrap();
        assert!(took >= 149.0, "{line}");
    }
}

#[test]
fn a_health_check_of_a_proxy_is_no_error() {
    let backend = Backend::default();
    let gateway = gateway(&backend, BELIEVING, "");
    for sent in [&b""[..], &Header::LOCAL.encode()] {
        drop(wire::send(gateway.listen(), sent));
    }
    for line in gateway.ended(2) {
        assert_eq!(
            (said(&line, "reason"), said(&line, "cause")),
            ("probe".into(), "done".into())
        );
    }
    drop(wire::send(gateway.listen(), &tcp4(&[])[..20]));
    let line = gateway.ended(3).remove(2);
    assert!(said(&line, "error").ends_with("after 20 bytes"), "{line}");
}

#[test]
fn nobody_else_is_believed() {
    let backend = Backend::default();
    let gateway = gateway(&backend, "proxy_from = [\"192.0.2.0/24\"]", "");
    let hello = hello::named(NAME);
    for (nth, header) in [tcp4(&[]), b"PROXY UNKNOWN\r\n".to_vec()]
        .into_iter()
        .enumerate()
    {
        let mut liar = wire::send(gateway.listen(), &[header, hello.clone()].concat());
        assert!(wire::read_to_end(&mut liar).0.is_empty());
        let line = gateway.ended(nth + 1).remove(nth);
        assert_eq!(said(&line, "reason"), "not_tls");
        assert_eq!(
            said(&line, "client"),
            liar.local_addr().unwrap().to_string()
        );
    }
    // Who says nothing is who it is.
    let honest = wire::send(gateway.listen(), &hello);
    let (told, _endpoint) = told(&backend, &hello);
    assert_eq!(
        told.origin,
        client(honest.local_addr().unwrap(), gateway.listen())
    );
}

#[test]
fn the_client_is_judged_not_the_proxy() {
    let backend = Backend::default();
    let limits = "[limits]\nconnections_per_source = 1\n";
    let config = dc1("", &[backend.address()], "deny = [\"198.51.100.0/24\"]\n")
        .replace("[listen]", &format!("[listen]\n{BELIEVING}"));
    let gateway = start(&(config + JSON_LOG + limits));
    let hello = hello::named(NAME);
    let send = |source: &str| {
        let header = format!("PROXY TCP4 {source} 192.0.2.9 5000 443\r\n");
        wire::send(gateway.listen(), &[header.as_bytes(), &hello].concat())
    };
    let mut denied = send("198.51.100.1");
    assert_eq!(
        wire::read_to_end(&mut denied).0[..7],
        [21, 3, 3, 0, 2, 2, 49]
    );
    drop(denied);
    assert_eq!(said(&gateway.first_ended(), "reason"), "route_denied");
    let one = send("192.0.2.1");
    let first = backend.accept();
    // Another client of the same proxy.
    let two = send("192.0.2.2");
    let second = backend.accept();
    let mut too_many = send("192.0.2.1");
    assert!(wire::read_to_end(&mut too_many).0.is_empty());
    let line = gateway.ended(2).remove(1);
    assert_eq!(said(&line, "reason"), "source_connections");
    assert_eq!(said(&line, "client"), "192.0.2.1:5000");
    finish([one, first]);
    finish([two, second]);
}

#[test]
fn over_two_gateways_the_client_and_one_id_arrive() {
    let backend = Backend::default();
    let dc2 = start(&format!(
        "datacenter = \"dc2\"\n[listen]\naddress = \"127.0.0.1:0\"\n{BELIEVING}\n{JSON_LOG}\
         [[service]]\nname = \"currency\"\nendpoints = [\"{}\"]\ncheck = \"none\"\nproxy = \"v2\"\n",
        backend.address()
    ));
    let dc1 = start(&format!(
        "datacenter = \"dc1\"\n[listen]\naddress = \"127.0.0.1:0\"\n{JSON_LOG}\
         [[datacenter]]\nname = \"dc2\"\ngateways = [\"{}\"]\nproxy = \"v2\"\n",
        dc2.listen()
    ));
    let hello = hello::named(b"currency.dc2");
    let mut browser = wire::send(dc1.listen(), &hello);
    let address = browser.local_addr().unwrap();
    let (told, mut endpoint) = told(&backend, &hello);
    assert_eq!(told.origin, client(address, dc1.listen()));
    endpoint.write_all(b"answer").unwrap();
    assert_eq!(wire::read_exactly(&mut browser, 6), b"answer");
    finish([browser, endpoint]);
    // One gateway checks the other all the while.
    let [first, second] = [&dc1, &dc2].map(|gateway| {
        let is_client = |line: &Value| line["reason"] != "probe";
        gateway.ended_as(1, is_client).remove(0)
    });
    let id = said(&first, "id");
    assert_eq!(told.unique_id, UniqueId::new(id.as_bytes()));
    assert_eq!(
        [said(&first, "trace"), said(&second, "trace")],
        [id.clone(), id.clone()]
    );
    assert_ne!(said(&second, "id"), id);
    for line in [&first, &second] {
        assert_eq!(said(line, "client"), address.to_string());
    }
    assert_eq!(first["peer"], Value::Null);
    assert!(said(&second, "peer").starts_with("127.0.0.1:"));
    // Checks are not taken for callers that send no header, or half of one.
    assert!(!dc2.lines().iter().any(|line| line.contains("proxy_header")));
}

#[test]
fn the_next_gateway_is_told_what_the_first_was_told() {
    let gateways = [Backend::default(), Backend::default()];
    let addresses = gateways.each_ref().map(|it| it.address().to_string());
    let dc1 = start(&format!(
        "datacenter = \"dc1\"\n[listen]\naddress = \"127.0.0.1:0\"\n{BELIEVING}\n{JSON_LOG}\
         [[datacenter]]\nname = \"dc2\"\ngateways = {addresses:?}\nproxy = \"v2\"\ncheck = \"none\"\n"
    ));
    let hello = hello::named(b"currency.dc2");
    let _proxy = wire::send(dc1.listen(), &[tcp4(&[]), hello.clone()].concat());
    // Closed without a word: nobody answers behind them.
    let headers = gateways.each_ref().map(|gateway| told(gateway, &hello).0);
    assert_eq!(headers[0], headers[1]);
    // What they logged is found here too, although nobody took the connection.
    let line = dc1.first_ended();
    assert_eq!(
        (&line["phase"], &line["trace"]),
        (&"connect".into(), &line["id"])
    );
    let id = said(&line, "id");
    assert_eq!(headers[0].unique_id, UniqueId::new(id.as_bytes()));
}
