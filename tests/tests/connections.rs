//! The open connections, as operators see them and end them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::TcpStream;
use std::process::Command;

use serde_json::Value;
use tests::config::{JSON_LOG, dc1, feed};
use tests::process::{Program, run, until};
use tests::wire::{Backend, End, connect, read_exactly, read_to_end, send};
use tests::{failover, gateway, hello, program};

fn shown(program: &Program, path: &str) -> Value {
    let answer = program.get(path);
    assert_eq!(answer.status, 200, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

/// The only connection, once there is one that has come so far.
fn the_one(program: &Program, phase: &str) -> Value {
    let all = || shown(program, "/connections")["connections"].clone();
    until("it has come so far", || all()[0]["phase"] == phase);
    all()[0].clone()
}

fn end(program: &Program, connection: &Value) {
    let id = connection["id"].as_str().unwrap();
    let answer = program.post(&format!("/connections/{id}/end"));
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert!(answer.body.contains(id), "{}", answer.body);
}

fn assert_ended_by_operator(program: &Program, phase: &str) {
    let line = program.first_ended();
    for (field, wanted) in [
        ("phase", phase),
        ("cause", "operator"),
        ("reason", "operator"),
    ] {
        assert_eq!(line[field], wanted, "{line}");
    }
}

/// A session whose hello has arrived.
fn session(gateway: &Program, backend: &Backend) -> (TcpStream, TcpStream) {
    let hello = hello::named(b"currency.dc1");
    let client = send(gateway.listen(), &hello);
    let mut upstream = backend.accept();
    assert_eq!(read_exactly(&mut upstream, hello.len()), hello);
    (client, upstream)
}

#[test]
fn a_session_is_shown_and_ended_by_its_id_on_both_sides() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
    let (mut client, mut upstream) = session(&gateway, &backend);
    let one = the_one(&gateway, "relay");
    let endpoint = backend.address().to_string();
    let address = client.local_addr().unwrap().to_string();
    for (field, wanted) in [
        ("listener", "listen"),
        ("client", &address),
        ("sni", "currency.dc1"),
        ("route", "currency"),
        ("kind", "service"),
        ("endpoint", &endpoint),
    ] {
        assert_eq!(one[field], wanted, "{field} in {one}");
    }
    assert!(one["from_client_bytes"].as_u64() > Some(0), "{one}");
    end(&gateway, &one);
    assert_eq!(read_to_end(&mut client), (vec![], End::Reset));
    assert_eq!(read_to_end(&mut upstream), (vec![], End::Reset));
    assert_ended_by_operator(&gateway, "relay");
    let closed = r#"mesh_gateway_connections_closed_total{cause="operator",kind="service",phase="relay",route="currency"}"#;
    assert_eq!(gateway.metric(closed), 1.0);
    // It is no longer there.
    let id = one["id"].as_str().unwrap();
    for id in [id, "ffffffff-1", "nonsense"] {
        let answer = gateway.post(&format!("/connections/{id}/end"));
        assert_eq!(answer.status, 404);
        assert!(answer.body.contains("is open; /connections shows"));
    }
}

#[test]
fn a_client_within_its_hello_can_be_ended_too() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], JSON_LOG));
    let mut client = send(gateway.listen(), &hello::named(b"currency.dc1")[..20]);
    let one = the_one(&gateway, "hello");
    assert!(one["sni"].is_null() && one["endpoint"].is_null(), "{one}");
    end(&gateway, &one);
    assert_eq!(read_to_end(&mut client), (vec![], End::Reset));
    assert_ended_by_operator(&gateway, "hello");
}

#[test]
fn the_oldest_are_shown_and_the_others_counted() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let sessions: Vec<_> = (0..5).map(|_| session(&gateway, &backend)).collect();
    let two = shown(&gateway, "/connections?limit=2");
    assert_eq!(two["left_out"], 3);
    let clients = two["connections"].as_array().unwrap().iter();
    let clients: Vec<_> = clients.map(|it| it["client"].as_str().unwrap()).collect();
    let oldest = sessions[..2].iter();
    let oldest: Vec<_> = oldest
        .map(|(client, _)| client.local_addr().unwrap().to_string())
        .collect();
    assert_eq!(clients, oldest);
    assert_eq!(shown(&gateway, "/connections?limit=0")["left_out"], 5);
    assert_eq!(gateway.get("/connections?limit=many").status, 400);
}

#[test]
fn commands_show_and_end_them() {
    let backend = Backend::default();
    let gateway = gateway!(dc1("", &[backend.address()], ""));
    let (mut client, _upstream) = session(&gateway, &backend);
    let one = the_one(&gateway, "relay");
    let admin = gateway.address("admin").to_string();
    let command = |words: &[&str]| {
        let output = run(Command::new(program!())
            .args(words)
            .args(["--admin", &admin]));
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let id = one["id"].as_str().unwrap();
    let (code, said) = command(&["connections"]);
    assert!(
        code == Some(0) && said.starts_with(&format!("{id}  listen  ")),
        "{said}"
    );
    let (code, said) = command(&["connections", "end", id]);
    assert!(code == Some(0) && said.contains("is reset"), "{said}");
    assert_eq!(read_to_end(&mut client).1, End::Reset);
    until("it is gone", || {
        command(&["connections"]).1 == "no connection is open\n"
    });
    let (code, said) = command(&["connections", "end", id]);
    assert!(
        code == Some(1) && said.contains("/connections shows"),
        "{said}"
    );
}

#[test]
fn connections_of_a_local_port_are_shown_and_ended_alike() {
    let backend = Backend::default();
    let port = failover!(feed(&[backend.address()], "check = \"none\"", ""));
    let mut client = connect(port.address("feed"));
    let mut upstream = backend.accept();
    let one = the_one(&port, "relay");
    assert_eq!(
        (&one["listener"], &one["kind"]),
        (&"feed".into(), &"port".into())
    );
    assert_eq!(one["endpoint"], backend.address().to_string());
    end(&port, &one);
    assert_eq!(read_to_end(&mut client), (vec![], End::Reset));
    assert_eq!(read_to_end(&mut upstream), (vec![], End::Reset));
    assert_ended_by_operator(&port, "relay");
}

#[test]
fn how_many_to_show_is_a_number() {
    let gateway = gateway!(dc1("", &[Backend::default().address()], ""));
    for wrong in ["-1", "many", "1.5"] {
        let answer = gateway.get(&format!("/connections?limit={wrong}"));
        let expected = format!("limit: \\\"{wrong}\\\" is not how many to show, a number");
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains(&expected), "{}", answer.body);
    }
    let all = shown(&gateway, "/connections?limit=1000000");
    assert_eq!(all["left_out"], 0);
}
