//! Who may: lists of networks and limits per source, with the real process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tests::namespace::Namespace;
use tests::process::{Gateway, PATIENCE, until};
use tests::wire::{Backend, End, echo, echoes, read_exactly, read_to_end};
use tests::{gateway, hello, peers};

const ACCESS_DENIED: [u8; 7] = [21, 3, 3, 0, 2, 2, 49];

const CLOSED: &str = "mesh_gateway_connections_closed_total";
const ACCEPTED: &str = "mesh_gateway_connections_accepted_total";
const RESET: (Vec<u8>, End) = (Vec::new(), End::Reset);

/// Clients of a host of its own each: all of 127.0.0.0/8 is this machine.
const ALICE: &str = "127.0.0.1";
const BOB: &str = "127.0.1.1";
const CAROL: &str = "127.0.2.1";

/// What a test says of a gateway of dc1 with the services `currency` and `orders`.
#[derive(Default)]
struct Given<'a> {
    /// Where it listens, if not at a port of 127.0.0.1.
    address: Option<&'a str>,
    listen: &'a str,
    currency: &'a str,
    dc2: &'a str,
    limits: &'a str,
}

fn start(endpoint: SocketAddr, given: &Given<'_>) -> Gateway {
    let Given {
        address,
        listen,
        currency,
        dc2,
        limits,
    } = given;
    gateway!(format!(
        r#"
        datacenter = "dc1"
        [listen]
        address = "{}"
        {listen}
        [log]
        format = "json"
        refusals_per_second = 10000
        [admin]
        address = "127.0.0.1:0"
        [limits]
        {limits}
        [[service]]
        name = "currency"
        endpoints = ["{endpoint}"]
        check = "none"
        {currency}
        [[service]]
        name = "orders"
        endpoints = ["{endpoint}"]
        check = "none"
        [[datacenter]]
        name = "dc2"
        gateways = ["{endpoint}"]
        check = "none"
        {dc2}
        "#,
        address.unwrap_or("127.0.0.1:0")
    ))
}

/// Connects from an address of this machine.
fn connect_from(client: &str, to: SocketAddr) -> TcpStream {
    try_connect_from(client, to).unwrap()
}

/// [`connect_from`], where a reset may come before the connection is known here.
fn try_connect_from(client: &str, to: SocketAddr) -> io::Result<TcpStream> {
    let client: IpAddr = client.parse().unwrap();
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::new(client, 0).into()).unwrap();
    socket.connect_timeout(&to.into(), PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

/// A session that `client` opens, and whose hello has come back from an echo.
fn session(client: &str, to: SocketAddr) -> TcpStream {
    let mut stream = connect_from(client, to);
    assert!(echoes(&mut stream, &hello::named(b"currency.dc1")));
    stream
}

/// What `client` gets who says nothing: bytes that are never read would be answered by a reset too.
fn told(client: &str, to: SocketAddr) -> (Vec<u8>, End) {
    match try_connect_from(client, to) {
        Ok(mut stream) => read_to_end(&mut stream),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => RESET,
        Err(error) => panic!("{error}"),
    }
}

/// What `client` gets who asks for `name`.
fn answered(client: &str, to: SocketAddr, name: &[u8]) -> (Vec<u8>, End) {
    let mut stream = connect_from(client, to);
    stream.write_all(&hello::named(name)).unwrap();
    read_to_end(&mut stream)
}

fn refusals(gateway: &Gateway, reason: &str) -> f64 {
    gateway.metric(&format!(
        "mesh_gateway_refusals_total{{reason=\"{reason}\"}}"
    ))
}

fn outcome(line: &Value) -> [&str; 3] {
    ["phase", "cause", "reason"].map(|field| line[field].as_str().unwrap())
}

#[test]
fn a_listener_resets_whom_its_lists_do_not_let_in() {
    let given = Given {
        listen: "allow = [\"127.0.0.0/16\"]\ndeny = [\"127.0.1.0/24\"]",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    // In neither list; in both.
    for denied in ["127.1.0.1", BOB] {
        assert_eq!(told(denied, gateway.listen()), RESET, "{denied}");
    }
    let session = session(ALICE, gateway.listen());
    let line = gateway.line(|line| line.contains("listener_denied") && line.contains(BOB));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(outcome(&line), ["hello", "policy", "listener_denied"]);
    assert_eq!(line["listener"], "listen");
    assert_eq!(line["id"], Value::Null, "nothing was kept of it");
    assert_eq!(refusals(&gateway, "listener_denied"), 2.0);
    drop(session);
    // What was accepted is what has ended.
    until("all are counted", || gateway.total(CLOSED) >= 3.0);
    assert_eq!((gateway.total(ACCEPTED), gateway.total(CLOSED)), (3.0, 3.0));
}

#[test]
fn a_network_in_the_ipv6_form_of_ipv4_lets_ipv4_in() {
    let given = Given {
        listen: "allow = [\"::ffff:127.0.0.0/112\"]",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    session(ALICE, gateway.listen());
    session("127.0.0.9", gateway.listen());
    assert_eq!(told("127.1.0.1", gateway.listen()), RESET);
}

#[test]
fn who_is_denied_needs_no_place_among_the_connections() {
    let given = Given {
        listen: "deny = [\"127.0.1.0/24\"]",
        limits: "connections = 1\nhalf_read_hellos = 1",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    let _session = session(ALICE, gateway.listen());
    assert_eq!(told(BOB, gateway.listen()), RESET);
}

#[test]
fn a_service_answers_whom_it_does_not_let_in_by_access_denied() {
    let backend = Backend::default();
    let given = Given {
        currency: "allow = [\"127.0.0.0/16\"]\ndeny = [\"127.0.0.1\"]",
        dc2: "deny = [\"127.0.1.0/24\"]",
        ..Given::default()
    };
    let gateway = start(backend.address(), &given);
    let denied = (ACCESS_DENIED.to_vec(), End::Fin);
    let to = gateway.listen();
    assert_eq!(answered(ALICE, to, b"currency.dc1"), denied);
    assert_eq!(answered("127.1.0.1", to, b"currency.dc1"), denied);
    assert_eq!(answered(BOB, to, b"any.dc2"), denied);
    assert!(!backend.is_asked(), "nobody was dialled for them");
    let lines = gateway.ended(3);
    for line in &lines {
        assert_eq!(outcome(line), ["route", "policy", "route_denied"]);
    }
    // Their tasks end in any order.
    let of_dc2 = lines.iter().filter(|line| line["route"] == "dc2");
    let of_currency = lines.iter().filter(|line| line["route"] == "currency");
    assert_eq!((of_dc2.count(), of_currency.count()), (1, 2));
    assert_eq!(refusals(&gateway, "route_denied"), 3.0);

    // Each list is of its own route.
    for (client, name) in [
        (BOB, "currency.dc1"),
        (ALICE, "orders.dc1"),
        (ALICE, "any.dc2"),
    ] {
        let hello = hello::named(name.as_bytes());
        let mut stream = connect_from(client, to);
        stream.write_all(&hello).unwrap();
        assert_eq!(read_exactly(&mut backend.accept(), hello.len()), hello);
    }
}

#[test]
fn a_source_has_so_many_connections_and_others_have_theirs() {
    let given = Given {
        limits: "connections_per_source = 2\nexempt_sources = [\"127.0.2.0/24\"]",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    let to = gateway.listen();
    let (first, mut second) = (session(ALICE, to), session(ALICE, to));
    assert_eq!(told(ALICE, to), RESET);
    let line = gateway.first_ended();
    assert_eq!(outcome(&line), ["hello", "policy", "source_connections"]);
    let error = "127.0.0.1 has 2 connections, as many as limits.connections_per_source allows";
    assert_eq!(line["error"], error);
    assert_eq!(refusals(&gateway, "source_connections"), 1.0);
    // Nor does it wait for anything but a hello, which counts as well.
    let _others = [session(BOB, to), connect_from(BOB, to)];
    let _exempt = [(); 5].map(|()| session(CAROL, to));
    drop(first);
    gateway.ended_as(1, |line| line["cause"] == "done");
    let _third = session(ALICE, to);
    assert_eq!(told(ALICE, to), RESET);
    assert!(echoes(&mut second, b"who was there before stays"));
}

#[test]
fn a_source_opens_so_many_a_second_after_its_burst() {
    let given = Given {
        limits: "rate_per_source = 1\nburst_per_source = 3",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    let to = gateway.listen();
    (0..3).for_each(|_| drop(session(ALICE, to)));
    // On a machine so busy that it has rested meanwhile, the next one, or the one after.
    until("one is refused", || !is_heard(ALICE, to));
    let line = gateway
        .ended_as(1, |line| line["reason"] == "source_rate")
        .remove(0);
    assert_eq!(outcome(&line), ["hello", "policy", "source_rate"]);
    session(BOB, to);
    until("it has rested", || is_heard(ALICE, to));
}

/// Whether a client who asks for a service gets through to it.
fn is_heard(client: &str, to: SocketAddr) -> bool {
    let hello = hello::named(b"currency.dc1");
    let ask = || {
        let mut stream = try_connect_from(client, to)?;
        stream.write_all(&hello)?;
        stream.read_exact(&mut vec![0; hello.len()])
    };
    ask().is_ok()
}

#[test]
fn gateways_of_other_data_centres_are_not_limited_as_sources() {
    let given = Given {
        listen: "peer_address = \"127.0.0.1:0\"\npeer_deny = [\"127.0.1.0/24\"]",
        limits: "connections_per_source = 1\nrate_per_source = 1\nburst_per_source = 1",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    let peers = gateway.address("listen-peer");
    let _sessions = [(); 5].map(|()| session(ALICE, peers));
    assert_eq!(told(BOB, peers), RESET);
    let _session = session(BOB, gateway.listen());
    assert_eq!(told(BOB, gateway.listen()), RESET);
}

#[test]
fn a_gateway_that_takes_anybody_for_a_gateway_says_so_at_its_start() {
    let given = Given {
        listen: "peer_address = \"0.0.0.0:0\"",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    let warned = |line: &str| line.contains("WARN") && line.contains("give peer_allow");
    gateway.line(warned);
}

/// What the log says of a source that has as many connections as it may.
fn full_source(gateway: &Gateway) -> String {
    let refused = |line: &Value| line["reason"] == "source_connections";
    let line = gateway.ended_as(1, refused).remove(0);
    line["error"].as_str().unwrap().to_owned()
}

/// On the one address of IPv6 that every machine has: a proxy says for whom it connects.
#[test]
fn a_network_of_ipv6_is_one_source_also_behind_a_proxy() {
    let given = Given {
        address: Some("[::1]:0"),
        listen: "proxy_from = [\"::1\"]",
        limits: "connections_per_source = 1\nsource_ipv6_prefix = 56",
        ..Given::default()
    };
    let gateway = start(echo(), &given);
    let to = gateway.listen();
    let open = |client: &str| {
        let header = format!("PROXY TCP6 {client} ::1 40000 {}\r\n", to.port());
        let mut stream = connect_from("::1", to);
        let hello = hello::named(b"currency.dc1");
        stream.write_all(header.as_bytes()).unwrap();
        // Refused, it may be reset before all is written.
        let _ = stream.write_all(&hello);
        let mut answer = vec![0; hello.len()];
        stream.read_exact(&mut answer).map(|()| stream)
    };
    let _first = open("2001:db8:0:100::1").unwrap();
    let _other = open("2001:db8:0:200::1").unwrap();
    assert!(open("2001:db8:0:1ff:1:2:3:4").is_err());
    let said = full_source(&gateway);
    assert!(
        said.starts_with("2001:db8:0:100::/56 has 1 connections"),
        "{said}"
    );
}

/// Addresses of IPv6 that are a machine's own, as far as a namespace can be one.
#[test]
fn a_network_of_ipv6_is_one_source() {
    let made = Namespace::new();
    let Ok(namespace) = made.inspect_err(|why| peers::skip(why)) else {
        return;
    };
    const HOSTS: [&str; 3] = ["2001:db8:0:1::1", "2001:db8:0:1:2::2", "2001:db8:0:2::1"];
    for host in HOSTS {
        let address = format!("address add {host}/128 dev lo nodad");
        namespace.ip(&address).unwrap();
    }
    namespace.enter(|| {
        let given = Given {
            address: Some("[::]:0"),
            limits: "connections_per_source = 1",
            ..Given::default()
        };
        let gateway = start(echo(), &given);
        let to = SocketAddr::new(HOSTS[0].parse().unwrap(), gateway.listen().port());
        let _first = session(HOSTS[0], to);
        assert_eq!(told(HOSTS[1], to), RESET);
        let _other = session(HOSTS[2], to);
        let said = full_source(&gateway);
        assert!(
            said.starts_with("2001:db8:0:1::/64 has 1 connections"),
            "{said}"
        );
    });
}
