//! Programs that a service manager starts: it holds their sockets, and is told how they are. The
//! test plays the service manager.
//!
//! `RESTARTS` says how often; the figures are printed (`--nocapture`).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;
use tests::config::{DRAIN, dc1, feed};
use tests::fifo::Fifo;
use tests::load::{Load, Session, within};
use tests::process::{PATIENCE, Program, run_on, until};
use tests::wire::{echo, send};
use tests::{failover_program, program};

/// How often to do it: few times in a test run, as often as it takes in a long one.
fn times(variable: &str, otherwise: usize) -> usize {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |times| times.parse().expect("a number"))
}

/// A service manager's side of a program: its socket, its file, and what it is told.
struct Unit {
    socket: TcpListener,
    told: UnixDatagram,
    directory: TempDir,
    program: &'static str,
    /// `FileDescriptorName=`.
    name: &'static str,
}

impl Unit {
    /// A unit whose configuration is made of the address of its socket.
    fn new(program: &'static str, config: impl FnOnce(SocketAddr) -> String) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let told = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        told.set_read_timeout(Some(PATIENCE)).unwrap();
        let config = config(socket.local_addr().unwrap());
        fs::write(directory.path().join("config.toml"), config).unwrap();
        Self {
            socket,
            told,
            directory,
            program,
            name: "a-name",
        }
    }

    fn gateway(config: impl FnOnce(SocketAddr) -> String) -> Self {
        Self::new(program!(), config)
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("config.toml")
    }

    /// The program's command line, with the socket as descriptor 3.
    fn command(&self) -> (Command, Stdio) {
        let mut command = Command::new("sh");
        let script = r#"exec 3<&0 </dev/null; LISTEN_PID=$$ exec "$0" run --config "$1""#;
        command.args(["-c", script, self.program]).arg(self.file());
        command
            .env("LISTEN_FDS", "1")
            .env("LISTEN_FDNAMES", self.name);
        let socket = OwnedFd::from(self.socket.try_clone().unwrap());
        (command, socket.into())
    }

    fn start(&self) -> Program {
        let (mut command, socket) = self.command();
        Program::spawn(command.stdin(socket))
    }

    /// What the program says when it cannot start.
    fn refusal(&self) -> String {
        let (mut command, socket) = self.command();
        let output = run_on(socket, &mut command);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    }

    /// The next thing that the program tells.
    fn told(&self) -> Vec<String> {
        let mut message = [0; 4096];
        let length = self.told.recv(&mut message).unwrap();
        let message = std::str::from_utf8(&message[..length]).unwrap();
        message.lines().map(str::to_owned).collect()
    }
}

/// A configuration that listens on `address`, with `drain` in its section.
fn listening(address: SocketAddr, endpoint: SocketAddr, drain: &str) -> String {
    let any = "[listen]\naddress = \"127.0.0.1:0\"";
    let text = dc1("workers = 2", &[endpoint], "").replace(DRAIN, drain);
    text.replace(any, &format!("[listen]\naddress = \"{address}\""))
}

/// Each process ends before the next one starts, as a service manager has it; all the while there
/// are short sessions, and some that take a while.
#[test]
fn a_restart_under_load_refuses_nobody_and_cuts_nobody() {
    let restarts = times("RESTARTS", 5);
    let endpoint = echo();
    let drain = "announce = \"0s\"\ndeadline = \"20s\"";
    let unit = Unit::gateway(|address| listening(address, endpoint, drain));
    let mut gateway = unit.start();
    assert_eq!(gateway.listen(), unit.address());
    let load = |clients, stays| Load::start(clients, unit.address(), "currency.dc1", stays);
    let (short, long) = (load(4, Duration::ZERO), load(8, Duration::from_millis(500)));
    for _ in 0..restarts {
        short.wait_for(50);
        long.wait_for(2);
        assert!(gateway.stop().success());
        gateway = unit.start();
    }
    short.wait_for(50);
    let (times, sessions) = (short.take_times(), (short.done(), long.done()));
    assert_eq!([short.stop(), long.stop()], [Vec::<String>::new(), vec![]]);
    println!(
        "{restarts} restarts, {} short sessions and {} of half a second: none refused, none cut; \
         time to the first answer p50 {:?}, p99 {:?}, at most {:?}",
        sessions.0,
        sessions.1,
        within(&times, 0.5),
        within(&times, 0.99),
        times.last().unwrap()
    );
}

/// The first process has room for one connection; who was not accepted by then, and who comes while
/// there is no process, is served by the next.
#[test]
fn what_is_queued_is_served_by_one_process_or_the_next() {
    let endpoint = echo();
    let unit = Unit::gateway(|address| {
        let text = listening(address, endpoint, DRAIN).replace("workers = 2", "workers = 1");
        format!("{text}[limits]\nconnections = 1\n")
    });
    let mut first = unit.start();
    let holder = Session::open(unit.address(), "currency.dc1").unwrap();
    let open = || {
        let address = unit.address();
        std::thread::spawn(move || Session::open(address, "currency.dc1").unwrap().close())
    };
    let mut queued: Vec<_> = (0..20).map(|_| open()).collect();
    let pauses = "mesh_gateway_accept_pauses_total{reason=\"limit\"}";
    first.metric_until(pauses, |pauses| pauses == 1.0);
    first.signal(Signal::TERM);
    first.line(|line| line.contains("draining"));
    holder.close().unwrap();
    assert!(first.wait().success());
    queued.push(open());
    let _second = unit.start();
    for client in queued {
        client.join().unwrap().unwrap();
    }
}

#[test]
fn a_socket_may_be_named_as_its_listener_and_one_without_is_a_mistake() {
    let endpoint = echo();
    let mut unit = Unit::gateway(|_| dc1("", &[endpoint], ""));
    let said = unit.refusal();
    let wanted = format!(
        "gives a socket on {} (a-name), and no listener",
        unit.address()
    );
    assert!(said.contains(&wanted), "{said}");
    unit.name = "listen";
    let gateway = unit.start();
    assert_eq!(gateway.listen(), unit.address());
    Session::open(unit.address(), "currency.dc1").unwrap();
    // A reload that leaves the socket to nobody is refused as well, and one that keeps it keeps it.
    let renamed = dc1("", &[endpoint], "").replace("[listen]", "[listen]\nname = \"other\"");
    fs::write(unit.file(), renamed).unwrap();
    let answer = gateway.post("/reload");
    assert!(answer.status == 409 && answer.body.contains(&wanted.replace("a-name", "listen")));
    fs::write(unit.file(), dc1("", &[endpoint], "")).unwrap();
    assert_eq!(gateway.post("/reload").status, 200);
    Session::open(unit.address(), "currency.dc1").unwrap();
}

/// Tells of itself, in these words and in this order.
fn tells_of_its_life(unit: &Unit) {
    let (mut command, socket) = unit.command();
    let command = command.env("NOTIFY_SOCKET", unit.directory.path().join("notify"));
    let mut program = Program::spawn(command.stdin(socket));
    assert_eq!(unit.told()[0], "READY=1");
    program.signal(Signal::HUP);
    let reloading = unit.told();
    assert_eq!(reloading[0], "RELOADING=1");
    let now = reloading[1].strip_prefix("MONOTONIC_USEC=").unwrap();
    assert!(now.parse::<u64>().unwrap() > 0);
    let ready = unit.told();
    assert_eq!(ready[0], "READY=1");
    assert!(
        ready[1].starts_with("STATUS=") && ready[1].contains("generation 1"),
        "{ready:?}"
    );
    fs::write(unit.file(), "mistaken = true").unwrap();
    program.signal(Signal::HUP);
    assert_eq!(unit.told()[0], "RELOADING=1");
    let ready = unit.told();
    assert_eq!(ready[0], "READY=1");
    assert!(ready[1].contains("old configuration"), "{ready:?}");
    program.signal(Signal::TERM);
    let stopping = unit.told();
    assert_eq!(stopping[0], "STOPPING=1");
    // The deadline's 30 s and a little: longer than the service manager might wait by itself.
    assert_eq!(stopping[2], "EXTEND_TIMEOUT_USEC=40000000");
    assert!(program.wait().success());
}

#[test]
fn both_programs_tell_of_readiness_reloads_and_the_end() {
    let endpoint = echo();
    tells_of_its_life(&Unit::gateway(|address| {
        listening(address, endpoint, DRAIN)
    }));
    tells_of_its_life(&Unit::new(failover_program!(), |address| {
        let text = feed(&[endpoint], "", "");
        text.replace(
            "listen = \"127.0.0.1:0\"",
            &format!("listen = \"{address}\""),
        )
    }));
}

/// A gateway that tells, and what it is to reload: a pool whose state file does not come.
fn telling(drain: &str) -> (Unit, Program, String, Fifo) {
    let (endpoint, fifo) = (echo(), Fifo::new());
    let unit = Unit::gateway(|address| listening(address, endpoint, drain));
    let (mut command, socket) = unit.command();
    let command = command.env("NOTIFY_SOCKET", unit.directory.path().join("notify"));
    let program = Program::spawn(command.stdin(socket));
    assert_eq!(unit.told()[0], "READY=1");
    let more = format!(
        "[[service]]\nname = \"more\"\nendpoints = [\"{endpoint}\"]\nstate_file = {:?}\n",
        fifo.path()
    );
    let hanging = fs::read_to_string(unit.file()).unwrap() + &more;
    (unit, program, hanging, fifo)
}

#[test]
fn of_two_reloads_at_once_each_is_told_from_its_beginning_to_its_end() {
    let (unit, program, hanging, fifo) = telling(DRAIN);
    fs::write(unit.file(), hanging).unwrap();
    let ask = b"POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let _first = send(program.address("admin"), ask);
    let held = fifo.opened();
    let _second = send(program.address("admin"), ask);
    // Asked after it, so that it has come.
    assert_eq!(program.get("/health/ready").status, 200);
    drop(held);
    let told: Vec<_> = (0..4).map(|_| unit.told()).collect();
    let words: Vec<_> = told.iter().map(|it| it[0].as_str()).collect();
    assert_eq!(words, ["RELOADING=1", "READY=1", "RELOADING=1", "READY=1"]);
    for (nth, said) in [(1, "generation 1"), (3, "generation 2")] {
        assert!(told[nth][1].contains(said), "{told:?}");
    }
}

#[test]
fn a_reload_that_is_given_up_is_told_so_before_the_end_and_none_begins_after() {
    let (unit, mut program, hanging, fifo) = telling("announce = \"10m\"");
    fs::write(unit.file(), hanging).unwrap();
    program.signal(Signal::HUP);
    let _held = fifo.opened();
    assert_eq!(unit.told()[0], "RELOADING=1");
    program.signal(Signal::TERM);
    let ready = unit.told();
    assert_eq!(ready[0], "READY=1");
    assert!(ready[1].contains("old configuration: the process is draining"));
    assert_eq!(unit.told()[0], "STOPPING=1");
    program.signal(Signal::HUP);
    program.line(|line| line.contains("draining and reloads nothing"));
    program.signal(Signal::TERM);
    assert!(unit.told()[0].starts_with("STATUS=stopped"));
    assert!(program.wait().success());
}

#[test]
fn a_socket_on_another_address_than_the_file_says_is_warned_of() {
    let mut unit = Unit::gateway(|_| {
        let text = dc1("", &[echo()], "");
        text.replacen("127.0.0.1:0", "127.0.0.1:8443", 1)
    });
    unit.name = "listen";
    let gateway = unit.start();
    assert_eq!(gateway.listen(), unit.address());
    let said = gateway.line(|line| line.contains("on another address than the file says"));
    for word in [&unit.address().to_string(), "127.0.0.1:8443", "listen"] {
        assert!(said.contains(word), "{word} in {said}");
    }
}

#[test]
fn sockets_for_another_process_are_left_alone() {
    let endpoint = echo();
    let unit = Unit::gateway(|_| dc1("", &[endpoint], ""));
    let (_, socket) = unit.command();
    let mut command = Command::new(program!());
    let command = command.args(["run", "--config"]).arg::<&Path>(&unit.file());
    let command = command.env("LISTEN_FDS", "1").env("LISTEN_PID", "1");
    let gateway = Program::spawn(command.stdin(socket));
    assert_ne!(gateway.listen(), unit.address());
    until("it serves", || gateway.get("/health/ready").status == 200);
}
