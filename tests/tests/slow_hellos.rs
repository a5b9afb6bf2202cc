//! Clients that begin a hello and never finish it: how many there are is bounded, what they cost is,
//! and honest clients are served meanwhile.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::fs;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;

use l4_failover::process::descriptors::raise_descriptors;
use tests::config::{JSON_LOG, dc1};
use tests::process::{Gateway, until};
use tests::wire::{End, connect, echo, echoes, read_exactly, read_to_end, send};
use tests::{gateway, hello};

const HALF_READ: &str = "mesh_gateway_half_read_hellos";
const CROWDED: &str = "mesh_gateway_refusals_total{reason=\"crowded\"}";

/// As many as `SLOW_HELLOS` says, or this many, are held at once.
const HELD: usize = 5000;

/// More than may be held, so that as many of the oldest have to go.
const MORE: usize = 200;

/// Honest clients, one after the other.
const HONEST: usize = 100;

/// What a half-read hello of a few hundred bytes may cost the process.
const BYTES_EACH_MAX: usize = 8 * 1024;

/// A gateway that waits long for the rest of a hello, of which `held` may be half read.
fn patient(held: usize) -> Gateway {
    // Two a connection: one to the client, one to its service.
    let allowed = raise_descriptors();
    let wanted = held + MORE + 2 * HONEST;
    assert!(allowed > 2 * wanted, "{allowed} descriptors");
    let sections = format!(
        "{JSON_LOG}[hello]\ntimeout = \"5m\"\n[limits]\nconnections = {wanted}\nhalf_read_hellos = {held}\n"
    );
    gateway!(dc1("", &[echo()], &sections))
}

fn held() -> usize {
    let given = std::env::var("SLOW_HELLOS").ok();
    given.map_or(HELD, |given| given.parse().unwrap())
}

/// Whether the other side has ended a connection on which it says nothing.
fn is_over(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0]);
    stream.set_nonblocking(false).unwrap();
    !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
}

/// A client that was served.
fn serve_one(gateway: &Gateway) {
    let mut client = connect(gateway.listen());
    assert!(echoes(&mut client, &hello::named(b"currency.dc1")));
}

/// Memory of the process that is in RAM, in bytes.
fn resident(gateway: &Gateway) -> usize {
    let status = format!("/proc/{}/status", gateway.pid().as_raw_nonzero());
    let status = fs::read_to_string(status).unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = kib.unwrap().trim().trim_end_matches(" kB");
    kib.parse::<usize>().unwrap() * 1024
}

/// Holds this many half-read hellos at once, each of `begun`; they, and what each costs.
fn hold(gateway: &Gateway, count: usize, begun: &[u8]) -> (Vec<TcpStream>, usize) {
    serve_one(gateway);
    let before = resident(gateway);
    let slow = (0..count).map(|_| send(gateway.listen(), begun)).collect();
    gateway.metric_until(HALF_READ, |held| held == count as f64);
    let each = resident(gateway).saturating_sub(before) / count;
    println!(
        "{count} half-read hellos of {} bytes: {each} bytes each",
        begun.len()
    );
    (slow, each)
}

#[test]
fn thousands_of_half_read_hellos_are_held_within_bounds_and_the_oldest_give_way() {
    let held = held();
    let gateway = patient(held);
    let hello = hello::recorded("chromium.bin");
    let (begun, rest) = hello.split_at(hello.len() / 2);
    let (mut slow, each) = hold(&gateway, held, begun);
    assert!(each <= BYTES_EACH_MAX, "{each} bytes each");

    std::thread::scope(|scope| {
        scope.spawn(|| (0..HONEST).for_each(|_| serve_one(&gateway)));
        let more = (0..MORE).map(|_| send(gateway.listen(), begun));
        slow.extend(more);
    });
    gateway.metric_until(CROWDED, |crowded| crowded >= MORE as f64);
    let (oldest, youngest) = slow.split_at(held / 2);
    until("those who gave way are over", || {
        let over = oldest.iter().filter(|it| is_over(it)).count();
        over as f64 == gateway.metric(CROWDED)
    });
    assert!(!youngest.iter().any(is_over), "a young one gave way");
    assert!(gateway.metric(HALF_READ) <= held as f64);

    // Whoever is not among the oldest may take their time.
    let youngest = slow.last_mut().unwrap();
    youngest.write_all(rest).unwrap();
    assert_eq!(read_exactly(youngest, hello.len()), hello);

    drop(slow);
    gateway.metric_until(HALF_READ, |held| held == 0.0);
}

#[test]
fn whoever_gives_way_is_reset() {
    let gateway = patient(1);
    let begun = &hello::recorded("chromium.bin")[..100];
    let mut first = send(gateway.listen(), begun);
    gateway.metric_until(HALF_READ, |held| held == 1.0);
    let second = send(gateway.listen(), begun);
    assert_eq!(read_to_end(&mut first), (Vec::new(), End::Reset));
    let line = gateway.first_ended();
    let outcome = ["phase", "cause", "reason"].map(|field| line[field].as_str().unwrap());
    assert_eq!(outcome, ["hello", "resource", "crowded"]);
    assert!(!is_over(&second));
}

/// Gateways of other data centres begin theirs at an address of their own.
#[test]
fn a_flood_at_one_address_ends_nothing_at_the_other() {
    let listen = "address = \"127.0.0.1:0\"\npeer_address = \"127.0.0.1:0\"\n[admin]";
    let limits = "[hello]\ntimeout = \"5m\"\n[limits]\nhalf_read_hellos = 4\n";
    let config = dc1("", &[echo()], limits);
    let gateway = gateway!(config.replace("address = \"127.0.0.1:0\"\n[admin]", listen));
    let hello = hello::named(b"currency.dc1");
    let (begun, rest) = hello.split_at(hello.len() / 2);
    let [clients, peers] = [gateway.listen(), gateway.address("listen-peer")];
    for (nth, (quiet, flooded)) in [(clients, peers), (peers, clients)].into_iter().enumerate() {
        let mut first = send(quiet, begun);
        gateway.metric_until(HALF_READ, |held| held >= 1.0);
        let flood = [(); 12].map(|()| send(flooded, begun));
        gateway.metric_until(CROWDED, |crowded| crowded >= 9.0 * (nth + 1) as f64);
        first.write_all(rest).unwrap();
        assert_eq!(read_exactly(&mut first, hello.len()), hello);
        drop(flood);
        gateway.metric_until(HALF_READ, |held| held == 0.0);
    }
}

/// A hello almost as long as may be, in memory twice: as it came, and put together.
#[test]
fn hellos_as_long_as_may_be_cost_what_their_limits_say() {
    let gateway = patient(held() / 10);
    let long = hello::long(15 * 1024);
    let (_slow, each) = hold(&gateway, held() / 10, &long[..long.len() - 1]);
    // Memory that grows by doubling may have room for as much again.
    assert!(each <= 4 * 16 * 1024 + BYTES_EACH_MAX, "{each} bytes each");
}
