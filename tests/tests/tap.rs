//! Connections as they open and close, as operators watch them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use serde_json::Value;
use socket2::{Domain, Socket, Type};
use tests::config::dc1;
use tests::events::Events;
use tests::process::{PATIENCE, Program, run, until};
use tests::wire::{Backend, read_exactly, read_to_end, send};
use tests::{gateway, hello, http, program};

/// A session whose hello has arrived, and ends in order.
fn session(gateway: &Program, backend: &Backend) {
    let hello = hello::named(b"currency.dc1");
    let mut client = send(gateway.listen(), &hello);
    let mut upstream = backend.accept();
    assert_eq!(read_exactly(&mut upstream, hello.len()), hello);
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(read_to_end(&mut client).0, b"answer");
}

/// One whose name leads nowhere.
fn refused(gateway: &Program, name: &[u8]) {
    let mut client = send(gateway.listen(), &hello::named(name));
    assert!(!read_to_end(&mut client).0.is_empty());
}

#[test]
fn a_connection_is_seen_when_it_opens_and_when_it_ends_with_what_was_decided() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let tap = Events::at(&gateway, "/tap");
    session(&gateway, &backend);
    let (open, close) = (tap.nth("open", 0), tap.nth("close", 0));
    let endpoint = backend.address().to_string();
    for event in [&open, &close] {
        for (field, wanted) in [
            ("sni", "currency.dc1"),
            ("rule", "exact"),
            ("kind", "service"),
            ("route", "currency"),
            ("endpoint", &endpoint),
            ("upstream", &endpoint),
            ("listener", "listen"),
        ] {
            assert_eq!(event[field], wanted, "{field} of {event}");
        }
    }
    assert_eq!(open["id"], close["id"]);
    assert!(
        open["cause"].is_null() && open["hello_ms"].is_number(),
        "{open}"
    );
    for (field, wanted) in [("phase", "relay"), ("cause", "done"), ("reason", "done")] {
        assert_eq!(close[field], wanted, "{close}");
    }
    assert_eq!(close["from_upstream"], 6);
    assert!(
        close["duration_ms"].as_f64() >= open["dial_ms"].as_f64(),
        "{open} {close}"
    );
    refused(&gateway, b"nobody.dc1");
    let close = tap.nth("close", 1);
    assert_eq!(close["reason"], "unknown_name");
    assert!(
        close["route"].is_null() && close["error"].is_string(),
        "{close}"
    );
    assert_eq!(tap.named("open").len(), 1);
    // Whoever follows transitions is told of none of it.
    let events = Events::of(&gateway);
    refused(&gateway, b"nobody.dc1");
    tap.nth("close", 2);
    gateway.post("/pools/currency/failover?kind=service");
    assert_eq!(
        events.all(|it| it["event"] == "open" || it["event"] == "close"),
        Vec::<Value>::new()
    );
}

#[test]
fn only_what_is_asked_for_is_shown() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let named = Events::at(&gateway, "/tap?name=*.DC2");
    let failed = Events::at(&gateway, "/tap?outcome=policy");
    let others = Events::at(&gateway, "/tap?source=192.0.2.0/24");
    let both = Events::at(
        &gateway,
        "/tap?name=nobody.*&outcome=unknown_name&source=127.0.0.1",
    );
    let all = Events::at(&gateway, "/tap");
    session(&gateway, &backend);
    refused(&gateway, b"nobody.dc1");
    // Each worker tells of its own: another connection's end may come before this one's.
    failed.nth("close", 0);
    refused(&gateway, b"nobody.dc2");
    all.nth("close", 2);
    let names = |events: &Events| -> Vec<String> {
        let all = events.all(|_| true);
        all.iter()
            .map(|it| it["sni"].as_str().unwrap().to_owned())
            .collect()
    };
    both.nth("close", 1);
    named.nth("close", 0);
    failed.nth("close", 1);
    assert_eq!(names(&named), ["nobody.dc2"]);
    assert_eq!(names(&failed), ["nobody.dc1", "nobody.dc2"]);
    assert_eq!(names(&both), ["nobody.dc1", "nobody.dc2"]);
    assert_eq!(names(&others), Vec::<String>::new());
    for (path, why) in [
        ("/tap?source=here", "neither an address nor a network"),
        ("/tap?source=10.0.0.1/8", "10.0.0.0/8"),
        ("/tap?outcome=No", "no phase, cause or reason"),
        ("/tap?outcome=nonsense", "no phase, cause or reason"),
        ("/tap?name=", "an empty glob"),
        (
            "/tap?bogus=1",
            "unknown field `bogus`, expected one of `name`, `source`, `outcome`",
        ),
    ] {
        let answer = gateway.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains(why), "{}", answer.body);
    }
}

#[test]
fn the_ninth_watcher_is_told_that_there_are_too_many() {
    let gateway = gateway!(dc1("", &["127.0.0.1:7000".parse().unwrap()], ""));
    let mut watching: Vec<TcpStream> = (0..8).map(|_| watch(&gateway, None)).collect();
    let answer = gateway.get("/tap");
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("8 watch"), "{}", answer.body);
    // Whoever asks for something else has a place.
    assert_eq!(gateway.get("/status").status, 200);
    watching.pop();
    until("the place is free", || {
        let mut stream = TcpStream::connect(gateway.address("admin")).unwrap();
        status_of(&mut stream, &gateway) == 200
    });
}

/// A stream whose head was read, and nothing else: with a receive buffer of this size.
fn watch(gateway: &Program, buffer: Option<usize>) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes).unwrap();
    }
    socket.connect(&gateway.address("admin").into()).unwrap();
    let mut stream: TcpStream = socket.into();
    assert_eq!(status_of(&mut stream, gateway), 200);
    stream
}

fn status_of(stream: &mut TcpStream, gateway: &Program) -> u16 {
    let admin = gateway.address("admin");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let ask = format!("GET /tap HTTP/1.0\r\nHost: {admin}\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

/// How many connections come and go while it does not read: more than its ring and its sockets
/// hold.
const UNREAD: usize = 40_000;
const AT_ONCE: usize = 4;

#[test]
fn a_watcher_that_does_not_read_slows_nobody_and_learns_how_much_it_lost() {
    let config = dc1("", &["127.0.0.1:7000".parse().unwrap()], "");
    let gateway = gateway!(config.replacen("[listen]", "[listen]\ndeny = [\"127.0.0.0/8\"]", 1));
    let stuck = watch(&gateway, Some(4096));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| come_and_go(gateway.listen(), UNREAD / AT_ONCE));
        }
    });
    // All have been served, and counted, with nobody reading.
    let denied = r#"mesh_gateway_refusals_total{reason="listener_denied"}"#;
    gateway.metric_until(denied, |count| count == UNREAD as f64);
    let (mut seen, mut dropped) = (0, 0);
    for line in BufReader::new(stuck).lines() {
        let line = line.unwrap();
        let Some(event) = line.strip_prefix("data:") else {
            continue;
        };
        let event: Value = serde_json::from_str(event).unwrap();
        match event["event"].as_str().unwrap() {
            "dropped" => dropped += event["dropped"].as_u64().unwrap() as usize,
            _ => seen += 1,
        }
        if seen + dropped == UNREAD {
            break;
        }
    }
    assert!(dropped > 0 && seen > 0, "{seen} seen, {dropped} dropped");
}

fn come_and_go(gateway: SocketAddr, times: usize) {
    for _ in 0..times {
        // It may be reset before this side knows that it is connected: it has come and gone.
        let Ok(mut client) = TcpStream::connect(gateway) else {
            continue;
        };
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = client.read(&mut [0]);
    }
}

fn tap(gateway: &Program, words: &[&str]) -> Command {
    let mut command = Command::new(program!());
    command.arg("tap").args(words);
    command.args(["--admin", &gateway.address("admin").to_string()]);
    command
}

#[test]
fn the_command_prints_what_passes() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let printed = |words: &[&str]| {
        let mut command = tap(&gateway, words);
        std::thread::scope(|scope| {
            let printing = scope.spawn(move || run(&mut command));
            // Nobody says when it has begun: there is something to see until it has seen it.
            while !printing.is_finished() {
                session(&gateway, &backend);
                refused(&gateway, b"no\x1b[2Jbody.dc1");
            }
            printing.join().unwrap()
        })
    };
    let output = printed(&["--name", "currency.*", "-c", "2"]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let wanted = format!("exact: service currency → {}", backend.address());
    assert!(
        said.lines().count() == 2 && said.contains(&wanted),
        "{said}"
    );
    let output = printed(&["--json", "--outcome", "malformed_name", "-c", "1"]);
    let event: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(event["sni"], r"no\x1b[2Jbody.dc1");
    assert_eq!(
        (&event["event"], &event["cause"]),
        (&"close".into(), &"policy".into())
    );
    let mistyped = run(&mut tap(&gateway, &["--source", "nowhere"]));
    assert_eq!(mistyped.status.code(), Some(2), "{mistyped:?}");
    let said = String::from_utf8(mistyped.stderr).unwrap();
    assert!(said.starts_with("source: \"nowhere\" is neither"), "{said}");
}

#[test]
fn without_the_token_nobody_watches() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "a-very-secret-token-0123456789").unwrap();
    let config = dc1("", &["127.0.0.1:7000".parse().unwrap()], "");
    let with_token = format!("[admin]\ntoken_file = {:?}", token.path());
    let gateway = gateway!(config.replace("[admin]", &with_token));
    assert_eq!(http::get(gateway.address("admin"), "/tap").status, 401);
}

/// The fields of events are those that docs/interfaces.md names.
#[test]
fn every_field_is_documented() {
    let text = include_str!("../../docs/interfaces.md");
    let section = text
        .split("\n### Connections as they open and close")
        .nth(1);
    let section = section.unwrap().split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let fields = rows.flat_map(|row| row.split('|').nth(1).unwrap().split(','));
    let documented: BTreeSet<&str> = fields.map(|it| it.trim().trim_matches('`')).collect();
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let tap = Events::at(&gateway, "/tap");
    session(&gateway, &backend);
    refused(&gateway, b"nobody.dc1");
    tap.nth("close", 1);
    for event in tap.all(|_| true) {
        for key in event.as_object().unwrap().keys() {
            assert!(documented.contains(&**key), "{key} in {event}");
        }
    }
}
