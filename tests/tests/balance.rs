//! How connections spread over workers.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use socket2::{Domain, Socket, Type};
use tests::config::{JSON_LOG, dc1};
use tests::process::{Gateway, until};
use tests::wire::{echo, read_exactly, reset, send};
use tests::{gateway, hello};

const ACTIVE: &str = "mesh_gateway_connections_active";
const HANDED_OVER: &str = "mesh_gateway_connections_handed_over_total";

fn two_workers() -> Gateway {
    gateway!(dc1("workers = 2", &[echo()], JSON_LOG))
}

/// The connections that each worker serves.
fn loads(gateway: &Gateway) -> [f64; 2] {
    [0, 1].map(|worker| gateway.metric(&format!("{ACTIVE}{{worker=\"{worker}\"}}")))
}

fn assert_balanced(gateway: &Gateway, held: usize) {
    let loads = loads(gateway);
    assert_eq!(loads.iter().sum::<f64>(), held as f64);
    let (largest, mean) = (loads[0].max(loads[1]), held as f64 / 2.0);
    assert!(largest / mean <= 1.1, "{loads:?}");
}

#[test]
fn held_connections_are_spread_evenly_over_workers() {
    let gateway = two_workers();
    let hello = hello::recorded("curl.bin");
    let open = |_| {
        let mut client = send(gateway.listen(), &hello);
        assert_eq!(read_exactly(&mut client, hello.len()), hello);
        client
    };
    let held: Vec<TcpStream> = (0..300).map(open).collect();
    assert_balanced(&gateway, held.len());
}

/// Connects from a port of our own; none where that port is not to be had.
fn connect_from(port: u16, to: SocketAddr) -> Option<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket
        .bind(&SocketAddr::from(([127, 0, 0, 1], port)).into())
        .ok()?;
    socket.connect(&to.into()).ok()?;
    Some(socket.into())
}

/// Source ports whose connections the kernel gives to the first worker: it chooses by a hash of
/// the addresses, so it chooses the same again.
fn ports_of_the_first_worker(gateway: &Gateway, count: usize) -> Vec<u16> {
    let mut ports = Vec::new();
    while ports.len() < count {
        let Some(client) = connect_from(0, gateway.listen()) else {
            continue;
        };
        until("it is served", || loads(gateway) != [0.0, 0.0]);
        if loads(gateway) == [1.0, 0.0] {
            ports.push(client.local_addr().unwrap().port());
        }
        // With RST, so that the port is free at once.
        reset(client);
        until("it has ended", || loads(gateway) == [0.0, 0.0]);
    }
    ports
}

#[test]
fn a_worker_that_gets_all_connections_hands_half_of_them_over() {
    let gateway = two_workers();
    let ports = ports_of_the_first_worker(&gateway, 60);
    assert_eq!(gateway.metric(HANDED_OVER), 0.0);
    let hello = hello::recorded("curl.bin");
    let open = |port| {
        let mut client = connect_from(port, gateway.listen())?;
        client.write_all(&hello).unwrap();
        assert_eq!(read_exactly(&mut client, hello.len()), hello);
        Some(client)
    };
    let held: Vec<TcpStream> = ports.into_iter().filter_map(open).collect();
    assert!(held.len() >= 50, "the ports were taken by others");
    let handed_over = gateway.metric(HANDED_OVER);
    assert!(handed_over >= 20.0, "{handed_over} of {}", held.len());
    let [first, second] = loads(&gateway);
    assert_eq!(first + second, held.len() as f64);
    // A few more or less are not worth a hand-over.
    assert!((first - second).abs() <= 8.0, "{first} beside {second}");
}
