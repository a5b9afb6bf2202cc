//! What happens when the process runs out of descriptors.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::param::clock_ticks_per_second;
use rustix::process::{Resource, Rlimit, prlimit};
use tests::config::{JSON_LOG, dc1};
use tests::process::{Gateway, until};
use tests::wire::{Backend, End, connect, echo, read_exactly, read_to_end, send};
use tests::{gateway, hello};

const EXHAUSTED: &str = "mesh_gateway_accept_pauses_total{reason=\"exhausted\"}";

/// Lets the process open `more` descriptors beside those that it has, and not one more.
fn allow_descriptors(gateway: &Gateway, more: usize) -> Rlimit {
    let directory = format!("/proc/{}/fd", gateway.pid().as_raw_nonzero());
    let names = fs::read_dir(directory).unwrap();
    let numbers = names.map(|name| name.unwrap().file_name().to_str().unwrap().parse().unwrap());
    let open: Vec<u64> = numbers.collect();
    // A new descriptor takes the lowest number that is free, and has to stay below the limit.
    let first_free = (0..).filter(|number| !open.contains(number)).nth(more);
    set_limit(gateway, first_free)
}

/// Sets the soft limit; the limits before.
fn set_limit(gateway: &Gateway, current: Option<u64>) -> Rlimit {
    let limits = rustix::process::getrlimit(Resource::Nofile);
    let limits = Rlimit { current, ..limits };
    prlimit(Some(gateway.pid()), Resource::Nofile, limits).unwrap()
}

/// The processor time that the process has used.
fn cpu_time(gateway: &Gateway) -> Duration {
    let stat = format!("/proc/{}/stat", gateway.pid().as_raw_nonzero());
    let stat = fs::read_to_string(stat).unwrap();
    // The fields after the name in parentheses; utime and stime are the 14th and 15th of all.
    let fields = stat
        .rsplit_once(") ")
        .unwrap()
        .1
        .split(' ')
        .skip(11)
        .take(2);
    let ticks: u64 = fields.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 1000 / clock_ticks_per_second())
}

/// A session whose hello has come back from an echo.
fn open_session(gateway: &Gateway) -> TcpStream {
    let hello = hello::recorded("curl.bin");
    let mut client = send(gateway.listen(), &hello);
    assert_eq!(read_exactly(&mut client, hello.len()), hello);
    client
}

/// Sends bytes there and back: enough that a direction proves to be bulk and asks for a pipe.
fn exchange(client: &mut TcpStream) {
    let bytes: Vec<u8> = (0..1 << 20).map(|at: u32| (at % 251) as u8).collect();
    let mut writer = client.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&bytes).unwrap());
        assert!(
            read_exactly(client, bytes.len()) == bytes,
            "the bytes changed"
        );
    });
}

#[test]
fn without_descriptors_accepting_pauses_and_goes_on_when_there_are_some() {
    let gateway = gateway!(dc1("workers = 2", &[echo()], JSON_LOG));
    let mut sessions: Vec<TcpStream> = (0..8).map(|_| open_session(&gateway)).collect();
    allow_descriptors(&gateway, 0);

    // The listeners, and the admin address, have connections that they cannot accept.
    // Half as many as the sessions, so that those leave room for these and for operators.
    let mut waiting: Vec<TcpStream> = (0..4).map(|_| connect(gateway.listen())).collect();
    let _operator = connect(gateway.address("admin"));
    gateway.line(|line| line.contains("cannot accept; pausing shortly"));

    // A span of time is what is measured here: the CPU that a second of pausing costs.
    let (began, before) = (Instant::now(), cpu_time(&gateway));
    while began.elapsed() < Duration::from_secs(1) {
        std::thread::sleep(Duration::from_millis(50));
    }
    let used = cpu_time(&gateway) - before;
    assert!(
        used < Duration::from_millis(200),
        "{used:?} of CPU in a second of waiting"
    );

    sessions.iter_mut().for_each(exchange);

    // Each session that ends leaves room for one that waits.
    drop(sessions);
    let hello = hello::recorded("curl.bin");
    for client in &mut waiting {
        client.write_all(&hello).unwrap();
        assert_eq!(read_exactly(client, hello.len()), hello);
    }
    drop(waiting);
    assert!(gateway.metric(EXHAUSTED) >= 1.0);
    exchange(&mut open_session(&gateway));
}

#[test]
fn a_dial_without_a_descriptor_is_this_process_s_fault_and_blames_no_endpoint() {
    let (first, second) = (Backend::default(), Backend::default());
    let endpoints = [first.address(), second.address()];
    let gateway = gateway!(dc1("", &endpoints, JSON_LOG));
    let before = allow_descriptors(&gateway, 1);
    let mut client = send(gateway.listen(), &hello::recorded("curl.bin"));
    let internal_error = vec![21, 3, 3, 0, 2, 2, 80];
    assert_eq!(read_to_end(&mut client), (internal_error, End::Fin));
    drop(client);
    let line = gateway.first_ended();
    assert_eq!(line["phase"], "connect");
    assert_eq!(line["cause"], "resource");
    assert_eq!(line["level"], "WARN");
    assert!(!first.is_asked() && !second.is_asked());

    set_limit(&gateway, before.current);
    let status = gateway.get("/status").body;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    for endpoint in status["services"][0]["tiers"][0]["endpoints"]
        .as_array()
        .unwrap()
    {
        assert_eq!(endpoint["failures"], 0, "{endpoint}");
    }
    let _client = send(gateway.listen(), &hello::recorded("curl.bin"));
    until("one of them is asked", || {
        first.is_asked() || second.is_asked()
    });
}
