//! Programs whose files do not come: whatever a reload waits for, they serve, and end when told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tests::config::{JSON_LOG, dc1, feed};
use tests::fifo::Fifo;
use tests::process::{Program, until};
use tests::wire::{End, connect, echo, read_exactly, read_to_end, send};
use tests::{failover, failover_program, gateway, hello};

/// A program with a session through it, and a change of its configuration that waits for a FIFO.
struct Serving {
    program: Program,
    listen: SocketAddr,
    session: TcpStream,
    /// The configuration with one more pool, whose state file is the FIFO.
    hanging: String,
    fifo: Fifo,
}

impl Serving {
    fn gateway() -> Self {
        let (endpoint, fifo) = (echo(), Fifo::new());
        let before = dc1("", &[endpoint], JSON_LOG);
        let more = format!(
            "[[service]]\nname = \"more\"\nendpoints = [\"{endpoint}\"]\nstate_file = {:?}\n",
            fifo.path()
        );
        let program = gateway!(before);
        let listen = program.listen();
        let hello = hello::named(b"currency.dc1");
        let mut session = send(listen, &hello);
        assert_eq!(read_exactly(&mut session, hello.len()), hello);
        Self {
            hanging: format!("{before}{more}"),
            program,
            listen,
            session,
            fifo,
        }
    }

    fn failover() -> Self {
        let (endpoint, fifo) = (echo(), Fifo::new());
        let before = feed(&[endpoint], "", "");
        let more = format!(
            "[[port]]\nname = \"more\"\nlisten = \"127.0.0.1:0\"\nprimary = [\"{endpoint}\"]\n\
             state_file = {:?}\n",
            fifo.path()
        );
        let program = failover!(before);
        let listen = program.address("feed");
        let mut serving = Self {
            hanging: format!("{before}{more}"),
            program,
            listen,
            session: connect(listen),
            fifo,
        };
        serving.exchange();
        serving
    }

    fn both() -> [Self; 2] {
        [Self::gateway(), Self::failover()]
    }

    fn exchange(&mut self) {
        self.session.write_all(b"still there").unwrap();
        assert_eq!(read_exactly(&mut self.session, 11), b"still there");
    }

    /// The session may finish, and the process ends as it should.
    fn ends_in_order(mut self) {
        self.program.signal(Signal::TERM);
        until("nobody is taken", || {
            TcpStream::connect(self.listen).is_err()
        });
        self.exchange();
        drop(self.session);
        assert!(self.program.wait().success());
    }

    /// The session is reset, and the process ends at once.
    fn ends_at_once(mut self) {
        self.program.signal(Signal::TERM);
        self.program.line(|line| line.contains("\"draining\""));
        self.program.signal(Signal::TERM);
        assert!(self.program.wait().success());
        assert_eq!(read_to_end(&mut self.session).1, End::Reset);
    }
}

#[test]
fn a_fifo_in_place_of_the_configuration_is_refused_and_the_end_comes_as_always() {
    for ends in [Serving::ends_in_order, Serving::ends_at_once] {
        for mut serving in Serving::both() {
            let program = &serving.program;
            program.rewrite_as_fifo();
            program.signal(Signal::HUP);
            program.line(|line| line.contains("config.toml: this is a FIFO, which"));
            assert_eq!(program.post("/reload").status, 409);
            serving.exchange();
            ends(serving);
        }
    }
}

#[test]
fn a_reload_that_hangs_keeps_nobody_waiting_and_goes_on_when_the_file_comes() {
    for mut serving in Serving::both() {
        let program = &serving.program;
        program.rewrite(&serving.hanging);
        let ask = "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
        let asking = send(program.address("admin"), ask.as_bytes());
        let held = serving.fifo.opened();
        // Whoever asks may go away.
        drop(asking);
        assert_eq!(program.get("/health/ready").status, 200);
        serving.exchange();
        drop(held);
        serving
            .program
            .line(|line| line.contains("the configuration was reloaded"));
        serving.ends_in_order();
    }
}

#[test]
fn a_drain_gives_a_reload_up_that_hangs() {
    for serving in Serving::both() {
        serving.program.rewrite(&serving.hanging);
        serving.program.signal(Signal::HUP);
        let _held = serving.fifo.opened();
        serving.ends_in_order();
    }
}

#[test]
fn a_second_signal_ends_a_process_whose_reload_hangs() {
    for serving in Serving::both() {
        serving.program.rewrite(&serving.hanging);
        serving.program.signal(Signal::HUP);
        let _held = serving.fifo.opened();
        serving.ends_at_once();
    }
}

/// Before anything else is read: a hangup ends no process that has only begun to start.
#[test]
fn while_it_starts_a_hangup_does_not_end_it_and_another_signal_does() {
    let (fifo, directory) = (Fifo::new(), tempfile::tempdir().unwrap());
    let file = directory.path().join("config.toml");
    let token = format!("token_file = {:?}\naddress = ", fifo.path());
    let config = feed(&[echo()], "", "").replacen("address = ", &token, 1);
    std::fs::write(&file, config).unwrap();
    let mut command = Command::new(failover_program!());
    let command = command.args(["run", "--config"]).arg(&file);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let _held = fifo.opened();
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::HUP).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::TERM.as_raw()));
}
