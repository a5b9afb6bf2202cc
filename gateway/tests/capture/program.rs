//! `mesh-gateway sni -i`, as its users start it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};
use tests::process::{PATIENCE, run};
use tests::{hello, peers};

use super::cable;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mesh-gateway"));
    command.arg("sni").env("RUST_BACKTRACE", "0");
    command
}

/// The program, capturing. Dropping it ends it.
struct Sniffer {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Sniffer {
    /// Starts it where the thread is, and waits until it listens.
    fn start(words: &[&str]) -> Self {
        let mut command = program();
        command.args(words).stdin(Stdio::null());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = follow(child.stdout.take().unwrap());
        let err = follow(child.stderr.take().unwrap());
        let sniffer = Self { child, out, err };
        let first = sniffer.said();
        assert!(first.starts_with("listening on "), "{first}");
        sniffer
    }

    /// The next line on stdout.
    fn line(&self) -> String {
        self.out.recv_timeout(PATIENCE).expect("a line on stdout")
    }

    /// The next line on stderr.
    fn said(&self) -> String {
        self.err.recv_timeout(PATIENCE).expect("a line on stderr")
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Sniffer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        for line in lines {
            let _ = send.send(line);
        }
    });
    lines
}

/// Says a hello with this name to this address, where somebody listens.
fn greet(address: &str, name: &str) {
    let listener = TcpListener::bind(address).unwrap();
    let mut stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    stream.write_all(&hello::named(name.as_bytes())).unwrap();
    // Until it was read, nothing is closed.
    let mut first = [0];
    listener.accept().unwrap().0.read_exact(&mut first).unwrap();
}

/// Three lines: captured, received by filter, dropped by kernel.
fn counts(sniffer: &Sniffer) -> [String; 3] {
    let counts = [sniffer.said(), sniffer.said(), sniffer.said()];
    for (line, end) in counts
        .iter()
        .zip(["captured", "received by filter", "dropped by kernel"])
    {
        assert!(line.ends_with(end), "{counts:?}");
    }
    counts
}

#[test]
fn hellos_are_told_as_they_pass_until_a_signal_comes() {
    let Some((here, there)) = cable() else { return };
    here.enter(|| {
        let words = ["-i", "eth0", "tcp port 8443 and sni *.dc1"];
        let sniffer = Sniffer::start(&words);
        let listener = TcpListener::bind("10.0.0.1:8443").unwrap();
        for name in ["currency.dc2", "currency.dc1"] {
            let mut stream = there.enter(|| TcpStream::connect("10.0.0.1:8443").unwrap());
            stream.write_all(&hello::named(name.as_bytes())).unwrap();
            drop(listener.accept().unwrap());
        }
        let line = sniffer.line();
        assert!(line.contains(" sni=currency.dc1 "), "{line}");
        assert!(line.contains(" > 10.0.0.1.8443: ClientHello "), "{line}");
        sniffer.signal(Signal::USR1);
        let said = sniffer.said();
        assert!(said.starts_with("mesh-gateway: "), "{said}");
        assert!(
            said.contains(" received by filter, 0 packets dropped by kernel"),
            "{said}"
        );
        sniffer.signal(Signal::INT);
        assert_eq!(counts(&sniffer)[2], "0 packets dropped by kernel");
        assert_eq!(sniffer.ended().code(), Some(0));
    });
}

#[test]
fn any_tells_a_hello_over_loopback_once() {
    let Some((here, _there)) = cable() else {
        return;
    };
    here.enter(|| {
        let sniffer = Sniffer::start(&["-i", "any", "-c", "2"]);
        greet("127.0.0.1:8443", "one.dc1");
        greet("127.0.0.1:8443", "two.dc1");
        assert!(sniffer.line().contains(" sni=one.dc1 "));
        assert!(sniffer.line().contains(" sni=two.dc1 "));
        counts(&sniffer);
        assert_eq!(sniffer.ended().code(), Some(0));
    });
}

/// Of one interface all packets begin alike; of `any`, one may come up that has others.
#[test]
fn a_file_of_any_has_the_link_type_of_the_first_packet_that_is_written() {
    let Some((here, _there)) = cable() else {
        return;
    };
    for (interface, len) in [("lo", 24), ("any", 0)] {
        here.enter(|| {
            let file = tempfile::NamedTempFile::new().unwrap();
            let path = file.path().to_str().unwrap();
            let written = || file.as_file().metadata().unwrap().len();
            let sniffer = Sniffer::start(&["-i", interface, "-w", path]);
            // What is to be written before it waits was.
            sniffer.signal(Signal::USR1);
            sniffer.said();
            assert_eq!(written(), len, "{interface}");
            greet("127.0.0.1:8443", "one.dc1");
            tests::process::until("packets are written", || written() > 24);
            sniffer.signal(Signal::INT);
            counts(&sniffer);
            assert_eq!(sniffer.ended().code(), Some(0));
            let header = std::fs::read(path).unwrap();
            assert_eq!(header[20], 1, "{interface}");
        });
    }
}

#[test]
fn other_signals_end_it_too_and_what_came_just_before_is_told() {
    let Some((here, _there)) = cable() else {
        return;
    };
    for signal in [Signal::TERM, Signal::HUP] {
        here.enter(|| {
            let sniffer = Sniffer::start(&["-i", "lo"]);
            greet("127.0.0.1:8443", "last.dc1");
            sniffer.signal(signal);
            assert!(sniffer.line().contains(" sni=last.dc1 "));
            counts(&sniffer);
            assert_eq!(sniffer.ended().code(), Some(0));
        });
    }
}

#[test]
fn an_interface_that_goes_is_waited_for_and_one_that_is_removed_is_a_failure_with_its_counts() {
    let Some((here, there)) = cable() else {
        return;
    };
    here.enter(|| {
        let sniffer = Sniffer::start(&["-i", "eth0"]);
        here.unplug();
        let down = "mesh-gateway: the interface eth0 went down; the capture goes on once it is up";
        assert_eq!(sniffer.said(), down);
        here.plug();
        let listener = TcpListener::bind("10.0.0.1:8443").unwrap();
        let mut stream = there.enter(|| TcpStream::connect("10.0.0.1:8443").unwrap());
        stream.write_all(&hello::named(b"again.dc1")).unwrap();
        let line = sniffer.line();
        assert!(line.contains(" sni=again.dc1 "), "{line}");
        drop(listener);
        here.ip("link del eth0").unwrap();
        let mut said = sniffer.said();
        // It may have been seen down first.
        if said == down {
            said = sniffer.said();
        }
        assert!(said.ends_with(" captured"), "{said}");
        assert!(sniffer.said().ends_with(" received by filter"));
        assert!(sniffer.said().ends_with(" dropped by kernel"));
        assert_eq!(sniffer.said(), "the interface eth0 vanished");
        assert_eq!(sniffer.ended().code(), Some(1));
    });
}

#[test]
fn who_may_not_capture_is_told_what_to_grant() {
    if !peers::are_here(&["setpriv"]) {
        return;
    }
    let program = env!("CARGO_BIN_EXE_mesh-gateway");
    let mut command = peers::command("setpriv");
    command.args([
        "--bounding-set=-net_raw",
        "--inh-caps=-all",
        program,
        "sni",
        "-i",
        "lo",
    ]);
    let output = run(&mut command);
    let said = String::from_utf8(output.stderr).unwrap();
    if said.starts_with("setpriv:") {
        return peers::skip(&said);
    }
    let path = std::fs::canonicalize(program).unwrap();
    let wanted = format!(
        "no permission to capture: it takes the capability CAP_NET_RAW, and `sudo setcap \
         cap_net_raw+ep {}` grants it\n",
        path.display()
    );
    assert_eq!((said, output.status.code()), (wanted, Some(1)));
}

#[test]
fn what_is_no_interface_and_what_is_no_filter() {
    let said = |words: &[&str]| {
        let output = run(program().args(words));
        (
            String::from_utf8(output.stderr).unwrap(),
            output.status.code(),
        )
    };
    let (why, code) = said(&["-i", "nowhere0"]);
    assert!(
        why.starts_with("there is no interface nowhere0: there are "),
        "{why}"
    );
    assert_eq!(code, Some(1));
    let (why, code) = said(&["-i", "lo", "tcp[13] & 2 != 0"]);
    assert!(why.contains("`tcp[` is not supported"), "{why}");
    assert_eq!(code, Some(2));
    let listed = run(program().arg("-D"));
    assert!(String::from_utf8(listed.stdout).unwrap().contains(".any "));
}
