//! `status`: of either program, and through a restart.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tests::config::{dc1, feed};
use tests::ports::Reserved;
use tests::process::{PATIENCE, Program, run};
use tests::wire::{Backend, read_exactly, send};
use tests::{failover, failover_program, gateway, hello, program};

fn status(program: &str, running: &Program, words: &[&str]) -> String {
    let admin = running.address("admin").to_string();
    let output = run(Command::new(program)
        .arg("status")
        .args(words)
        .args(["--admin", &admin]));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_process_its_pools_and_their_traffic_are_shown() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let hello = hello::named(b"currency.dc1");
    let _client = send(gateway.listen(), &hello);
    assert_eq!(read_exactly(&mut backend.accept(), hello.len()), hello);
    gateway.post("/pools/currency/maintenance");
    let shown = status(program!(), &gateway, &[]);
    let bytes = format!(
        "  traffic   1 connection (0.0/s), in {} B (0 B/s), out 0 B (0 B/s)",
        hello.len()
    );
    for line in ["  connections 1 of ", &bytes, "currency  (service)"] {
        assert!(
            shown.lines().any(|it| it.starts_with(line)),
            "{line} in {shown}"
        );
    }
    assert!(
        shown.starts_with("mesh-gateway of dc1  live for "),
        "{shown}"
    );
    let json = status(program!(), &gateway, &["currency", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["datacenter"], "dc1");
    assert_eq!(json["services"][0]["connections"], 1);
    assert_eq!(json["connections_accepted"], 1);
}

#[test]
fn what_happened_last_is_shown() {
    let (one, other) = (
        TcpListener::bind("127.0.0.1:0").unwrap(),
        TcpListener::bind("127.0.0.1:0").unwrap(),
    );
    let addresses = [one.local_addr().unwrap(), other.local_addr().unwrap()];
    let port = failover!(feed(&addresses, "check = \"none\"", ""));
    assert_eq!(port.post("/pools/feed/failover").status, 200);
    assert_eq!(port.post("/pools/feed/failback").status, 200);
    let json = status(failover_program!(), &port, &["--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let recent: Vec<&Value> = json["recent"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["event"])
        .collect();
    assert_eq!(recent, ["failback", "failover"]);
    // Whoever asks, it is the one that answers.
    for program in [failover_program!(), program!()] {
        let shown = status(program, &port, &["feed"]);
        assert!(shown.starts_with("l4-failover  live for "), "{shown}");
    }
    let shown = status(failover_program!(), &port, &["feed"]);
    let (_, last) = shown.split_once("\nlast events\n").unwrap();
    let wanted = format!(
        " feed failback {} → {}: operator",
        addresses[1], addresses[0]
    );
    assert!(last.lines().next().unwrap().contains(&wanted), "{shown}");
    assert_eq!(port.get("/status?pool=nobody").status, 404);
}

/// A watch, and the lines that it prints.
fn watch(program: &str, admin: &str) -> (Child, Receiver<String>) {
    let mut command = Command::new(program);
    command.args(["status", "--watch", "100ms", "--admin", admin]);
    let command = command.process_group(0).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (send, shown) = channel();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if send.send(line).is_err() {
                return;
            }
        }
    });
    (child, shown)
}

fn wait_for(shown: &Receiver<String>, part: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let line = shown.recv_timeout(left);
        if line.unwrap_or_else(|_| panic!("no {part}")).contains(part) {
            return;
        }
    }
}

#[test]
fn a_watch_lives_through_a_restart_and_ends_when_it_is_interrupted() {
    let admin = Reserved::new().unwrap();
    let config = dc1("", &["127.0.0.1:7000".parse().unwrap()], "");
    let at = format!("[admin]\naddress = \"{}\"", admin.address());
    let config = config.replace("[admin]\naddress = \"127.0.0.1:0\"", &at);
    let gateway = gateway!(config);
    let (mut child, shown) = watch(program!(), &admin.address().to_string());
    wait_for(&shown, "mesh-gateway of dc1  live for ");
    wait_for(&shown, "currency  (service)");
    drop(gateway);
    wait_for(&shown, "nobody listens at");
    wait_for(&shown, "below: as it was");
    let _gateway = gateway!(config);
    wait_for(&shown, "mesh-gateway was restarted ");
    wait_for(&shown, "currency  (service)");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}
