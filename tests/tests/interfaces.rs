//! docs/interfaces.md says what the program does: metrics, the connection log, the admin's JSON.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use l4_failover::admin::pools::{FeedJson, SharedLoginJson};
use serde_json::Value;
use tests::config::dc1;
use tests::process::{Gateway, until};
use tests::{failover, gateway, http};

const DOCUMENT: &str = include_str!("../../docs/interfaces.md");
const HELLO: &[u8] = include_bytes!("../../gateway/testdata/hello/chromium.bin");
const NAMELESS: &[u8] = include_bytes!("../../gateway/testdata/hello/openssl-no-sni.bin");

/// A part of the document, from its heading to the next of the same rank.
fn section(heading: &str) -> &'static str {
    let start = DOCUMENT.find(&format!("\n## {heading}\n")).expect(heading);
    let rest = &DOCUMENT[start + 4..];
    rest.split("\n## ").next().unwrap()
}

/// The cells of a section's first table, without its head.
fn table(heading: &str) -> Vec<Vec<&'static str>> {
    let lines = section(heading)
        .lines()
        .skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &'static str| row.split('|').map(|cell| cell.trim().trim_matches('`'));
    rows.map(|row| cells(row).skip(1).collect()).collect()
}

/// A gateway that has seen a connection to a service, one to nowhere, and one without a name.
fn busy(format: &str) -> (Gateway, SocketAddr) {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = backend.local_addr().unwrap();
    let nowhere = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let gateway = gateway!(format!(
        r#"
        datacenter = "dc1"
        default = "currency"
        [listen]
        address = "127.0.0.1:0"
        [admin]
        address = "127.0.0.1:0"
        [log]
        format = "{format}"
        [[service]]
        name = "currency"
        endpoints = ["{nowhere}", "{endpoint}"]
        check = "none"
        [[datacenter]]
        name = "dc2"
        gateways = ["{nowhere}"]
        "#
    ));
    let mut client = TcpStream::connect(gateway.listen()).unwrap();
    client.write_all(HELLO).unwrap();
    let (mut accepted, _) = backend.accept().unwrap();
    let mut hello = vec![0; HELLO.len()];
    accepted.read_exact(&mut hello).unwrap();
    assert_eq!(hello, HELLO);
    accepted.write_all(b"answer").unwrap();
    drop(accepted);
    client.read_to_end(&mut hello).unwrap();
    drop(client);
    refused(gateway.listen(), NAMELESS);
    refused(gateway.listen(), &renamed());
    (gateway, endpoint)
}

/// A gateway that a proxy has connected to for somebody, whose name leads nowhere.
fn introduced() -> Gateway {
    let gateway = gateway!(
        r#"
        datacenter = "dc1"
        [listen]
        address = "127.0.0.1:0"
        proxy_from = ["127.0.0.1"]
        [log]
        format = "json"
        [[service]]
        name = "currency"
        endpoints = ["127.0.0.1:7000"]
        check = "none"
        "#
    );
    let header =
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x15\xc0\0\x02\x01\xc6\x33\x64\x07\x13\x88\x01\xbb\
        \x05\0\x06edge-7";
    refused(gateway.listen(), &[&header[..], NAMELESS].concat());
    gateway
}

/// The hello with a name of the other data centre, which is as long.
fn renamed() -> Vec<u8> {
    let mut hello = HELLO.to_vec();
    let at = hello
        .windows(12)
        .position(|name| name == b"currency.dc2" || name == b"currency.dc1");
    hello[at.expect("a name") + 11] = b'2';
    hello
}

fn refused(gateway: SocketAddr, hello: &[u8]) {
    let mut client = TcpStream::connect(gateway).unwrap();
    client.write_all(hello).unwrap();
    let mut alert = Vec::new();
    client.read_to_end(&mut alert).unwrap();
    assert_eq!(alert[..6], [21, 3, 3, 0, 2, 2]);
}

#[test]
fn metrics_are_those_of_the_table() {
    let (gateway, _) = busy("text");
    let text = gateway.get("/metrics").body;
    for row in table("Metrics") {
        let [name, kind, labels, ..] = row[..] else {
            panic!("{row:?}")
        };
        if name == "mesh_gateway_accept_pauses_total" {
            continue; // Absent until a worker pauses; its own tests see it.
        }
        assert!(
            text.contains(&format!("# TYPE {name} {kind}\n")),
            "{name} {kind}\n{text}"
        );
        let wanted: BTreeSet<&str> = labels.split(", ").filter(|it| !it.is_empty()).collect();
        for series in text
            .lines()
            .filter(|line| line.starts_with(&format!("{name}{{")))
        {
            assert_eq!(labels_of(series), wanted, "{series}");
        }
    }
    let documented: BTreeSet<&str> = table("Metrics").iter().map(|row| row[0]).collect();
    for family in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let name = family.split(' ').next().unwrap();
        assert!(documented.contains(name), "{name} is not documented");
    }
}

/// The labels of a series, without the one that histograms add.
fn labels_of(series: &str) -> BTreeSet<&str> {
    let labels = series
        .split_once('{')
        .unwrap()
        .1
        .rsplit_once('}')
        .unwrap()
        .0;
    let names = labels
        .split("\",")
        .map(|label| label.split('=').next().unwrap());
    names.filter(|name| *name != "le").collect()
}

#[test]
fn log_lines_have_the_fields_of_the_table() {
    let (gateway, endpoint) = busy("json");
    let introduced = introduced();
    let lines = [gateway.ended(3), introduced.ended(1)].concat();
    let seen: BTreeSet<&str> = lines.iter().flat_map(keys).collect();
    let rows = table("The connection log");
    let documented: BTreeSet<&str> = rows.iter().map(|row| row[0]).collect();
    let seen: BTreeSet<&str> = seen
        .into_iter()
        .filter(|key| !["timestamp", "level", "target"].contains(key))
        .collect();
    assert_eq!(seen, documented);
    for (row, line) in rows
        .iter()
        .flat_map(|row| lines.iter().map(move |line| (row, line)))
    {
        let (field, kind) = (row[0], row[1]);
        let value = &line[field];
        assert!(
            value.is_null() || type_of(value) == kind,
            "{field}: {value} is no {kind}"
        );
    }
    let served = lines.iter().find(|line| line["cause"] == "done").unwrap();
    assert_eq!(served["upstream"], endpoint.to_string());
    assert_eq!(served["from_client"], HELLO.len());
    assert_eq!(served["from_upstream"], 6);
}

fn keys(value: &Value) -> impl Iterator<Item = &str> {
    value.as_object().unwrap().keys().map(String::as_str)
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn answers_have_the_form_of_the_examples() {
    let (gateway, _) = busy("text");
    for path in ["/status", "/routes", "/listeners", "/server_info"] {
        let example = example(path);
        let answer: Value = serde_json::from_str(&gateway.get(path).body).unwrap();
        assert_like(&answer, &example, path);
    }
}

/// The block of JSON that follows the path's first mention.
fn example(path: &str) -> Value {
    let section = section("The admin address");
    let start = section.find(&format!("\n`{path}`")).expect(path);
    let block = section[start..].split("```json\n").nth(1).unwrap();
    serde_json::from_str(block.split("```").next().unwrap()).unwrap()
}

#[test]
fn an_explanation_has_the_form_of_the_example() {
    let (gateway, _) = busy("text");
    let example = example("/routes?name=NAME");
    for path in [
        "/routes?name=Currency.DC1.&from=127.0.0.1",
        "/routes?name=no%1bbody.dc1",
        "/routes?nameless=true&peer=true",
    ] {
        let answer: Value = serde_json::from_str(&gateway.get(path).body).unwrap();
        assert_like(&answer, &example, path);
    }
    let exact = gateway
        .get("/routes?name=Currency.DC1.&from=127.0.0.1")
        .body;
    let exact: Value = serde_json::from_str(&exact).unwrap();
    assert_eq!(exact["steps"], example["steps"]);
    assert_eq!(gateway.get("/routes?name=a&from=here").status, 400);
}

#[test]
fn the_ready_line_names_every_address_with_the_port_that_was_chosen() {
    let words = "`ready NAME=ADDR … admin=ADDR metrics=ADDR`";
    assert!(section("The command line").contains(words));
    let gateway = gateway!(
        r#"
        datacenter = "dc1"
        [listen]
        address = "127.0.0.1:0"
        [admin]
        address = "127.0.0.1:0"
        metrics_address = "127.0.0.1:0"
        [[service]]
        name = "currency"
        endpoints = ["127.0.0.1:7000"]
        "#
    );
    let ready = gateway.line(|line| line.starts_with("ready "));
    let names = ready.split(' ').skip(1).map(|word| word.split('=').next());
    assert!(
        names.eq(["listen", "admin", "metrics"].map(Some)),
        "{ready}"
    );
    let metrics = gateway.address("metrics");
    assert_ne!(metrics.port(), 0);
    assert!(http::get(metrics, "/metrics").body.contains("# TYPE "));
    assert_eq!(http::get(metrics, "/status").status, 404);
}

/// What does not apply is null.
const NULLABLE: [&str; 17] = [
    "looked_up",
    "from",
    "name",
    "reason",
    "answer",
    "kind",
    "route",
    "last_failure",
    "last_move",
    "warning",
    "last_check",
    "hold_down_left_seconds",
    "state_file_error",
    "maintenance",
    "changed_seconds",
    "max_connections",
    "error",
];

/// The same keys everywhere, and the same types, but that what may be null is.
fn assert_like(answer: &Value, example: &Value, at: &str) {
    match (answer, example) {
        (Value::Object(answer), Value::Object(example)) => {
            assert!(
                BTreeSet::from_iter(answer.keys()) == BTreeSet::from_iter(example.keys()),
                "{at}: {answer:?} {example:?}"
            );
            for (key, value) in answer {
                assert_like(value, &example[key], &format!("{at}.{key}"));
            }
        }
        // The data centres are not said twice.
        (Value::Array(answer), Value::Array(example)) => {
            for (value, example) in answer.iter().zip(example.iter().cycle()) {
                assert_like(value, example, at);
            }
        }
        (Value::Null, _) | (_, Value::Null) => {
            let field = at.rsplit('.').next().unwrap();
            assert!(NULLABLE.contains(&field), "{at}");
        }
        _ => assert_eq!(type_of(answer), type_of(example), "{at}: {answer}"),
    }
}

#[test]
fn what_l4_failover_counts_and_shows_is_documented() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = failover!(format!(
        r#"
        [admin]
        address = "127.0.0.1:0"
        [[port]]
        name = "feed"
        listen = "127.0.0.1:0"
        primary = ["{}"]
        check = "none"
        "#,
        backend.local_addr().unwrap()
    ));
    let mut client = TcpStream::connect(port.address("feed")).unwrap();
    let (mut accepted, _) = backend.accept().unwrap();
    accepted.write_all(b"answer").unwrap();
    drop(accepted);
    client.read_to_end(&mut Vec::new()).unwrap();
    drop(client);
    let text = port.get("/metrics").body;
    let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let rows = section("l4-failover");
    let mut count = 0;
    for family in families {
        let (name, kind) = family.split_once(' ').unwrap();
        assert!(
            rows.contains(&format!("| `{name}` | {kind} |")),
            "{name} {kind}"
        );
        count += 1;
    }
    assert!(count > 15, "{count}");
    let answer: Value = serde_json::from_str(&port.get("/status").body).unwrap();
    let block = rows.split("```json\n").nth(1).unwrap();
    let example: Value = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
    let fields = |value: &Value| BTreeSet::from_iter(keys(value).map(str::to_owned));
    assert_eq!(fields(&answer), fields(&example));
}

#[test]
fn pools_and_answers_to_commands_have_the_form_of_the_examples() {
    let port = failover!(
        r#"
        [admin]
        address = "127.0.0.1:0"
        [[port]]
        name = "feed"
        listen = "127.0.0.1:0"
        primary = ["127.0.0.1:1"]
        backup = ["127.0.0.1:2"]
        check = "none"
        "#
    );
    let blocks = section("Pools, for operators").split("```json\n").skip(1);
    let examples: Vec<Value> = blocks
        .map(|block| serde_json::from_str(block.split("```").next().unwrap()).unwrap())
        .collect();
    let [pool, consumers, login, done] = &examples[..] else {
        panic!("{examples:?}")
    };
    let read: FeedJson = serde_json::from_value(consumers.clone()).unwrap();
    assert_eq!(&serde_json::to_value(read).unwrap(), consumers);
    let read: SharedLoginJson = serde_json::from_value(login.clone()).unwrap();
    assert_eq!(&serde_json::to_value(read).unwrap(), login);
    let answer = port.post("/pools/feed/failover").body;
    assert_like(&serde_json::from_str(&answer).unwrap(), done, "failover");
    let out = r#"{"endpoint": "127.0.0.1:1", "reason": "a new disk"}"#;
    let admin = port.address("admin");
    let answer = http::post(admin, "/pools/feed/maintenance", out);
    assert_eq!(answer.status, 200);
    let clusters: Value = serde_json::from_str(&port.get("/clusters").body).unwrap();
    let mut shown = clusters["pools"][0].clone();
    // An operator's move has no reason, a dead primary's does.
    shown["last_move"]["reason"] = "connection refused".into();
    assert_like(&shown, pool, "/clusters");
    assert_eq!(shown["tiers"][0]["endpoints"][0]["state"], "maintenance");
}

#[test]
fn open_connections_have_the_form_of_the_example() {
    let backend = TcpListener::bind("127.0.0.1:0").unwrap();
    let gateway = gateway!(dc1("", &[backend.local_addr().unwrap()], ""));
    let mut client = TcpStream::connect(gateway.listen()).unwrap();
    client.write_all(HELLO).unwrap();
    let _upstream = backend.accept().unwrap();
    let shown = || -> Value { serde_json::from_str(&gateway.get("/connections").body).unwrap() };
    until("it is relayed", || {
        shown()["connections"][0]["phase"] == "relay"
    });
    let section = section("Open connections, for operators");
    let block = section.split("```json\n").nth(1).unwrap();
    let example: Value = serde_json::from_str(block.split("```").next().unwrap()).unwrap();
    assert_like(&shown(), &example, "/connections");
}

/// Keys that the file has, and one that it leaves out; of a token its file alone.
#[test]
fn the_configuration_in_force_is_shown_without_its_secrets() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "a-very-secret-token-0123456789").unwrap();
    let endpoint = "127.0.0.1:7000".parse().unwrap();
    let config = dc1(
        "",
        &[endpoint],
        "[[datacenter]]\nname = \"dc2\"\ngateways = [\"127.0.0.1:1\"]",
    );
    let with_token = format!("[admin]\ntoken_file = {:?}", token.path());
    let gateway = gateway!(config.replace("[admin]", &with_token));
    let admin = gateway.address("admin");
    let mut client = TcpStream::connect(admin).unwrap();
    let ask = "GET /config_dump HTTP/1.0\r\nHost: localhost\r\n\
               Authorization: Bearer a-very-secret-token-0123456789\r\n\r\n";
    client.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(!answer.contains("secret"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let dump: Value = serde_json::from_str(body).unwrap();
    assert_eq!(dump["generation"], 0);
    assert!(dump["loaded"].is_string() && dump["file"].is_string());
    let workers = std::thread::available_parallelism().unwrap().get();
    for (path, wanted) in [
        ("workers", workers.into()),
        ("datacenter", "dc1".into()),
        (
            "service[0].endpoints",
            serde_json::json!(["127.0.0.1:7000"]),
        ),
        ("service[0].failback", "auto".into()),
        ("service[0].check", "none".into()),
        ("datacenter[0].check.type", "tcp".into()),
        ("datacenter[0].check.interval", "5s".into()),
        ("datacenter[0].check.rise", 3.into()),
        ("datacenter[0].name", "dc2".into()),
        ("drain.announce", "0s".into()),
        ("drain.deadline", "30s".into()),
        ("relay.pipes", 32.into()),
        ("admin.token_file", token.path().to_str().unwrap().into()),
    ] {
        assert_eq!(dump["config"][path], wanted, "{path} in {body}");
    }
}
