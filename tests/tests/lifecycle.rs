//! How the gateway starts, refuses to start, and stops; and what it says meanwhile.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;
use tests::config::{DRAIN, JSON_LOG, dc1, feed};
use tests::process::{Gateway, PATIENCE, run, until};
use tests::wire::{self, Backend, End, Refusing, connect, echo, read_exactly, read_to_end, send};
use tests::{failover_program, gateway, hello, http, peers, program};

const CLOSED: &str = "mesh_gateway_connections_closed_total";

/// Files of one test.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn add(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.path().join(name);
        fs::write(&file, text).unwrap();
        file
    }
}

fn mesh_gateway(words: &[&str], files: &[&Path]) -> Output {
    run(Command::new(program!()).args(words).args(files))
}

fn start(config: &str) -> Output {
    let files = Files::new();
    let file = files.add("gateway.toml", config);
    mesh_gateway(&["run", "--config"], &[&file])
}

fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// It did not start: this exit code, and nothing on stdout.
fn assert_not_started(output: &Output, code: i32) -> String {
    let said = said(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty(), "{said}");
    assert!(
        !said.lines().any(|line| line.starts_with("ready")),
        "{said}"
    );
    said
}

/// Five mistakes, on the lines 1, 4, 6, 8 and 9.
const MISTAKEN: &str = r#"datacentre = "dc1"
datacenter = "dc1"
[listen]
adress = "127.0.0.1:0"
[hello]
timeout = "5 parsecs"
[[service]]
name = "Currency"
endpoints = ["127.0.0.1"]
"#;

fn assert_all_mistakes(said: &str, file: &Path) {
    for line in [1, 4, 6, 8, 9] {
        let place = format!("{}:{line}", file.display());
        assert!(said.contains(&place), "{place} in {said}");
    }
    for word in ["datacentre", "adress", "parsecs", "Currency"] {
        assert!(said.contains(word), "{word} in {said}");
    }
}

#[test]
fn every_mistake_of_a_configuration_is_said_with_its_line_and_nothing_starts() {
    let files = Files::new();
    let file = files.add("gateway.toml", MISTAKEN);
    let output = mesh_gateway(&["run", "--config"], &[&file]);
    assert_all_mistakes(&assert_not_started(&output, 2), &file);
}

#[test]
fn check_says_the_routes_of_a_sound_file() {
    let files = Files::new();
    let config = dc1("", &["127.0.0.1:7000".parse().unwrap()], OTHER_DATACENTER);
    let file = files.add("gateway.toml", &config);
    let output = mesh_gateway(&["check"], &[&file]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let routes = String::from_utf8(output.stdout).unwrap();
    for wanted in ["currency.dc1", "127.0.0.1:7000", "*.dc2", "127.0.0.1:8444"] {
        assert!(routes.contains(wanted), "{wanted} in {routes}");
    }
}

const OTHER_DATACENTER: &str = "[[datacenter]]\nname = \"dc2\"\ngateways = [\"127.0.0.1:8444\"]\n";

#[test]
fn check_says_every_mistake_of_several_files() {
    let files = Files::new();
    let first = files.add("first.toml", MISTAKEN);
    let sound = files.add("sound.toml", &dc1("", &[([127, 0, 0, 1], 7000).into()], ""));
    let second = files.add("second.toml", MISTAKEN);
    let absent = files.0.path().join("absent.toml");
    let output = mesh_gateway(&["check"], &[&first, &sound, &second, &absent]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert_all_mistakes(&said, &first);
    assert_all_mistakes(&said, &second);
    assert!(said.contains("absent.toml"), "{said}");
    let routes = String::from_utf8(output.stdout).unwrap();
    assert!(routes.contains("sound.toml: ok"), "{routes}");
}

/// A workstation has not the directories of the machine that a file is for.
#[test]
fn check_only_warns_of_state_files_that_this_machine_cannot_keep_and_writes_none() {
    let files = Files::new();
    let state = |file: &str| format!("state_file = {:?}\n", Path::new(file));
    let here = files.0.path().join("here.state");
    let keys = [
        state("/nowhere/currency.state"),
        state(here.to_str().unwrap()),
    ];
    let config = |keys: &str| dc1("", &[any_endpoint()], keys);
    let [elsewhere, writable] = keys.each_ref().map(|keys| config(keys));
    let elsewhere = files.add("elsewhere.toml", &elsewhere);
    let writable = files.add("writable.toml", &writable);
    let ports = feed(&[any_endpoint()], &keys[0], "");
    let ports = files.add("ports.toml", &ports);
    let output = mesh_gateway(&["check"], &[&elsewhere, &writable, &ports]);
    let says = said(&output);
    assert_eq!(output.status.code(), Some(0), "{says}");
    let warned = |file: &Path| {
        let start = format!("warning: {}: the state file /nowhere/", file.display());
        says.lines().filter(|line| line.starts_with(&start)).count()
    };
    assert_eq!(
        [&elsewhere, &writable, &ports].map(|file| warned(file)),
        [1, 0, 1]
    );
    assert!(!here.exists());
    let own = run(Command::new(failover_program!()).arg("check").arg(&ports));
    assert_eq!(own.status.code(), Some(0));
    assert!(said(&own).starts_with(&format!("warning: {}", ports.display())));
    let output = mesh_gateway(&["run", "--config"], &[&elsewhere]);
    assert_not_started(&output, 1);
}

#[test]
fn a_missing_configuration_file_is_named() {
    let absent = Path::new("/nowhere/gateway.toml");
    let said = assert_not_started(&mesh_gateway(&["run", "--config"], &[absent]), 2);
    assert!(said.contains("/nowhere/gateway.toml"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn what_is_mistyped_on_the_command_line_is_a_mistake() {
    for words in [
        &["rnu"][..],
        &["run"],
        &["check"],
        &["run", "--confg", "x"],
        &[],
    ] {
        assert_not_started(&mesh_gateway(words, &[]), 2);
    }
}

/// A configuration that listens at `listen` and serves operators at `admin`.
fn at(listen: SocketAddr, admin: SocketAddr) -> String {
    format!(
        "datacenter = \"dc1\"\n[listen]\naddress = \"{listen}\"\n[admin]\naddress = \"{admin}\"\n\
         [[service]]\nname = \"currency\"\nendpoints = [\"127.0.0.1:7000\"]\n"
    )
}

fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// One sentence that names the address and what to do.
fn assert_taken(config: &str, address: SocketAddr) {
    let said = assert_not_started(&start(config), 1);
    assert_eq!(said.lines().count(), 1, "{said}");
    for wanted in [
        &format!("cannot listen on {address}"),
        "another process",
        "stop it",
        "choose",
    ] {
        assert!(said.contains(wanted), "{wanted} in {said}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let other = TcpListener::bind(any()).unwrap();
    let taken = other.local_addr().unwrap();
    assert_taken(&at(taken, any()), taken);
}

#[test]
fn a_port_that_another_process_shares_is_taken() {
    let other = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    other.set_reuse_address(true).unwrap();
    other.set_reuse_port(true).unwrap();
    other.bind(&any().into()).unwrap();
    other.listen(1).unwrap();
    let taken = other.local_addr().unwrap().as_socket().unwrap();
    assert_taken(&at(taken, any()), taken);
}

#[test]
fn a_port_of_another_gateway_is_taken() {
    let other = gateway!(dc1("", &[any_endpoint()], ""));
    assert_taken(&at(other.listen(), any()), other.listen());
    assert_eq!(other.get("/health/ready").status, 200);
}

fn any_endpoint() -> SocketAddr {
    "127.0.0.1:7000".parse().unwrap()
}

#[test]
fn an_admin_port_that_is_taken_is_named() {
    let other = TcpListener::bind(any()).unwrap();
    let taken = other.local_addr().unwrap();
    assert_taken(&at(any(), taken), taken);
}

#[test]
fn a_privileged_port_without_permission_is_named() {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if first.trim() == "0" {
        return peers::skip("every port may be bound here");
    }
    if !peers::are_here(&["setpriv"]) {
        return;
    }
    let files = Files::new();
    let privileged: SocketAddr = "127.0.0.1:1".parse().unwrap();
    let file = files.add("gateway.toml", &at(privileged, any()));
    let mut command = peers::command("setpriv");
    if rustix::process::geteuid().is_root() {
        command.args(["--bounding-set", "-net_bind_service"]);
        command.args(["--inh-caps", "-net_bind_service"]);
    }
    let output = run(command.arg(program!()).args(["run", "--config"]).arg(file));
    let said = assert_not_started(&output, 1);
    for wanted in ["cannot listen on 127.0.0.1:1", "CAP_NET_BIND_SERVICE"] {
        assert!(said.contains(wanted), "{wanted} in {said}");
    }
}

#[test]
fn more_connections_than_descriptors_allow_are_refused_at_the_start() {
    let limits = "[limits]\nconnections = 10000000\n";
    let said = assert_not_started(&start(&dc1("", &[any_endpoint()], limits)), 1);
    for wanted in [
        "10000000 connections at once",
        "limits.connections",
        "ulimit -n",
    ] {
        assert!(said.contains(wanted), "{wanted} in {said}");
    }
}

#[test]
fn more_workers_than_descriptors_allow_are_refused_at_the_start() {
    if !peers::are_here(&["prlimit"]) {
        return;
    }
    let files = Files::new();
    let many = format!("workers = 256\n{}", at(any(), any()));
    let file = files.add("gateway.toml", &many);
    let mut command = peers::command("prlimit");
    command.args(["--nofile=1024", program!(), "run", "--config"]);
    let said = assert_not_started(&run(command.arg(file)), 1);
    assert!(
        said.contains("descriptors, and the process may open 1024"),
        "{said}"
    );
}

#[test]
fn a_hangup_cuts_nobody() {
    let backend = Backend::default();
    let mut gateway = gateway!(dc1("", &[backend.address()], ""));
    let (mut client, mut upstream) = open_session(gateway.listen(), &backend);
    gateway.signal(Signal::HUP);
    gateway.line(|line| line.contains("the configuration was reloaded"));
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(read_to_end(&mut client), (b"answer".to_vec(), End::Fin));
    drop(client);
    assert!(gateway.stop().success());
}

#[test]
fn the_ready_line_has_every_listener_with_its_port_and_the_families_stand_beside_each_other() {
    let backend = Backend::default();
    let gateway = gateway!(format!(
        r#"datacenter = "dc1"
[[listen]]
name = "v4"
address = "127.0.0.1:0"
[[listen]]
name = "v6"
address = "[::1]:0"
[[listen]]
address = "127.0.0.1:0"
[admin]
address = "127.0.0.1:0"
{JSON_LOG}
[[service]]
name = "currency"
endpoints = ["{}"]
"#,
        backend.address()
    ));
    let names = ["v4", "v6", "listen-3"];
    assert!(gateway.address("v6").is_ipv6());
    for (index, name) in names.into_iter().enumerate() {
        assert_ne!(gateway.address(name).port(), 0);
        session(gateway.address(name), &backend);
        assert_eq!(gateway.ended(index + 1)[index]["listener"], name);
    }
    let listeners: Value = serde_json::from_str(&gateway.get("/listeners").body).unwrap();
    for (index, name) in names.into_iter().enumerate() {
        let address = gateway.address(name).to_string();
        let wanted = serde_json::json!({ "name": name, "address": address });
        assert_eq!(listeners[index], wanted);
    }
}

/// A session from its beginning to its end.
fn session(listener: SocketAddr, backend: &Backend) {
    let (mut client, mut upstream) = open_session(listener, backend);
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(read_to_end(&mut client), (b"answer".to_vec(), End::Fin));
}

/// A session whose hello has arrived.
fn open_session(listener: SocketAddr, backend: &Backend) -> (TcpStream, TcpStream) {
    let hello = hello::recorded("curl.bin");
    let client = send(listener, &hello);
    let mut upstream = backend.accept();
    assert_eq!(read_exactly(&mut upstream, hello.len()), hello);
    (client, upstream)
}

#[test]
fn without_sessions_it_stops_at_once() {
    let mut gateway = gateway!(dc1("", &[any_endpoint()], ""));
    let started = Instant::now();
    assert_eq!(gateway.stop().code(), Some(0));
    // Far below the deadline of 30 s.
    assert!(started.elapsed() < Duration::from_secs(3));
    gateway.line(|line| line.contains("draining sessions=0"));
}

#[test]
fn a_session_may_finish_before_the_deadline() {
    let backend = Backend::default();
    let mut gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
    let (mut client, mut upstream) = open_session(gateway.listen(), &backend);
    gateway.signal(Signal::TERM);
    gateway.line(|line| line.contains("\"draining\""));
    assert_eq!(gateway.get("/health/ready").status, 503);
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(read_to_end(&mut client), (b"answer".to_vec(), End::Fin));
    drop(client);
    assert_eq!(gateway.wait().code(), Some(0));
    assert_eq!(gateway.first_ended()["cause"], "done");
}

#[test]
fn no_connection_is_accepted_while_it_stops() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
    let _session = open_session(gateway.listen(), &backend);
    gateway.signal(Signal::TERM);
    gateway.line(|line| line.contains("\"draining\""));
    // The listeners are closed just after the line.
    until("connections are refused", || {
        TcpStream::connect_timeout(&gateway.listen(), PATIENCE).is_err()
    });
}

#[test]
fn a_second_signal_ends_it_at_once_and_a_session_that_is_cut_never_ends_with_fin() {
    let backend = Backend::default();
    let mut gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
    let (mut client, mut upstream) = open_session(gateway.listen(), &backend);
    let started = Instant::now();
    gateway.signal(Signal::TERM);
    gateway.line(|line| line.contains("\"draining\""));
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "it waited for the deadline"
    );
    assert_eq!(read_to_end(&mut client), (vec![], End::Reset));
    assert_eq!(read_to_end(&mut upstream), (vec![], End::Reset));
    let line = gateway.first_ended();
    assert_eq!(
        (&line["phase"], &line["cause"]),
        (&"relay".into(), &"drain".into())
    );
    gateway.line(|line| line.contains("resetting the sessions that are left"));
}

#[test]
fn what_waits_to_be_accepted_when_it_is_told_to_stop_is_served() {
    let mut gateway = gateway!(dc1("workers = 2", &[echo()], JSON_LOG));
    let hello = hello::recorded("curl.bin");
    gateway.signal(Signal::STOP);
    // The kernel accepts for it, up to the backlog.
    let connect = |_| send(gateway.listen(), &hello);
    let waiting: Vec<TcpStream> = (0..40).map(connect).collect();
    gateway.signal(Signal::TERM);
    gateway.signal(Signal::CONT);
    for mut client in waiting {
        assert_eq!(read_exactly(&mut client, hello.len()), hello);
    }
    assert_eq!(gateway.wait().code(), Some(0));
    let ended = gateway.ended(40);
    assert!(
        ended.iter().all(|line| line["cause"] == "done"),
        "{ended:?}"
    );
}

#[test]
fn what_waits_for_its_turn_when_it_is_told_to_stop_is_served() {
    let backend = Backend::default();
    let sections = format!("{JSON_LOG}[limits]\nconnections = 1\n");
    let mut gateway = gateway!(dc1("", &[backend.address()], &sections));
    let (first, upstream) = open_session(gateway.listen(), &backend);
    let hello = hello::recorded("curl.bin");
    let second = send(gateway.listen(), &hello);
    let pauses = "mesh_gateway_accept_pauses_total{reason=\"limit\"}";
    gateway.metric_until(pauses, |pauses| pauses == 1.0);
    gateway.signal(Signal::TERM);
    gateway.line(|line| line.contains("\"draining\""));
    drop((first, upstream));
    assert_eq!(read_exactly(&mut backend.accept(), hello.len()), hello);
    drop(second);
    assert_eq!(gateway.wait().code(), Some(0));
    assert_eq!(gateway.ended(2)[1]["cause"], "done");
}

#[test]
fn a_client_within_its_hello_is_reset_when_the_process_is_forced_to_end() {
    let backend = Backend::default();
    let mut gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
    let mut client = send(gateway.listen(), &hello::recorded("curl.bin")[..100]);
    until("it is served", || {
        gateway.total("mesh_gateway_connections_active") == 1.0
    });
    gateway.signal(Signal::TERM);
    gateway.line(|line| line.contains("\"draining\""));
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.wait().code(), Some(0));
    assert_eq!(read_to_end(&mut client), (vec![], End::Reset));
    let line = gateway.first_ended();
    assert_eq!(
        (&line["phase"], &line["cause"]),
        (&"hello".into(), &"drain".into())
    );
}

#[test]
fn a_session_that_does_not_finish_is_reset_at_the_deadline() {
    let backend = Backend::default();
    let config = dc1("", &[backend.address()], JSON_LOG);
    let mut gateway = gateway!(config.replace(DRAIN, "announce = \"0s\"\ndeadline = \"1s\""));
    let (mut client, mut upstream) = open_session(gateway.listen(), &backend);
    let started = Instant::now();
    assert_eq!(gateway.stop().code(), Some(0));
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(read_to_end(&mut client), (vec![], End::Reset));
    assert_eq!(read_to_end(&mut upstream), (vec![], End::Reset));
    assert_eq!(gateway.first_ended()["cause"], "drain");
    gateway.line(|line| line.contains("resetting the sessions") && line.contains("\"sessions\":1"));
}

#[test]
fn over_the_limit_a_connection_waits_until_another_has_ended() {
    let backend = Backend::default();
    let sections = format!("{JSON_LOG}[limits]\nconnections = 1\n");
    let gateway = gateway!(dc1("", &[backend.address()], &sections));
    let first = open_session(gateway.listen(), &backend);
    let hello = hello::recorded("curl.bin");
    let _second = send(gateway.listen(), &hello);
    let pauses = "mesh_gateway_accept_pauses_total{reason=\"limit\"}";
    gateway.metric_until(pauses, |pauses| pauses == 1.0);
    assert!(!backend.is_asked(), "two connections where one is allowed");
    drop(first);
    assert_eq!(read_exactly(&mut backend.accept(), hello.len()), hello);
    assert_eq!(gateway.metric(pauses), 1.0);
}

/// A refusal, a failure and a success, in this order, with this log.
fn three_outcomes(log: &str) -> Gateway {
    let (backend, dead) = (Backend::default(), Refusing::default());
    let orders = format!(
        "[[service]]\nname = \"orders\"\nendpoints = [\"{}\"]\n",
        dead.address()
    );
    let gateway = gateway!(dc1("", &[backend.address()], &format!("{orders}{log}")));
    for name in [&b"nobody.dc1"[..], b"orders.dc1"] {
        let mut client = send(gateway.listen(), &hello::named(name));
        assert_eq!(read_to_end(&mut client).1, End::Fin);
    }
    session(gateway.listen(), &backend);
    until("all have ended", || gateway.total(CLOSED) == 3.0);
    gateway
}

/// Whatever it was refused for.
#[test]
fn what_a_client_sent_is_counted_from_its_first_byte() {
    let dead = Refusing::default();
    let gateway = gateway!(dc1("", &[dead.address()], JSON_LOG));
    let part = &hello::recorded("curl.bin")[..100];
    let sent = [
        hello::named(b"nobody.dc1"),
        hello::named(b"currency.dc1"),
        b"GET / HTTP/1.0\r\n\r\n".to_vec(),
    ];
    for (nth, bytes) in sent.iter().enumerate() {
        read_to_end(&mut send(gateway.listen(), bytes));
        assert_eq!(gateway.ended(nth + 1)[nth]["from_client"], bytes.len());
    }
    let client = send(gateway.listen(), part);
    until("it is seen", || {
        let open: Value = serde_json::from_str(&gateway.get("/connections").body).unwrap();
        open["connections"][0]["from_client_bytes"] == part.len()
    });
    drop(client);
    assert_eq!(gateway.ended(4)[3]["from_client"], part.len());
    // Nothing was passed on.
    assert_eq!(gateway.total("mesh_gateway_relayed_bytes_total"), 0.0);
}

/// What is logged of connections once the process has ended.
fn reasons(mut gateway: Gateway) -> Vec<Value> {
    gateway.stop();
    gateway.line(|line| line.contains("\"draining\""));
    let lines = gateway.lines();
    let objects = lines
        .iter()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    objects
        .filter(|it| it["target"] == "connection")
        .map(|it| it["reason"].clone())
        .filter(|it| !it.is_null())
        .collect()
}

#[test]
fn the_log_has_all_connections_or_failures_or_none() {
    let log = |connections: &str| {
        reasons(three_outcomes(&format!(
            "[log]\nformat = \"json\"\nconnections = \"{connections}\"\n"
        )))
    };
    let mut all: Vec<String> = log("all").iter().map(ToString::to_string).collect();
    all.sort();
    assert_eq!(all, [r#""done""#, r#""unknown_name""#, r#""unreachable""#]);
    let mut failures: Vec<String> = log("failures").iter().map(ToString::to_string).collect();
    failures.sort();
    assert_eq!(failures, [r#""unknown_name""#, r#""unreachable""#]);
    assert_eq!(log("off"), [Value::Null; 0]);
}

#[test]
fn every_line_of_a_json_log_is_an_object_and_says_all_of_a_connection() {
    let backend = Backend::default();
    let mut gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
    session(gateway.listen(), &backend);
    let line = gateway.first_ended();
    let hello = hello::recorded("curl.bin");
    for (field, wanted) in [
        ("level", Value::from("INFO")),
        ("listener", "listen".into()),
        ("sni", "currency.dc1".into()),
        ("tls", "1.3".into()),
        ("alpn", "h2,http/1.1".into()),
        ("kind", "service".into()),
        ("route", "currency".into()),
        ("endpoint", backend.address().to_string().into()),
        ("upstream", backend.address().to_string().into()),
        ("phase", "relay".into()),
        ("cause", "done".into()),
        ("from_client", hello.len().into()),
        ("from_upstream", "answer".len().into()),
    ] {
        assert_eq!(line[field], wanted, "{field} in {line}");
    }
    for field in ["timestamp", "id", "client"] {
        assert!(line[field].is_string(), "{field} in {line}");
    }
    for field in ["hello_ms", "dial_ms", "duration_ms"] {
        assert!(line[field].is_f64(), "{field} in {line}");
    }
    gateway.stop();
    gateway.line(|line| line.contains("\"draining\""));
    for line in gateway.lines() {
        let is_object = serde_json::from_str::<Value>(&line).is_ok_and(|line| line.is_object());
        assert!(is_object || line.starts_with("ready "), "{line}");
    }
}

/// A gateway whose log nobody reads after the `ready` line.
struct Unread {
    child: Child,
    listen: SocketAddr,
    admin: SocketAddr,
    _stderr: BufReader<std::process::ChildStderr>,
}

impl Unread {
    fn start(config: &str) -> Self {
        let files = Files::new();
        let file = files.add("gateway.toml", config);
        let mut command = Command::new(program!());
        let command = command.args(["run", "--config"]).arg(file);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut ready = String::new();
        stderr.read_line(&mut ready).unwrap();
        let address = |name: &str| {
            let mut words = ready.trim().split(' ');
            words
                .find_map(|word| word.strip_prefix(name)?.parse().ok())
                .unwrap()
        };
        let (listen, admin) = (address("listen="), address("admin="));
        Self {
            child,
            listen,
            admin,
            _stderr: stderr,
        }
    }

    fn lines_lost(&self) -> f64 {
        let metrics = http::get(self.admin, "/metrics").body;
        let lost = metrics
            .lines()
            .find_map(|line| line.strip_prefix("mesh_gateway_log_lines_lost_total "));
        lost.unwrap().parse().unwrap()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_log_that_nobody_reads_stops_no_connection_and_not_the_end() {
    let mut gateway = Unread::start(&dc1("", &[echo()], JSON_LOG));
    // More lines than the pipe and the queue take: from here on each one is lost.
    until("a line is lost", || {
        (0..1000).for_each(|_| wire::reset(connect(gateway.listen)));
        gateway.lines_lost() >= 1.0
    });
    let hello = hello::recorded("curl.bin");
    let mut client = send(gateway.listen, &hello);
    assert_eq!(read_exactly(&mut client, hello.len()), hello);
    drop(client);
    let pid = rustix::process::Pid::from_child(&gateway.child);
    let stopped = Instant::now();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(gateway.child.wait().unwrap().code(), Some(0));
    assert!(stopped.elapsed() < Duration::from_secs(10));
}
