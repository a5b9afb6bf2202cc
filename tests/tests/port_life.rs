//! A local port that is told to read its file again, and one that is told to go.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tests::config::{FAST_CHECK, feed};
use tests::process::{Program, run, until};
use tests::wire::{Backend, End, connect, echo, echoes, listen_to, read_to_end, send, try_connect};
use tests::{failover, failover_program};

const GENERATION: &str = "l4_failover_generation";

/// A port in front of this endpoint, `keys` in place of the section that says how it drains.
fn draining(endpoint: SocketAddr, keys: &str) -> Program {
    let text = feed(&[endpoint], "", "");
    failover!(text.replace("announce = \"0s\"", keys))
}

/// Another port.
fn another(name: &str, listen: &str, primary: SocketAddr) -> String {
    format!("[[port]]\nname = \"{name}\"\nlisten = \"{listen}\"\nprimary = [\"{primary}\"]\n")
}

fn reload(port: &Program, config: &str) {
    let before = port.metric(GENERATION);
    port.rewrite(config);
    port.signal(Signal::HUP);
    port.metric_until(GENERATION, |generation| generation > before);
}

/// Why the file as it is now is not loaded.
fn refusal(port: &Program, config: &str) -> String {
    let before = port.metric(GENERATION);
    port.rewrite(config);
    let answer = port.post("/reload");
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert_eq!(port.metric(GENERATION), before);
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    said["error"].as_str().unwrap().to_owned()
}

/// The addresses of the ports, by name.
fn listeners(port: &Program) -> Vec<(String, SocketAddr)> {
    let all: Vec<Value> = serde_json::from_str(&port.get("/listeners").body).unwrap();
    let one = |it: &Value| {
        let word = |key: &str| it[key].as_str().unwrap().to_owned();
        (word("name"), word("address").parse().unwrap())
    };
    all.iter().map(one).collect()
}

fn session(address: SocketAddr) -> TcpStream {
    let mut client = connect(address);
    assert!(echoes(&mut client, b"hello"));
    client
}

#[test]
fn fifty_reloads_under_load_are_noticed_by_nobody() {
    let (primary, backups) = (echo(), [echo(), echo()]);
    let config = |nth: usize| feed(&[primary, backups[nth % 2]], FAST_CHECK, "");
    let port = failover!(config(0));
    let address = port.address("feed");
    let mut held = session(address);
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                while !done.load(Relaxed) {
                    session(address);
                    asked.fetch_add(1, Relaxed);
                }
            });
        }
        for nth in 1..=50 {
            let before = asked.load(Relaxed);
            reload(&port, &config(nth));
            until("somebody asks", || asked.load(Relaxed) > before);
            assert!(echoes(&mut held, b"still there"));
        }
        done.store(true, Relaxed);
    });
    assert_eq!(port.metric(GENERATION), 50.0);
    let ended = port.series("l4_failover_connections_closed_total");
    let done = r#"cause="done",phase="relay",port="feed""#;
    assert_eq!(ended.keys().collect::<Vec<_>>(), [done]);
    assert_eq!(
        port.metric(r#"l4_failover_connections_active{port="feed"}"#),
        1.0
    );
}

#[test]
fn ports_come_and_go_and_their_sessions_stay() {
    let (first, second) = (echo(), echo());
    let alone = feed(&[first], "", "");
    let port = failover!(alone);
    let mut held = session(port.address("feed"));
    reload(
        &port,
        &feed(&[first], "", &another("more", "127.0.0.1:0", second)),
    );
    let both = listeners(&port);
    assert_eq!(both[0], ("feed".to_owned(), port.address("feed")));
    assert_eq!(both[1].0, "more");
    let mut more = session(both[1].1);
    reload(&port, &alone);
    assert_eq!(listeners(&port), both[..1]);
    until("nobody accepts there", || {
        TcpStream::connect(both[1].1).is_err()
    });
    assert!(echoes(&mut more, b"still there") && echoes(&mut held, b"still there"));
}

#[test]
fn an_address_keeps_its_sockets_under_another_name_and_in_front_of_others() {
    let (first, second) = (echo(), Backend::default());
    // No other test has this address: it is made of the process's id, and no kernel chooses it.
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = SocketAddr::from(([127, 101, high, low], 7100));
    let listen = address.to_string();
    let port = failover!(feed(&[first], "", &another("old", &listen, first)));
    let mut held = session(address);
    reload(
        &port,
        &feed(&[first], "", &another("new", &listen, second.address())),
    );
    let _client = send(address, b"hello");
    second.accept_asking(b"hello");
    assert!(echoes(&mut held, b"still there"));
    assert_eq!(listeners(&port)[1], ("new".to_owned(), address));
}

/// Each has somebody in its queue, for whom there is no place: none is closed by itself in time.
#[test]
fn ports_that_go_are_closed_at_once_and_not_one_after_the_other() {
    let primary = echo();
    let limits = "[limits]\nconnections = 1\n";
    let more = (0..8).map(|nth| another(&format!("more-{nth}"), "127.0.0.1:0", primary));
    let port = failover!(feed(
        &[primary],
        "",
        &(limits.to_owned() + &more.collect::<String>())
    ));
    let _held = session(port.address("feed"));
    let _queued: Vec<_> = listeners(&port)[1..]
        .iter()
        .map(|(_, address)| connect(*address))
        .collect();
    // Each of its workers would wait a second for each of them.
    let asked = Instant::now();
    reload(&port, &feed(&[primary], "", limits));
    port.line(|line| line.contains("the configuration was reloaded"));
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn operators_see_the_configuration_that_is_in_force_and_since_when() {
    let endpoint = echo();
    let text = feed(&[endpoint], "", "");
    let port = failover!(format!("workers = 2\n{text}"));
    let dump = || -> Value { serde_json::from_str(&port.get("/config_dump").body).unwrap() };
    let now = dump();
    assert_eq!(now["generation"], 0);
    assert!(now["loaded"].is_string() && now["file"].is_string());
    for (path, wanted) in [
        ("workers", 2.into()),
        ("drain.announce", "0s".into()),
        ("port[0].name", "feed".into()),
        ("port[0].primary", serde_json::json!([endpoint.to_string()])),
        ("port[0].check.type", "tcp".into()),
        ("port[0].check.interval", "5s".into()),
        ("port[0].check.fall", 3.into()),
    ] {
        assert_eq!(now["config"][path], wanted, "{path} in {now}");
    }
    let info = || -> Value { serde_json::from_str(&port.get("/server_info").body).unwrap() };
    let loaded = info()["loaded_unix_seconds"].as_u64().unwrap();
    assert!(loaded >= info()["started_unix_seconds"].as_u64().unwrap());
    // What is refused is not in force.
    refusal(&port, &format!("workers = 3\n{text}"));
    assert_eq!(dump(), now);
    let check = feed(&[endpoint], "check = { type = \"none\", fall = 2 }", "");
    reload(&port, &format!("workers = 2\n{check}"));
    let then = dump();
    assert_eq!(then["generation"], 1);
    assert_eq!(then["config"]["port[0].check"], Value::Null);
    assert!(info()["loaded_unix_seconds"].as_u64().unwrap() >= loaded);
    let flags = ["--listen", "127.0.0.1:0", "--primary", "127.0.0.1:1"];
    let mut command = Command::new(failover_program!());
    let command = command.args(flags).args(["--admin", "127.0.0.1:0"]);
    assert_eq!(Program::spawn(command).get("/config_dump").status, 404);
}

#[test]
fn a_file_with_mistakes_is_refused_whole_and_so_is_what_takes_a_restart() {
    let (first, second) = (echo(), echo());
    let port = failover!(feed(&[first], "", ""));
    let changed = feed(&[second], "", "");
    let mistaken = changed.replace("announce = \"0s\"", "anounce = \"0s\"");
    let mistaken = mistaken.replace("name = \"feed\"", "name = \"Feed\"");
    let said = refusal(&port, &mistaken);
    for mistake in [
        "config.toml:4: drain.anounce",
        "did you mean \"announce\"",
        "config.toml:8: ",
    ] {
        assert!(said.contains(mistake), "{mistake} in {said}");
    }
    port.line(|line| line.contains("the old one stays") && line.contains("drain.anounce"));
    let said = refusal(
        &port,
        &format!("workers = 1\n{changed}\n[relay]\nlinger = \"5s\"\n"),
    );
    assert_eq!(said, "a change of workers, [relay] takes a restart");
    let said = refusal(
        &port,
        &changed.replace("[admin]\naddress = \"127.0.0.1:0\"\n", ""),
    );
    assert_eq!(said, "a change of [admin] takes a restart");
    let said = refusal(
        &port,
        &format!("{changed}{}", another("more", &first.to_string(), second)),
    );
    assert!(
        said.contains(&format!("cannot listen on {first}")),
        "{said}"
    );
    // Nothing of any of them has come to be.
    assert_eq!(
        listeners(&port),
        [("feed".to_owned(), port.address("feed"))]
    );
    let clusters = port.get("/clusters").body;
    assert!(clusters.contains(&first.to_string()) && !clusters.contains(&second.to_string()));
    port.rewrite(&changed);
    assert_eq!(port.post("/reload").status, 200);
    assert!(port.get("/clusters").body.contains(&second.to_string()));
}

#[test]
fn a_restart_forgets_neither_who_is_active_nor_since_when_and_why() {
    let (primary, backup) = (echo(), echo());
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("feed.state");
    let keys = format!("state_file = {file:?}");
    let start = || failover!(feed(&[primary, backup], &keys, ""));
    let last_move = |port: &Program| {
        let clusters: Value = serde_json::from_str(&port.get("/clusters").body).unwrap();
        let feed = &clusters["pools"][0];
        assert_eq!(feed["active_tier"], 1);
        assert_eq!(feed["held"], true);
        feed["last_move"].clone()
    };
    let mut port = start();
    assert_eq!(port.post("/pools/feed/failover").status, 200);
    let before = last_move(&port);
    assert!(port.stop().success());
    let port = start();
    assert_eq!(last_move(&port), before);
    let admin = port.address("admin").to_string();
    let output = run(Command::new(failover_program!()).args(["status", "--admin", &admin]));
    let said = String::from_utf8(output.stdout).unwrap();
    let why = format!("why       failover from {primary}: operator");
    assert!(said.contains(&why), "{said}");
}

#[test]
fn a_process_that_drains_says_so_and_still_takes_who_comes() {
    let mut port = draining(echo(), "announce = \"10m\"");
    assert_eq!(port.get("/health/ready").status, 200);
    let mut held = session(port.address("feed"));
    port.signal(Signal::TERM);
    until("it is not ready", || {
        port.get("/health/ready").status == 503
    });
    assert_eq!(port.get("/health/live").status, 200);
    drop(session(port.address("feed")));
    assert_eq!(port.first_ended()["cause"], "done");
    assert_eq!(port.post("/reload").status, 409);
    // The second signal ends it at once.
    port.signal(Signal::INT);
    assert_eq!(read_to_end(&mut held).1, End::Reset);
    assert!(port.wait().success());
    assert_eq!(port.ended(2)[1]["cause"], "drain");
}

#[test]
fn sessions_finish_while_nobody_comes_any_more() {
    let mut port = draining(echo(), "announce = \"0s\"\ndeadline = \"10m\"");
    let address = port.address("feed");
    let mut held = session(address);
    assert_eq!(port.post("/drain").status, 202);
    until("nobody is taken", || TcpStream::connect(address).is_err());
    // A supervisor's signal only says the same.
    port.signal(Signal::TERM);
    port.line(|line| line.contains("another signal ends it at once"));
    assert!(echoes(&mut held, b"still there"));
    drop(held);
    assert!(port.wait().success());
    assert_eq!(port.first_ended()["cause"], "done");
}

#[test]
fn sessions_that_do_not_finish_are_reset_at_the_deadline_and_counted() {
    let mut port = draining(echo(), "announce = \"0s\"\ndeadline = \"50ms\"");
    let mut held = [session(port.address("feed")), session(port.address("feed"))];
    port.signal(Signal::TERM);
    for session in &mut held {
        assert_eq!(read_to_end(session).1, End::Reset);
    }
    assert!(port.wait().success());
    port.line(|line| line.contains("resetting the sessions") && line.contains("\"sessions\":2"));
    assert_eq!(port.first_ended()["cause"], "drain");
}

/// Taken out of the file and put back, a port counts the sessions that it had.
#[test]
fn a_port_that_comes_back_has_its_old_sessions() {
    let (first, second) = (echo(), echo());
    let alone = feed(&[first], "", "");
    let full = format!("[\"{second}\"]");
    let limited = format!("[{{ address = \"{second}\", max_connections = 1 }}]");
    let both = alone.clone() + &another("more", "127.0.0.1:0", second).replace(&full, &limited);
    let port = failover!(both);
    let mut held = session(port.address("more"));
    reload(&port, &alone);
    reload(&port, &both);
    let all = listeners(&port);
    let (_, more) = all.iter().find(|(name, _)| name == "more").unwrap();
    assert_eq!(listen_to(*more), (vec![], End::Reset));
    assert!(echoes(&mut held, b"still there"));
    drop(held);
    until("there is a place again", || {
        let answer = try_connect(*more).and_then(|mut client| {
            client.write_all(b"hello")?;
            client.read_exact(&mut [0; 5])
        });
        answer.is_ok()
    });
}
