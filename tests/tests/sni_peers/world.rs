//! Two machines with a cable between them, TLS servers on one of them, and what is captured at the other.

use std::fs::{self, File};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tests::namespace::Namespace;
use tests::peers::{self, Peer};
use tests::pki::Authority;
use tests::process::{PATIENCE, until};

/// What every test here needs.
const PROGRAMS: [&str; 5] = ["ip", "ethtool", "openssl", "dumpcap", "tshark"];

/// Where the servers are: the ports are free in a namespace of the test's own.
pub(crate) const SERVER: &str = "10.0.0.2";
pub(crate) const SERVER_V6: &str = "fd00::2";
pub(crate) const TLS: u16 = 443;
/// Of this server, clients do not know beforehand which group it wants.
pub(crate) const PICKY: u16 = 8443;
pub(crate) const DTLS: u16 = 4433;

/// Where nobody listens: the discard service.
const DISCARD: u16 = 9;
/// What ends a capture.
const LAST: &[u8] = b"this is the last packet of the capture";

/// The clients' machine, and the servers'.
pub(crate) struct World {
    pub(crate) here: Namespace,
    pub(crate) there: Namespace,
    directory: TempDir,
}

impl World {
    /// None, with the reason printed, where something is missing that it takes.
    pub(crate) fn new(more: &[&str]) -> Option<Self> {
        if !peers::are_here(&[&PROGRAMS, more].concat()) {
            return None;
        }
        let made = cable().inspect_err(|why| peers::skip(why)).ok();
        let (here, there) = made?;
        let directory = tempfile::tempdir().unwrap();
        let identity = Authority::default().issue(&["server.dc1"]);
        identity.write(directory.path(), "server");
        Some(Self {
            here,
            there,
            directory,
        })
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// Starts a server, once it listens.
    pub(crate) fn serve(&self, port: u16, options: &[&str]) -> Peer {
        let mut command = Command::new("sh");
        // The one for DTLS ends when its stdin does.
        let script = "sleep 600 | exec \"$0\" s_server \"$@\" >&2";
        command.args(["-c", script]);
        command.arg(peers::command("openssl").get_program());
        command.args(["-accept", &port.to_string()]).args(options);
        command.arg("-cert").arg(self.path("server.pem"));
        command.arg("-key").arg(self.path("server.key"));
        let server = self.there.enter(|| Peer::start(&mut command));
        let is_ready = server.line(|line| line == "ACCEPT").is_some();
        assert!(is_ready, "{:?}", server.lines());
        server
    }

    /// The servers that most clients go to.
    pub(crate) fn serve_web(&self) -> [Peer; 2] {
        [
            self.serve(TLS, &["-www", "-cipher", "DEFAULT:@SECLEVEL=0"]),
            self.serve(PICKY, &["-www", "-groups", "P-384"]),
        ]
    }

    /// What passes an interface of the clients' machine while something is done there.
    pub(crate) fn capture(&self, interface: &str, what: impl FnOnce() + Send) -> PathBuf {
        let mut capture = Capture::begin(self, interface, &["-P"], "pcap");
        self.here.enter(what);
        capture.end();
        capture.file
    }
}

fn cable() -> Result<(Namespace, Namespace), String> {
    let (here, there) = (Namespace::new()?, Namespace::new()?);
    here.link(&there)?;
    for (machine, address) in [(&here, "fd00::1"), (&there, SERVER_V6)] {
        machine.ip(&format!("address add {address}/64 dev eth0 nodad"))?;
    }
    Ok((here, there))
}

/// A capture that goes on for as long as this lives.
pub(crate) struct Capture<'a> {
    world: &'a World,
    pub(crate) file: PathBuf,
    _program: Peer,
}

impl<'a> Capture<'a> {
    /// Captures on an interface into a file of this kind.
    pub(crate) fn begin(world: &'a World, interface: &str, options: &[&str], kind: &str) -> Self {
        let file = world.path(&format!("{interface}.{kind}"));
        let mut command = peers::command("dumpcap");
        command.args(["-q", "-i", interface, "-w"]).arg(&file);
        command.args(options);
        let program = world.here.enter(|| Peer::start(&mut command));
        let is_open = program.line(|line| line.starts_with("File: ")).is_some();
        assert!(is_open, "{:?}", program.lines());
        Self {
            world,
            file,
            _program: program,
        }
    }

    /// Waits until all that has passed is in the file.
    pub(crate) fn end(&mut self) {
        self.world.here.enter(|| {
            let to = if is_loopback(&self.file) {
                "127.0.0.1"
            } else {
                SERVER
            };
            let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
            socket.send_to(LAST, (to, DISCARD)).unwrap();
        });
        until("the last packet is captured", || {
            let bytes = fs::read(&self.file).unwrap();
            bytes.windows(LAST.len()).any(|part| part == LAST)
        });
    }
}

fn is_loopback(file: &Path) -> bool {
    file.file_stem().is_some_and(|name| name == "lo")
}

/// A socket on the servers' machine that takes datagrams and says nothing.
pub(crate) fn silent(world: &World, address: &str) -> UdpSocket {
    let socket = world.there.enter(|| UdpSocket::bind(address)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// A new file in the directory of the world.
pub(crate) fn created(world: &World, name: &str) -> (PathBuf, File) {
    let path = world.path(name);
    let file = File::create(&path).unwrap();
    (path, file)
}
