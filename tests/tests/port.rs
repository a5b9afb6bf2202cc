//! A local port as a process: where its connections go, and what becomes of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::config::{FAST_CHECK, feed};
use tests::http::Keeping;
use tests::payload::{Payload, receive};
use tests::process::{Program, run, until};
use tests::wire::{
    Backend, End, Refusing, connect, echo, echoes, listen_to, read_exactly, read_to_end, send,
};
use tests::{endpoint, failover, failover_program};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const ACTIVE: &str = r#"l4_failover_active_tier{port="feed"}"#;

/// A session on the port, and its other end at an endpoint.
fn session(port: &Program, endpoint: &Backend) -> (std::net::TcpStream, std::net::TcpStream) {
    let mut client = send(port.address("feed"), b"hello");
    let mut server = endpoint.accept_asking(b"hello");
    assert!(answers(&mut client, &mut server));
    (client, server)
}

/// Whether bytes pass from the endpoint to the client.
fn answers(client: &mut std::net::TcpStream, server: &mut std::net::TcpStream) -> bool {
    std::io::Write::write_all(server, b"!").unwrap();
    read_exactly(client, 1) == b"!"
}

fn ends(stream: &mut std::net::TcpStream) -> End {
    read_to_end(stream).1
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let (primary, spare) = (echo(), Refusing::default());
    let port = failover!(feed(&[primary, spare.address()], "", ""));
    let payload = Payload {
        seed: 7,
        length: 32 << 20,
    };
    let mut stream = TcpStream::connect(port.address("feed")).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let sending = async {
        payload.send(&mut writing).await.unwrap();
        writing.shutdown().await.unwrap();
    };
    let (digest, ()) = tokio::join!(receive(&mut reading, payload.length), sending);
    assert_eq!(digest.unwrap(), payload.digest());
    let line = port.first_ended();
    assert_eq!(line["cause"], "done");
    assert_eq!(line["from_client"], payload.length);
    assert_eq!(line["from_upstream"], payload.length);
    assert_eq!(line["endpoint"], primary.to_string());
    let bytes = |from: &str| format!(r#"l4_failover_bytes_total{{from="{from}",port="feed"}}"#);
    for from in ["client", "upstream"] {
        assert_eq!(port.metric(&bytes(from)), payload.length as f64);
    }
}

#[test]
fn a_primary_that_was_killed_is_left_within_the_dial_and_then_for_good() {
    let (mut primary, backup) = (endpoint!("primary"), endpoint!("backup"));
    let port = failover!(feed(&[primary.address(), backup.address()], "", ""));
    // The first check decides alone, and the next comes seconds later: it is the dial that finds out.
    until("both were checked", || {
        !port.get("/clusters").body.contains("\"last_check\":null")
    });
    let ask = || {
        Keeping::connect(port.address("feed"))
            .unwrap()
            .ask("/")
            .unwrap()
    };
    assert_eq!(ask(), "primary");
    assert_eq!(
        port.first_ended()["endpoint"],
        primary.address().to_string()
    );
    assert_eq!(port.metric(ACTIVE), 0.0);
    primary.kill();
    // The dial finds out, and goes on to the backup.
    assert_eq!(ask(), "backup");
    port.metric_until(ACTIVE, |tier| tier == 1.0);
    let ended = port.ended(2);
    assert_eq!(ended[1]["endpoint"], backup.address().to_string());
    assert_eq!(ended[1]["failed_attempts"], 1);
    assert_eq!(ended[1]["spilled"], true);
    let moves = r#"l4_failover_transitions_total{cause="unhealthy",move="failover",port="feed"}"#;
    assert_eq!(port.metric(moves), 1.0);
    let moved = r#"l4_failover_last_transition_timestamp_seconds{port="feed"}"#;
    assert!(port.metric(moved) > 1e9);
}

#[test]
fn a_client_that_nobody_answers_is_reset() {
    let gone = Refusing::default();
    let port = failover!(feed(&[gone.address()], "", ""));
    assert_eq!(listen_to(port.address("feed")), (Vec::new(), End::Reset));
    let line = port.first_ended();
    assert_eq!(line["level"], "WARN");
    assert_eq!(
        (&line["phase"], &line["cause"]),
        (&"connect".into(), &"upstream".into())
    );
    assert_eq!(line["reason"], "unreachable");
    assert_eq!(line["failed_attempts"], 1);
    let closed =
        r#"l4_failover_connections_closed_total{cause="upstream",phase="connect",port="feed"}"#;
    assert_eq!(port.metric(closed), 1.0);
    assert_eq!(
        port.metric(r#"l4_failover_connections_active{port="feed"}"#),
        0.0
    );
}

#[test]
fn sessions_that_may_go_on_do_so_after_a_failover() {
    let (primary, backup) = (Backend::default(), Backend::default());
    let port = failover!(feed(&[primary.address(), backup.address()], FAST_CHECK, ""));
    let (mut client, mut server) = session(&port, &primary);
    drop(primary);
    port.metric_until(ACTIVE, |tier| tier == 1.0);
    assert!(answers(&mut client, &mut server));
    assert_eq!(
        port.metric(r#"l4_failover_connections_active{port="feed"}"#),
        1.0
    );
}

#[test]
fn an_endpoint_that_nobody_tried_is_no_failed_attempt() {
    let (primary, gone) = (Backend::default(), Refusing::default());
    let address = primary.address().to_string();
    let text = feed(&[primary.address(), gone.address()], "check = \"none\"", "");
    let full = format!("{{ address = \"{address}\", max_connections = 1 }}");
    let port = failover!(text.replace(&format!("\"{address}\""), &full));
    let _held = session(&port, &primary);
    // It is full, which is said, and does not spill to the other.
    assert_eq!(listen_to(port.address("feed")), (Vec::new(), End::Reset));
    let line = port.first_ended();
    assert_eq!(line["reason"], "full");
    assert_eq!(line["failed_attempts"], Value::Null);
    let error = line["error"].as_str().unwrap();
    assert!(error.contains("the 1 sessions that it may have"), "{error}");
    let body = format!(r#"{{"endpoint": "{address}", "reason": "a new disk"}}"#);
    assert_eq!(
        tests::http::post(port.address("admin"), "/pools/feed/maintenance", &body).status,
        200
    );
    assert_eq!(listen_to(port.address("feed")), (Vec::new(), End::Reset));
    let line = &port.ended(2)[1];
    assert_eq!(line["failed_attempts"], 1);
    assert!(line["error"].as_str().unwrap().contains("in maintenance"));
}

/// The cause that the log has for each session that ended.
fn causes(ended: &[Value]) -> Vec<&str> {
    ended
        .iter()
        .map(|line| line["cause"].as_str().unwrap())
        .collect()
}

#[test]
fn sessions_that_must_close_on_failover_are_reset_on_both_sides() {
    let (primary, backup) = (Backend::default(), Backend::default());
    let keys = format!("{FAST_CHECK}\non_failover = \"close\"");
    let port = failover!(feed(&[primary.address(), backup.address()], &keys, ""));
    let mut sessions = [session(&port, &primary), session(&port, &primary)];
    drop(primary);
    for (client, server) in &mut sessions {
        assert_eq!((ends(client), ends(server)), (End::Reset, End::Reset));
    }
    assert_eq!(causes(&port.ended(2)), ["failover", "failover"]);
    let (mut client, mut server) = session(&port, &backup);
    assert!(answers(&mut client, &mut server));
    let closed =
        r#"l4_failover_connections_closed_total{cause="failover",phase="relay",port="feed"}"#;
    assert_eq!(port.metric(closed), 2.0);
}

#[test]
fn sessions_that_are_drained_on_failover_end_one_after_the_other() {
    let (primary, backup) = (Backend::default(), Backend::default());
    let keys = format!("{FAST_CHECK}\non_failover = \"drain\"\ndrain_timeout = \"800ms\"");
    let port = failover!(feed(&[primary.address(), backup.address()], &keys, ""));
    let sessions: Vec<_> = (0..4).map(|_| session(&port, &primary)).collect();
    drop(primary);
    port.metric_until(ACTIVE, |tier| tier == 1.0);
    let moved = Instant::now();
    let ended = sessions.into_iter().map(|(mut client, mut server)| {
        std::thread::spawn(move || {
            assert_eq!(
                (ends(&mut client), ends(&mut server)),
                (End::Reset, End::Reset)
            );
            moved.elapsed()
        })
    });
    let threads: Vec<_> = ended.collect();
    let mut ended: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();
    ended.sort_unstable();
    // 200 ms from one to the next; a reader may be late to see the first.
    assert!(
        ended[3] - ended[0] >= Duration::from_millis(300),
        "{ended:?}"
    );
    assert_eq!(causes(&port.ended(4)), ["failover"; 4]);
}

#[test]
fn an_operators_moves_end_sessions_too_and_are_told_apart() {
    let (primary, backup) = (Backend::default(), Backend::default());
    let keys = "on_failover = \"keep\"\non_failback = \"close\"";
    let port = failover!(feed(&[primary.address(), backup.address()], keys, ""));
    let (mut kept, mut kept_end) = session(&port, &primary);
    assert_eq!(port.post("/pools/feed/failover").status, 200);
    let (mut client, mut server) = session(&port, &backup);
    assert_eq!(port.post("/pools/feed/failback").status, 200);
    assert_eq!(
        (ends(&mut client), ends(&mut server)),
        (End::Reset, End::Reset)
    );
    assert_eq!(port.first_ended()["cause"], "failback");
    assert!(answers(&mut kept, &mut kept_end));
}

#[test]
fn sessions_of_an_endpoint_that_went_down_are_reset_and_its_neighbours_are_not() {
    let (first, second) = (Backend::default(), Backend::default());
    let keys = format!("{FAST_CHECK}\non_endpoint_down = \"close\"");
    let text = feed(&[first.address(), second.address()], &keys, "");
    // Both in one tier, taken in turns.
    let tier = format!(
        "primary = [\"{}\", \"{}\"]",
        first.address(),
        second.address()
    );
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|line| !line.starts_with("backup ="));
    let at = lines
        .iter()
        .position(|line| line.starts_with("primary ="))
        .unwrap();
    lines[at] = &tier;
    let port = failover!(lines.join("\n"));
    let mut a = session(&port, &first);
    let mut b = session(&port, &second);
    drop(first);
    assert_eq!((ends(&mut a.0), ends(&mut a.1)), (End::Reset, End::Reset));
    assert_eq!(port.first_ended()["cause"], "endpoint_down");
    assert!(answers(&mut b.0, &mut b.1));
}

#[test]
fn flags_are_enough_for_one_port() {
    let (gone, backup) = (Refusing::default(), echo());
    let mut command = Command::new(failover_program!());
    let (primary, backup) = (gone.address().to_string(), backup.to_string());
    command.args(["--listen", "127.0.0.1:0", "--primary", &primary]);
    command.args(["--backup", &backup]);
    let mut port = Program::spawn(&mut command);
    let mut client = connect(port.address("port"));
    assert!(echoes(&mut client, b"ping"));
    drop(client);
    port.line(|line| line.contains("cause=\"done\"") && line.contains(&backup));
    assert!(
        !port
            .line(|line| line.starts_with("ready"))
            .contains("admin=")
    );
    assert!(port.stop().success());
}

#[test]
fn lists_in_a_line_of_the_log_are_quoted() {
    let gone = [Refusing::default(), Refusing::default()];
    let [first, second] = [&gone[0], &gone[1]].map(|it| it.address().to_string());
    let mut command = Command::new(failover_program!());
    command.args(["--listen", "127.0.0.1:0", "--primary", &first]);
    command.args(["--primary", &second, "--backup", &echo().to_string()]);
    let port = Program::spawn(&mut command);
    let line = port.line(|line| line.contains(" failover "));
    let from = format!("from=\"{first}, {second}\" to=\"127.0.0.1:");
    assert!(line.contains(&from), "{line}");
    assert!(line.contains("reason=\"connection refused\""), "{line}");
}

#[test]
fn mistakes_on_the_command_line_and_in_the_file_end_with_2() {
    let l4_failover = |words: &[&str]| run(Command::new(failover_program!()).args(words));
    let said = |words: &[&str]| {
        let output = l4_failover(words);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        said
    };
    assert!(said(&["--listen", "127.0.0.1", "--primary", "127.0.0.1:1"]).contains("--listen"));
    assert!(said(&["--listen", "127.0.0.1:0"]).contains("--primary"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("l4-failover.toml");
    std::fs::write(
        &file,
        "[[port]]\nname = \"feed\"\nlisten = 5\nprimry = []\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    for words in [["run", "--config", file], ["check", "--config", file]] {
        let said = said(&words);
        for mistake in [":3: ", ":4: ", "primary"] {
            assert!(said.contains(mistake), "{mistake} in {said}");
        }
    }
    std::fs::write(file, feed(&[echo()], "", "")).unwrap();
    let output = l4_failover(&["check", file]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && said.contains("port feed on 127.0.0.1:0, tcp"),
        "{said}"
    );
}

#[test]
fn what_an_operator_mistypes_ends_with_2_and_what_is_not_there_with_1() {
    let spare = Refusing::default();
    let port = failover!(feed(&[spare.address()], "", ""));
    let admin = ["--admin", &port.address("admin").to_string()].map(str::to_owned);
    let ends = |words: &[&str], wanted: i32, sentence: &str| {
        let output = run(Command::new(failover_program!()).args(words));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(wanted), "{words:?}: {said}");
        assert!(said.contains(sentence), "{words:?}: {said}");
    };
    let [flag, at] = &admin;
    let kind = "there is no pool of the kind \"bogus\"; the kinds are: port";
    ends(&["events", "--kind", "bogus", flag, at], 2, kind);
    ends(&["status", "--kind", "bogus", flag, at], 2, kind);
    let name = "there is no pool \"fed\"; there are: feed";
    ends(&["events", "fed", flag, at], 1, name);
    ends(&["failback", "fed", flag, at], 1, name);
    let command = "there is no command \"nope\"; there are: run, check, status";
    ends(&["man", "nope"], 2, command);
}

#[test]
fn an_address_that_is_taken_ends_with_1() {
    let taken = Backend::default();
    let listen = taken.address().to_string();
    let flags = ["--listen", &listen, "--primary", "127.0.0.1:1"];
    let output = run(Command::new(failover_program!()).args(flags));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&listen) && said.contains("another process"),
        "{said}"
    );
    // Nor has it left anything behind: the file may be that of the process which is there.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("l4-failover.toml");
    let keys = format!("state_file = {:?}", directory.path().join("feed.state"));
    let text = feed(&[([127, 0, 0, 1], 1).into()], &keys, "");
    let text = text.replace(
        "listen = \"127.0.0.1:0\"",
        &format!("listen = \"{listen}\""),
    );
    std::fs::write(&file, text).unwrap();
    let run_it = ["run".as_ref(), "--config".as_ref(), file.as_os_str()];
    let output = run(Command::new(failover_program!()).args(run_it));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}
