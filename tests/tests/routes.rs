//! `routes`: what would happen to a name, as the running process and as a file say it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::{Command, Output};

use serde_json::Value;
use tests::config::dc1;
use tests::process::{Program, run};
use tests::wire::{read_to_end, send};
use tests::{gateway, hello, program};

fn routes(words: &[&str]) -> Output {
    run(Command::new(program!()).arg("routes").args(words))
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn config() -> String {
    let sections = "[[datacenter]]\nname = \"dc2\"\ngateways = [\"127.0.0.1:1\"]\ncheck = \"none\"\n\
                    [[service]]\nname = \"closed\"\nendpoints = [\"127.0.0.1:7001\"]\n\
                    allow = [\"192.0.2.0/24\"]\ncheck = \"none\"";
    dc1("", &["127.0.0.1:7000".parse().unwrap()], sections)
}

fn asked(gateway: &Program, words: &[&str]) -> String {
    let admin = gateway.address("admin").to_string();
    said(&routes(&[words, &["--admin", &admin]].concat()))
}

#[test]
fn the_process_and_its_file_say_the_same() {
    let gateway = gateway!(config());
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config()).unwrap();
    let file = file.path().to_str().unwrap();
    for (name, words) in [
        ("CURRENCY.dc1.", &["CURRENCY.dc1."][..]),
        ("anything.dc2", &["anything.dc2"]),
        ("nobody.dc1", &["nobody.dc1", "--from", "10.0.0.1"]),
        ("none", &["--nameless"]),
        ("closed.dc1", &["closed.dc1", "--peer"]),
        ("malformed", &["a..b"]),
    ] {
        let json = |output: String| -> Value { serde_json::from_str(&output).unwrap() };
        let running = asked(&gateway, &[words, &["--json"]].concat());
        let mut running = json(running);
        for way in running["endpoints"].as_array_mut().unwrap() {
            // What only a process knows.
            assert!(way["active"].is_boolean(), "{way}");
            (way["active"], way["state"]) = (Value::Null, Value::Null);
        }
        let filed = said(&routes(&[words, &["--json", "--config", file]].concat()));
        assert_eq!(running, json(filed), "{name}");
    }
    let text = asked(&gateway, &["CURRENCY.dc1."]);
    assert!(
        text.ends_with("passed on to the service currency\n* primary   127.0.0.1:7000  up\n"),
        "{text}"
    );
    let text = asked(&gateway, &["closed.dc1"]);
    assert!(text.contains("\ndepends on who asks"), "{text}");
    let all = asked(&gateway, &[]);
    assert!(
        all.contains("  currency.dc1  service currency: 127.0.0.1:7000\n"),
        "{all}"
    );
    let listed = said(&routes(&["--config", file]));
    assert!(listed.contains("ok; routes of dc1"), "{listed}");
}

/// What is explained is what happens.
#[test]
fn refusals_come_as_they_are_explained() {
    let gateway = gateway!(config());
    for (name, alert) in [("nobody.dc1", 112), ("closed.dc1", 49), ("a..b", 112)] {
        let text = asked(&gateway, &[name, "--from", "127.0.0.1"]);
        assert!(text.contains(&format!("TLS alert {alert} (")), "{text}");
        let mut client = send(gateway.listen(), &hello::named(name.as_bytes()));
        assert_eq!(read_to_end(&mut client).0[6], alert, "{name}");
    }
}

#[test]
fn questions_that_mean_nothing_are_refused() {
    let gateway = gateway!(config());
    for (path, why) in [
        ("/routes?name=a&nameless=true", "ask for one of them"),
        ("/routes?from=10.0.0.1", "add name, or nameless=true"),
        ("/routes?name=a&from=here", "is no address"),
        (
            "/routes?bogus=1",
            "expected one of `name`, `nameless`, `from`, `peer`",
        ),
    ] {
        let answer = gateway.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains(why), "{}", answer.body);
    }
    let empty = asked(&gateway, &[""]);
    assert!(
        empty.starts_with("\"\" (an empty server name; --nameless "),
        "{empty}"
    );
    let peers = asked(&gateway, &["--peer"]);
    assert!(peers.contains("no listener has a peer_address"), "{peers}");
    let output = routes(&["--from", "10.0.0.1"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_file_with_a_mistake_is_a_mistake() {
    let output = routes(&["currency.dc1", "--config", "/nowhere/gateway.toml"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        String::from_utf8(output.stderr)
            .unwrap()
            .starts_with("/nowhere/gateway.toml")
    );
}
