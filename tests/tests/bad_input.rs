//! What the gateway does with clients that send something else than it wants, and with endpoints
//! that do not answer.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::config::{JSON_LOG, dc1};
use tests::gateway;
use tests::hello;
use tests::process::Gateway;
use tests::wire::{self, Backend, End, Refusing, Silent, connect, read_exactly, read_to_end, send};

const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
const INTERNAL_ERROR: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

/// Every name that may have a default has one.
const DEFAULT_FOR_ALL: &str = "default = \"currency\"\ndefault_without_name = true";

const CLOSED: &str = "mesh_gateway_connections_closed_total";
const REFUSALS: &str = "mesh_gateway_refusals_total";

/// A gateway with a default service, a backend that must not be asked, and a short deadline.
fn strict(backend: &Backend) -> Gateway {
    let sections = format!("{JSON_LOG}[hello]\ntimeout = \"300ms\"\n");
    gateway!(dc1(DEFAULT_FOR_ALL, &[backend.address()], &sections))
}

fn without_default(endpoints: &[SocketAddr]) -> Gateway {
    gateway!(dc1("", endpoints, JSON_LOG))
}

fn outcome(line: &Value) -> [&str; 3] {
    ["phase", "cause", "reason"].map(|field| line[field].as_str().unwrap())
}

/// One connection was counted, by this outcome, under no route.
fn assert_counted_once(gateway: &Gateway, [phase, cause, reason]: [&str; 3]) {
    let series =
        format!("{CLOSED}{{cause=\"{cause}\",kind=\"none\",phase=\"{phase}\",route=\"none\"}}");
    assert_eq!(gateway.metric(&series), 1.0, "{series}");
    assert_eq!(gateway.total(CLOSED), 1.0);
    let series = format!("{REFUSALS}{{reason=\"{reason}\"}}");
    assert_eq!(gateway.metric(&series), 1.0, "{series}");
    assert_eq!(gateway.total(REFUSALS), 1.0);
}

/// The client gets this answer and then FIN, and the connection ends so, once.
fn assert_refused(gateway: &Gateway, sent: &[u8], answer: &[u8], wanted: [&str; 3]) -> Value {
    let mut client = send(gateway.listen(), sent);
    assert_eq!(read_to_end(&mut client), (answer.to_vec(), End::Fin));
    drop(client);
    let line = gateway.first_ended();
    assert_eq!(outcome(&line), wanted);
    assert_counted_once(gateway, wanted);
    line
}

/// The client gets nothing, the backend neither, and the connection ends so, once.
fn assert_closed(sent: &[u8], wanted: [&str; 3]) -> Value {
    let backend = Backend::default();
    let gateway = strict(&backend);
    let mut client = send(gateway.listen(), sent);
    let (answer, _) = read_to_end(&mut client);
    assert_eq!(answer, b"", "nothing was promised");
    let line = gateway.first_ended();
    assert_eq!(outcome(&line), wanted);
    assert_counted_once(&gateway, wanted);
    assert!(!backend.is_asked(), "the default route was taken");
    line
}

#[test]
fn an_unknown_name_is_refused_by_alert_and_fin() {
    let backend = Backend::default();
    let gateway = without_default(&[backend.address()]);
    let wanted = ["route", "policy", "unknown_name"];
    let hello = hello::named(b"nobody.dc1");
    let line = assert_refused(&gateway, &hello, &UNRECOGNIZED_NAME, wanted);
    assert_eq!(line["sni"], "nobody.dc1");
    assert!(!backend.is_asked());
}

#[test]
fn an_absent_name_is_refused_by_alert_and_fin() {
    let gateway = without_default(&[Backend::default().address()]);
    let wanted = ["route", "policy", "absent_name"];
    let line = assert_refused(&gateway, &hello::nameless(), &UNRECOGNIZED_NAME, wanted);
    assert_eq!(line["sni"], Value::Null);
}

#[test]
fn the_alert_arrives_though_the_client_had_sent_more() {
    let gateway = without_default(&[Backend::default().address()]);
    // More than is read together with the hello, and less than the drain takes.
    let early = [hello::named(b"nobody.dc1"), vec![23; 200_000]].concat();
    let mut client = send(gateway.listen(), &early);
    let alert = (UNRECOGNIZED_NAME.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    // No RST came behind it, and none answers this: elsewhere than on Linux it would have taken
    // the alert away from a client that had not read it yet.
    client.write_all(b"more").unwrap();
    let error = client.take_error().unwrap();
    assert!(error.is_none(), "{error:?}");
    drop(client);
    let wanted = ["route", "policy", "unknown_name"];
    assert_eq!(outcome(&gateway.first_ended()), wanted);
    assert_counted_once(&gateway, wanted);
}

#[test]
fn a_refused_client_that_never_closes_is_let_go() {
    let gateway = without_default(&[Backend::default().address()]);
    let mut client = send(gateway.listen(), &hello::named(b"nobody.dc1"));
    let alert = (UNRECOGNIZED_NAME.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    let line = gateway.first_ended();
    assert_eq!(outcome(&line), ["route", "policy", "unknown_name"]);
    assert!(line["duration_ms"].as_f64().unwrap() >= 900.0, "{line}");
}

#[test]
fn a_malformed_name_never_takes_the_default_route() {
    let names: [&[u8]; 9] = [
        b"a b.example",
        b"nul\0.example",
        b"\xff\xfe.example",
        b"127.0.0.1",
        b"::1",
        b"currency.dc1:443",
        b"a..example",
        b".",
        &[b'a'; 255],
    ];
    let backend = Backend::default();
    let gateway = strict(&backend);
    for name in names {
        let mut client = send(gateway.listen(), &hello::named(name));
        let alert = (UNRECOGNIZED_NAME.to_vec(), End::Fin);
        assert_eq!(read_to_end(&mut client), alert, "{name:?}");
    }
    for line in gateway.ended(names.len()) {
        let wanted = ["route", "policy", "malformed_name"];
        assert_eq!(outcome(&line), wanted, "{line}");
    }
    let count = gateway.metric(&format!("{REFUSALS}{{reason=\"malformed_name\"}}"));
    assert_eq!(count, names.len() as f64);
    assert_eq!(gateway.total(CLOSED), names.len() as f64);
    assert!(!backend.is_asked());
}

#[test]
fn the_default_route_takes_a_foreign_name_and_none_but_nothing_of_this_data_centre() {
    let backend = Backend::default();
    let gateway = strict(&backend);
    for hello in [hello::named(b"www.example.com"), hello::nameless()] {
        let _client = send(gateway.listen(), &hello);
        assert_eq!(read_exactly(&mut backend.accept(), hello.len()), hello);
    }
    let mut client = send(gateway.listen(), &hello::named(b"nobody.dc1"));
    let alert = (UNRECOGNIZED_NAME.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    assert!(!backend.is_asked());
}

#[test]
fn plain_http_is_not_tls() {
    let request = b"GET / HTTP/1.1\r\nHost: currency.dc1\r\n\r\n";
    assert_closed(request, ["hello", "client", "not_tls"]);
}

#[test]
fn an_ssh_banner_is_not_tls() {
    let banner = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
    assert_closed(banner, ["hello", "client", "not_tls"]);
}

#[test]
fn noise_is_not_tls() {
    let noise: Vec<u8> = (0..4096u32).map(|at| (at * 97 + 1) as u8 | 0x40).collect();
    assert_closed(&noise, ["hello", "client", "not_tls"]);
}

#[test]
fn an_sslv2_hello_has_its_own_reason() {
    // Length with the high bit, CLIENT-HELLO, version 3.1, then lengths and one cipher kind.
    let hello = [
        0x80, 0x1c, 0x01, 0x03, 0x01, 0, 3, 0, 0, 0, 16, 0, 0, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
        11, 12, 13, 14, 15, 16,
    ];
    assert_closed(&hello, ["hello", "client", "sslv2"]);
}

#[test]
fn a_malformed_hello_has_its_own_reason() {
    let mut server_hello = hello::named(b"currency.dc1");
    server_hello[5] = 2;
    assert_closed(&server_hello, ["hello", "client", "malformed"]);
}

#[test]
fn a_record_without_content_is_malformed() {
    let empty = [22, 3, 1, 0, 0];
    assert_closed(&empty, ["hello", "client", "malformed"]);
}

#[test]
fn a_hello_over_the_bound_is_closed() {
    let hello = hello::long(17 * 1024);
    let line = assert_closed(&hello, ["hello", "client", "too_long"]);
    assert!(line["error"].as_str().unwrap().contains("16384"), "{line}");
}

#[test]
fn a_hello_in_too_many_records_is_closed() {
    let hello = hello::in_records(&hello::message_of(&hello::long(15 * 1024)), 1);
    assert_closed(&hello, ["hello", "client", "too_long"]);
}

#[test]
fn half_a_hello_is_ended_by_the_deadline_and_never_takes_the_default_route() {
    let hello = hello::recorded("curl.bin");
    let started = Instant::now();
    let half = &hello[..hello.len() / 2];
    let line = assert_closed(half, ["hello", "timeout", "deadline"]);
    assert!(started.elapsed() >= Duration::from_millis(300));
    let wanted = format!("{} bytes arrived", half.len());
    assert!(line["error"].as_str().unwrap().contains(&wanted), "{line}");
}

#[test]
fn a_hello_byte_by_byte_over_the_deadline_never_takes_the_default_route() {
    let backend = Backend::default();
    let gateway = strict(&backend);
    let mut client = connect(gateway.listen());
    let hello = hello::recorded("openssl-no-sni.bin");
    let mut sent = 0;
    // Each byte would restart a deadline that is counted from the last one. The last byte is
    // never sent: a writer that was kept waiting must not make the hello whole by a burst.
    for byte in &hello[..hello.len() - 1] {
        if client.write_all(&[*byte]).is_err() {
            break;
        }
        sent += 1;
        // The slowness is what is tested: each byte alone, and never silent for long.
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(sent < hello.len() - 1, "the deadline never came");
    let (answer, _) = read_to_end(&mut client);
    assert_eq!(answer, b"");
    let wanted = ["hello", "timeout", "deadline"];
    assert_eq!(outcome(&gateway.first_ended()), wanted);
    assert_counted_once(&gateway, wanted);
    assert!(!backend.is_asked());
}

#[test]
fn a_close_without_a_byte_is_a_probe_and_no_error() {
    let backend = Backend::default();
    let gateway = strict(&backend);
    drop(connect(gateway.listen()));
    wire::reset(connect(gateway.listen()));
    for line in gateway.ended(2) {
        assert_eq!(outcome(&line), ["hello", "done", "probe"], "{line}");
        assert_eq!(line["level"], "INFO");
    }
    let closed = gateway.series(CLOSED);
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert_eq!(gateway.total(CLOSED), 2.0);
    assert!(!backend.is_asked());
}

#[test]
fn a_client_that_closes_within_its_hello_is_no_probe() {
    let backend = Backend::default();
    let gateway = strict(&backend);
    let client = send(gateway.listen(), &hello::recorded("curl.bin")[..100]);
    client.shutdown(Shutdown::Write).unwrap();
    let wanted = ["hello", "client", "closed"];
    assert_eq!(outcome(&gateway.first_ended()), wanted);
    assert_counted_once(&gateway, wanted);
    assert!(!backend.is_asked());
}

#[test]
fn without_an_endpoint_to_reach_the_client_learns_it_and_the_log_names_each() {
    let (first, second) = (Refusing::default(), Refusing::default());
    let gateway = without_default(&[first.address(), second.address()]);
    let mut client = send(gateway.listen(), &hello::recorded("curl.bin"));
    let alert = (INTERNAL_ERROR.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    drop(client);
    let line = gateway.first_ended();
    assert_eq!(outcome(&line), ["connect", "upstream", "unreachable"]);
    let error = line["error"].as_str().unwrap();
    for endpoint in [first.address(), second.address()] {
        let wanted = format!("{endpoint}: connection refused");
        assert!(error.contains(&wanted), "{error}");
    }
    let series = gateway.series(CLOSED);
    let labels = r#"cause="upstream",kind="service",phase="connect",route="currency""#;
    assert_eq!(series, [(labels.to_owned(), 1.0)].into());
    let failed =
        "mesh_gateway_failed_attempts_total{kind=\"service\",route=\"currency\"}".to_owned();
    assert_eq!(gateway.metric(&failed), 2.0);
}

/// A session through `gateway` to `backend`; the line of the log about it.
fn session(gateway: &Gateway, backend: &Backend) -> Value {
    let hello = hello::recorded("curl.bin");
    let mut client = send(gateway.listen(), &hello);
    let mut upstream = backend.accept();
    assert_eq!(read_exactly(&mut upstream, hello.len()), hello);
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(read_to_end(&mut client), (b"answer".to_vec(), End::Fin));
    drop(client);
    gateway.first_ended()
}

#[test]
fn the_second_endpoint_answers_where_the_first_is_dead() {
    let (dead, backend) = (Refusing::default(), Backend::default());
    let gateway = without_default(&[dead.address(), backend.address()]);
    let line = session(&gateway, &backend);
    assert_eq!(outcome(&line), ["relay", "done", "done"]);
    assert_eq!(line["endpoint"], backend.address().to_string());
    assert_eq!(line["failed_attempts"], 1);
    assert_eq!(gateway.total("mesh_gateway_failed_attempts_total"), 1.0);
}

#[test]
fn an_endpoint_that_is_full_was_not_tried() {
    let backend = Backend::default();
    let endpoint = format!("\"{}\"", backend.address());
    let full = format!("{{ address = {endpoint}, max_connections = 1 }}");
    let config = dc1("", &[backend.address()], JSON_LOG).replace(&endpoint, &full);
    let gateway = gateway!(config);
    let hello = hello::recorded("curl.bin");
    let _held = send(gateway.listen(), &hello);
    let _upstream = backend.accept();
    let mut client = send(gateway.listen(), &hello);
    let alert = (INTERNAL_ERROR.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    drop(client);
    assert_eq!(gateway.first_ended()["reason"], "full");
    assert_eq!(gateway.total("mesh_gateway_failed_attempts_total"), 0.0);
}

#[test]
fn an_endpoint_that_never_answers_costs_one_attempt_timeout() {
    let (silent, backend) = (Silent::default(), Backend::default());
    let sections = format!("{JSON_LOG}[dial]\nattempt_timeout = \"300ms\"\n");
    let endpoints = [silent.address(), backend.address()];
    let gateway = gateway!(dc1("", &endpoints, &sections));
    let line = session(&gateway, &backend);
    assert_eq!(outcome(&line), ["relay", "done", "done"]);
    assert_eq!(line["failed_attempts"], 1);
    let took = line["dial_ms"].as_f64().unwrap();
    assert!((300.0..900.0).contains(&took), "{took} ms");
}

#[test]
fn endpoints_that_never_answer_are_given_up_at_the_bound_of_the_dial() {
    let (first, second) = (Silent::default(), Silent::default());
    let third = Backend::default();
    let dial = "[dial]\nattempt_timeout = \"300ms\"\ntimeout = \"500ms\"\n";
    let endpoints = [first.address(), second.address(), third.address()];
    let gateway = gateway!(dc1("", &endpoints, &format!("{JSON_LOG}{dial}")));
    let mut client = send(gateway.listen(), &hello::recorded("curl.bin"));
    let alert = (INTERNAL_ERROR.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    drop(client);
    let line = gateway.first_ended();
    assert_eq!(outcome(&line), ["connect", "timeout", "connect_timeout"]);
    let error = line["error"].as_str().unwrap();
    for (endpoint, why) in
        endpoints
            .iter()
            .zip(["no answer within 300ms", "no answer", "not tried"])
    {
        let wanted = format!("{endpoint}: {why}");
        assert!(error.contains(&wanted), "{wanted} in {error}");
    }
    let took = line["duration_ms"].as_f64().unwrap();
    assert!((500.0..1500.0).contains(&took), "{took} ms");
}

/// A hello of 360 KB on the wire: more than a [narrow](Backend::narrow) backend takes unread.
fn wide_hello() -> Vec<u8> {
    hello::in_records(&hello::message_of(&hello::long(60_000)), 1)
}

const WIDE: &str = "[hello]\nbytes = \"64KiB\"\nraw_bytes = \"1MiB\"\n";

#[test]
fn an_endpoint_that_does_not_take_the_hello_never_gets_a_part_of_it_with_fin() {
    let backend = Backend::narrow();
    let dial = "[dial]\nattempt_timeout = \"300ms\"\ntimeout = \"300ms\"\n";
    let sections = format!("{JSON_LOG}{dial}{WIDE}");
    let gateway = gateway!(dc1("", &[backend.address()], &sections));
    let mut client = send(gateway.listen(), &wide_hello());
    let mut upstream = backend.accept();
    let alert = (INTERNAL_ERROR.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    drop(client);
    let line = gateway.first_ended();
    assert_eq!(outcome(&line), ["replay", "timeout", "replay_timeout"]);
    let (bytes, end) = read_to_end(&mut upstream);
    assert_eq!(end, End::Reset, "after {} bytes", bytes.len());
}

/// Passes a hello on, sent in these parts, with bytes behind it; nothing may change on the way.
fn assert_passed_whole(gateway: &Gateway, backend: &Backend, parts: &[&[u8]]) {
    let mut client = connect(gateway.listen());
    send_in_parts(&mut client, parts);
    client.write_all(b"early data, in order").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut upstream = backend.accept();
    let sent = [&parts.concat(), &b"early data, in order"[..]].concat();
    assert!(
        read_to_end(&mut upstream) == (sent, End::Fin),
        "the bytes changed"
    );
    upstream.write_all(b"answer").unwrap();
    drop(upstream);
    assert_eq!(read_to_end(&mut client), (b"answer".to_vec(), End::Fin));
}

/// Gives the gateway time to read each part by itself; where it does not, the test is weaker, and
/// still right.
fn send_in_parts(client: &mut TcpStream, parts: &[&[u8]]) {
    for part in parts {
        client.write_all(part).unwrap();
        std::thread::sleep(Duration::from_micros(200));
    }
}

#[test]
fn a_hello_split_anywhere_arrives_whole() {
    let backend = Backend::default();
    let gateway = without_default(&[backend.address()]);
    for file in ["curl.bin", "chromium.bin"] {
        let hello = hello::recorded(file);
        let cuts = (1..12).chain((12..hello.len()).step_by(61));
        for cut in cuts.chain([hello.len() - 1]) {
            let (before, after) = hello.split_at(cut);
            assert_passed_whole(&gateway, &backend, &[before, after]);
        }
    }
}

#[test]
fn a_hello_of_one_byte_a_segment_arrives_whole() {
    let backend = Backend::default();
    let gateway = without_default(&[backend.address()]);
    let hello = hello::recorded("openssl-tls12.bin");
    let bytes: Vec<&[u8]> = hello.chunks(1).collect();
    assert_passed_whole(&gateway, &backend, &bytes);
}

#[test]
fn a_hello_in_many_records_arrives_whole() {
    let backend = Backend::default();
    let gateway = without_default(&[backend.address()]);
    for (file, size) in [("curl.bin", 1), ("chromium.bin", 3), ("chromium.bin", 500)] {
        let message = hello::message_of(&hello::recorded(file));
        let hello = hello::in_records(&message, size);
        assert_passed_whole(&gateway, &backend, &[&hello]);
        let segments: Vec<&[u8]> = hello.chunks(97).collect();
        assert_passed_whole(&gateway, &backend, &segments);
    }
    let small_records = hello::recorded("openssl-small-records.bin");
    assert_passed_whole(&gateway, &backend, &[&small_records]);
}

#[test]
fn a_name_cannot_write_to_the_terminal_of_who_reads_the_log() {
    let gateway = gateway!(dc1("", &[Backend::default().address()], ""));
    let mut client = send(
        gateway.listen(),
        &hello::named(b"\x1b]0;owned\x07\n\xc2\x9b2J"),
    );
    let alert = (UNRECOGNIZED_NAME.to_vec(), End::Fin);
    assert_eq!(read_to_end(&mut client), alert);
    drop(client);
    let line = gateway.line(|line| line.contains("malformed_name"));
    assert!(line.contains(r"\x1b]0;owned\x07\x0a\xc2\x9b2J"), "{line}");
    for line in gateway.lines() {
        assert!(
            line.bytes().all(|byte| (0x20..0x7f).contains(&byte)),
            "{line:?}"
        );
    }
}

#[test]
fn refusals_left_out_of_the_log_are_counted_in_it() {
    let log = "[log]\nformat = \"json\"\nrefusals_per_second = 2\n";
    let gateway = gateway!(dc1("", &[Backend::default().address()], log));
    let count = 40;
    for _ in 0..count {
        drop(send(gateway.listen(), b"not TLS"));
    }
    gateway.metric_until(&format!("{REFUSALS}{{reason=\"not_tls\"}}"), |refused| {
        refused == f64::from(count)
    });
    // Nothing is lost: each refusal has a line of its own, or is in the number of a later line.
    gateway.lines_until("all refusals accounted for", |lines| {
        let lines = lines
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok());
        let accounted = lines.map(|line: Value| match line["reason"].as_str() {
            Some("not_tls") => 1,
            _ => line["left_out"].as_i64().unwrap_or(0),
        });
        accounted.sum::<i64>() == i64::from(count)
    });
    let own: Vec<Value> = gateway.ended(2);
    assert_eq!(own.len(), 2);
    let lines = gateway.lines();
    let own = lines.iter().filter(|line| line.contains("not_tls")).count();
    assert!(own < 20, "{own} of {count} refusals have a line each");
}
