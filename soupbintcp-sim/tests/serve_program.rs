//! `soupbintcp-sim serve` as a process: what it says, what operators get, what it refuses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod feed;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use feed::{Client, PATIENCE, Seen};
use l4_failover::soupbin::packet::Packet;
use rustix::process::{Pid, Signal, kill_process};

fn serve() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_soupbintcp-sim"));
    command.arg("serve").stderr(Stdio::piped());
    command
}

/// A process that is ended when it is dropped.
struct Process {
    child: Child,
    feed: SocketAddr,
    admin: SocketAddr,
}

impl Process {
    fn start(arguments: &[&str]) -> Self {
        let any = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
        let mut child = serve().args(any).args(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut ready = String::new();
        lines.read_line(&mut ready).unwrap();
        // What is logged is read to the end, so that nobody waits.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let words: Vec<&str> = ready.split_whitespace().collect();
        let [first, feed, admin] = words[..] else {
            panic!("{ready}");
        };
        assert_eq!(first, "ready");
        let address = |word: &str, name| {
            let address: &str = word.strip_prefix(name).unwrap();
            address.parse().unwrap()
        };
        Self {
            feed: address(feed, "feed="),
            admin: address(admin, "admin="),
            child,
        }
    }

    /// The code and the body of an answer.
    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.admin).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (host, length) = (self.admin, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap();
        (code.parse().unwrap(), body.to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the command says that does not start.
fn refused(arguments: &[&str]) -> (i32, String) {
    let output: Output = serve().args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

#[test]
fn it_serves_clients_and_operators_until_it_is_told_to_stop() {
    let mut process = Process::start(&["--rate", "1000", "--session", "TODAY"]);
    let mut client = Client::connect(process.feed);
    assert_eq!(client.login(1), 1);
    client.message();
    let (code, status) = process.ask("GET", "/status", "");
    assert_eq!(code, 200);
    assert!(
        status.starts_with("{\"session\":\"TODAY\",\"state\":\"open\""),
        "{status}"
    );
    assert!(status.contains("\"username\":\"user\""), "{status}");
    let (_, metrics) = process.ask("GET", "/metrics", "");
    assert!(
        metrics.contains("\nsoupbintcp_sim_clients 1\n"),
        "{metrics}"
    );
    let (code, help) = process.ask("GET", "/faults", "");
    assert!(code == 200 && help.contains("heartbeats off|on"));
    let refused = process.ask("POST", "/faults", "paus");
    assert!(refused.0 == 400 && refused.1.contains("unknown fault \\\"paus\\\""));
    assert_eq!(process.ask("POST", "/faults", "").0, 400);
    let nobody = process.ask("POST", "/faults", "pause client=9");
    assert!(nobody.0 == 404 && nobody.1.contains("no client 9 is connected"));
    let none = process.ask("POST", "/faults", "end client=1\npause client=9");
    assert_eq!(none.0, 404);
    let ordered = process.ask("POST", "/faults", "pause\ndebug client=1 hello\n");
    assert_eq!(ordered, (200, "{\"clients\":[1,1]}".to_owned()));
    assert_eq!(client.messages().1, Seen::Debug("hello".to_owned()));
    kill_process(Pid::from_child(&process.child), Signal::TERM).unwrap();
    assert_eq!(client.news(), Seen::Fin(0));
    assert!(process.child.wait().unwrap().success());
}

#[test]
fn a_mistake_is_a_sentence_and_exit_code_2() {
    let listen = ["--listen", "127.0.0.1:0"];
    let with = |more: &[&str]| refused(&[&listen, more].concat());
    for (arguments, sentence) in [
        (
            &["--rate", "fast"][..],
            "a rate is a number of messages a second",
        ),
        (
            &["--start", "yesterday"],
            "expected @ and the seconds since 1970",
        ),
        (
            &["--session", "ELEVENCHARS"],
            "at most 10 printable ASCII characters",
        ),
        (&["--messages", "0"], "0 is not in 1.."),
        (
            &["--beyond-end", "shrug"],
            "[possible values: clamp, echo, reject]",
        ),
        (
            &["--burst", "half"],
            "a burst is written PERCENT%:PART/PERIOD",
        ),
        (
            &["--burst", "60%:1ms/1s", "--rate", "max"],
            "--burst spreads the messages of a rate",
        ),
        (&["--username", "me"], "--password-file"),
        (&["--stall", "1us"], "expected 1ms to 24h"),
        (
            &["--script", "/no/such"],
            "cannot read the script /no/such: No such file",
        ),
        (&["--replay", "/no/such"], "cannot replay /no/such"),
        (
            &["--admin", "0.0.0.0:0"],
            "--admin 0.0.0.0:0 can be reached from other machines",
        ),
        (
            &["--admin", "127.0.0.1:0", "--token-file", "/no/such"],
            "/no/such",
        ),
    ] {
        let (code, said) = with(arguments);
        assert!(
            code == 2 && said.contains(sentence),
            "{arguments:?}: {code} {said}"
        );
    }
    assert_eq!(refused(&[]).0, 2);
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_place() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let with = |flag| refused(&["--listen", "127.0.0.1:0", flag, path]);
    std::fs::write(path, "5s pause\n6s resum\n").unwrap();
    let (code, said) = with("--script");
    let wanted = format!("{path}: line 2: unknown fault \"resum\"; known are pause, resume, ");
    assert!(code == 2 && said.starts_with(&wanted), "{said}");
    std::fs::write(path, b"\0\x01a\0\x05abc").unwrap();
    let (code, said) = with("--replay");
    assert!(
        code == 2 && said.contains(path) && said.contains("message 2, at byte 3"),
        "{said}"
    );
}

#[test]
fn an_address_that_is_taken_fails_with_exit_code_1() {
    let process = Process::start(&[]);
    let (code, said) = refused(&["--listen", &process.feed.to_string()]);
    assert!(
        code == 1 && said.contains("another process does already"),
        "{said}"
    );
}

#[test]
fn two_processes_of_one_start_agree_and_one_that_was_killed_comes_back() {
    let flags = ["--rate", "1000", "--start", "@1763640000"];
    let (first, second) = (Process::start(&flags), Process::start(&flags));
    let mut client = Client::connect(first.feed);
    let newest = client.login(0);
    let message = client.message();
    drop(first);
    for process in [second, Process::start(&flags)] {
        let mut client = Client::connect(process.feed);
        assert_eq!(client.login(newest), newest);
        assert_eq!(client.message(), message);
    }
}

#[test]
fn a_server_that_stood_still_hears_what_was_said_meanwhile() {
    // No message for as long as this takes.
    let process = Process::start(&["--silence", "1s", "--start", "@4000000000"]);
    let mut client = Client::connect(process.feed);
    client.login(1);
    let pid = Pid::from_child(&process.child);
    kill_process(pid, Signal::STOP).unwrap();
    // To stand still for longer than a client may be silent is what is tested.
    std::thread::sleep(Duration::from_millis(1300));
    client.send(&Packet::ClientHeartbeat);
    kill_process(pid, Signal::CONT).unwrap();
    for _ in 0..5 {
        client.send(&Packet::ClientHeartbeat);
        let seen = client.next_within(Duration::from_millis(100));
        assert!(matches!(seen, None | Some(Seen::Heartbeat)), "{seen:?}");
    }
}
