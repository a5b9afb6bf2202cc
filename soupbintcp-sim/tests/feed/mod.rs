//! A server in this process, and clients of it that look at every frame.
#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(unreachable_pub, reason = "a module of tests")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use l4_failover::soupbin::packet::{Credentials, Kind, LoginRequest, Packet, SessionId, split};
use soupbintcp_sim::server::{Handle, Options, Rate, Server};
use tokio::sync::oneshot;

/// Nothing that a test waits for takes longer, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const SECOND: Duration = Duration::from_secs(1);

/// Options of a server on a free port.
pub fn options() -> Options {
    Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        ..Options::default()
    }
}

/// The same, at this many messages a second since so long ago.
pub fn scheduled(rate: &str, since: Duration) -> Options {
    Options {
        rate: rate.parse().unwrap(),
        start: Some(SystemTime::now() - since),
        ..options()
    }
}

/// The same, with no message for an hour.
pub fn quiet() -> Options {
    Options {
        start: Some(SystemTime::now() + 3600 * SECOND),
        ..options()
    }
}

/// The same, as fast as clients read.
pub fn unbounded() -> Options {
    Options {
        rate: Rate::Max,
        ..options()
    }
}

/// Asks again and again until it is so.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "still waiting until {what}");
        thread::yield_now();
    }
}

/// A server that runs until it is dropped.
pub struct Feed {
    pub address: SocketAddr,
    pub handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Feed {
    pub fn start(options: Options) -> Self {
        let server = Server::bind(options).unwrap();
        let (address, handle) = (server.addresses()[0], server.handle());
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let stopped = async { stopped.await.unwrap_or(()) };
            runtime.block_on(server.serve(stopped)).unwrap();
        });
        Self {
            address,
            handle,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Carries out an order, in words; how many clients it reached.
    pub fn order(&self, order: &str) -> usize {
        self.handle.order(&order.parse().unwrap()).unwrap()
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// A client that has logged in to the active session, at this number.
    pub fn login(&self, sequence: u64) -> Client {
        let mut client = self.connect();
        client.login(sequence);
        client
    }

    /// What a login at this number is answered.
    pub fn answer(&self, sequence: u64) -> Seen {
        self.answer_to(request("", sequence))
    }

    pub fn answer_to(&self, login: LoginRequest) -> Seen {
        let mut client = self.connect();
        client.send(&Packet::LoginRequest(login));
        client.next()
    }

    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking());
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.end();
    }
}

pub fn request(session: &str, sequence: u64) -> LoginRequest {
    LoginRequest {
        credentials: Credentials::new("user", "secret").unwrap(),
        session: session.parse().unwrap(),
        sequence,
        heartbeat_timeout: None,
    }
}

/// What came next on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Accepted(String, u64),
    /// `J`, with its letter, and FIN.
    Rejected(char),
    Message(Vec<u8>),
    Heartbeat,
    Debug(String),
    Unsequenced(String),
    /// `Z`.
    End,
    /// FIN, after so many bytes of a frame.
    Fin(usize),
    /// RST, after so many bytes of a frame.
    Rst(usize),
}

impl Seen {
    pub fn sequence(&self) -> u64 {
        match self {
            Self::Accepted(_, sequence) => *sequence,
            other => panic!("no acceptance: {other:?}"),
        }
    }
}

/// A client that says nothing unless it is told to.
pub struct Client {
    pub stream: TcpStream,
    bytes: Vec<u8>,
    at: usize,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            bytes: Vec::new(),
            at: 0,
        }
    }

    pub fn login(&mut self, sequence: u64) -> u64 {
        self.send(&Packet::LoginRequest(request("", sequence)));
        self.next().sequence()
    }

    pub fn send(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes).unwrap();
        self.send_raw(&bytes);
    }

    pub fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// What comes next.
    pub fn next(&mut self) -> Seen {
        self.next_within(PATIENCE).expect("something comes")
    }

    /// What comes next, if anything comes within this time.
    pub fn next_within(&mut self, time: Duration) -> Option<Seen> {
        // Of frames that are there already none waits.
        self.stream.set_read_timeout(Some(time)).unwrap();
        self.read()
    }

    fn read(&mut self) -> Option<Seen> {
        loop {
            if let Some(frame) = split(&self.bytes[self.at..]).unwrap() {
                let seen = seen(frame.kind, &frame.packet().unwrap());
                self.at += frame.len();
                return Some(seen);
            }
            self.bytes.drain(..self.at);
            self.at = 0;
            let mut buffer = [0; 65536];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Some(Seen::Fin(self.bytes.len())),
                Ok(count) => self.bytes.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    return Some(Seen::Rst(self.bytes.len()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) => panic!("nothing came: {error}"),
            }
        }
    }

    /// What comes next that is no heartbeat.
    pub fn news(&mut self) -> Seen {
        loop {
            match self.next() {
                Seen::Heartbeat => {}
                seen => return seen,
            }
        }
    }

    /// The next message; heartbeats before it are passed over.
    pub fn message(&mut self) -> Vec<u8> {
        match self.news() {
            Seen::Message(message) => message,
            other => panic!("no message: {other:?}"),
        }
    }

    /// Messages as far as something else that is no heartbeat comes; and that.
    pub fn messages(&mut self) -> (Vec<Vec<u8>>, Seen) {
        let mut messages = Vec::new();
        loop {
            match self.news() {
                Seen::Message(message) => messages.push(message),
                other => return (messages, other),
            }
        }
    }

    /// Whether nothing comes for so long.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        assert_eq!(self.at, self.bytes.len(), "all was looked at");
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.read(&mut [0]);
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn seen(kind: Kind, packet: &Packet<'_>) -> Seen {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match packet {
        Packet::LoginAccepted(it) => Seen::Accepted(it.session.to_string(), it.sequence),
        Packet::LoginRejected(it) => Seen::Rejected(*it as u8 as char),
        Packet::Sequenced(message) => Seen::Message(message.to_vec()),
        Packet::ServerHeartbeat => Seen::Heartbeat,
        Packet::Debug(bytes) => Seen::Debug(text(bytes)),
        Packet::Unsequenced(bytes) => Seen::Unsequenced(text(bytes)),
        Packet::EndOfSession => Seen::End,
        _ => panic!("a server never sends {kind}"),
    }
}

/// A session's name.
pub fn session(name: &str) -> SessionId {
    name.parse().unwrap()
}
