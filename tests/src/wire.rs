//! Plain TCP, byte by byte: clients, backends, and addresses where nobody answers.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::{Domain, SockRef, Socket, Type};

use crate::process::PATIENCE;

/// How the other side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With FIN: all was said.
    Fin,
    /// With RST.
    Reset,
}

/// Connects to `address`; no read waits longer than a test does.
pub fn connect(address: SocketAddr) -> TcpStream {
    try_connect(address).unwrap()
}

/// The same where whoever accepts may reset at once, which may be sooner than this returns.
///
/// # Errors
///
/// Why there is no connection, or none any more.
pub fn try_connect(address: SocketAddr) -> io::Result<TcpStream> {
    TcpStream::connect_timeout(&address, PATIENCE).map(patient)
}

/// Connects, sends `bytes`, and leaves the connection open.
pub fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(bytes).unwrap();
    stream
}

/// Closes with RST.
pub fn reset(stream: TcpStream) {
    let linger = Some(Duration::ZERO);
    SockRef::from(&stream).set_linger(linger).unwrap();
}

/// Everything that the other side still sends, and how it ends.
pub fn read_to_end(stream: &mut TcpStream) -> (Vec<u8>, End) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (bytes, End::Fin),
            Ok(count) => bytes.extend(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (bytes, End::Reset),
            Err(error) => panic!("{error} after {} bytes", bytes.len()),
        }
    }
}

/// Connects, says nothing, and reads to the end, which may come before the connection is known here.
pub fn listen_to(address: SocketAddr) -> (Vec<u8>, End) {
    match try_connect(address) {
        Ok(mut stream) => read_to_end(&mut stream),
        Err(error) if error.kind() == ErrorKind::ConnectionReset => (Vec::new(), End::Reset),
        Err(error) => panic!("{error}"),
    }
}

/// The next `count` bytes.
pub fn read_exactly(stream: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Sends `bytes` and reads as many back; whether they are the same.
pub fn echoes(stream: &mut TcpStream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).unwrap();
    read_exactly(stream, bytes.len()) == bytes
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A backend whose connections the test takes one by one.
#[derive(Debug)]
pub struct Backend(TcpListener);

impl Default for Backend {
    fn default() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }
}

impl From<TcpListener> for Backend {
    fn from(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Backend {
    /// A backend that takes a few kilobytes, and more only when it is read from.
    pub fn narrow() -> Self {
        let backend = Self::default();
        let socket = SockRef::from(&backend.0);
        socket.set_recv_buffer_size(4096).unwrap();
        // The sender's buffer grows with the size of its segments.
        socket.set_tcp_mss(536).unwrap();
        backend
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next connection.
    pub fn accept(&self) -> TcpStream {
        self.accept_within(PATIENCE).expect("somebody connects")
    }

    /// The next connection, if there is one within this time.
    pub fn accept_within(&self, limit: Duration) -> Option<TcpStream> {
        let is_asked = self.is_asked_within(limit);
        is_asked.then(|| patient(self.0.accept().unwrap().0))
    }

    /// The next connection that says something, of which this is the beginning; those that say
    /// nothing are health checks.
    pub fn accept_asking(&self, beginning: &[u8]) -> TcpStream {
        loop {
            let mut stream = self.accept();
            let mut said = vec![0; beginning.len()];
            match stream.read_exact(&mut said) {
                Ok(()) => {
                    assert_eq!(said, beginning);
                    return stream;
                }
                Err(error) => assert_eq!(error.kind(), ErrorKind::UnexpectedEof),
            }
        }
    }

    /// Whether a connection waits that says something, or that goes on; health checks do neither.
    pub fn is_told_anything(&self) -> bool {
        while self.is_asked() {
            let read = self.accept().read(&mut [0]);
            if !matches!(read, Ok(0)) {
                return true;
            }
        }
        false
    }

    /// Whether a connection waits to be accepted now.
    pub fn is_asked(&self) -> bool {
        self.is_asked_within(Duration::ZERO)
    }

    fn is_asked_within(&self, limit: Duration) -> bool {
        let limit = Timespec::try_from(limit).unwrap();
        let mut listener = [PollFd::new(&self.0, PollFlags::IN)];
        poll(&mut listener, Some(&limit)).unwrap() == 1
    }
}

/// Starts a backend that sends back what it gets, on every connection, as long as the test runs.
pub fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || serve_echo(&listener));
    address
}

/// Sends back what `listener`'s connections send, for ever.
pub fn serve_echo(listener: &TcpListener) {
    for stream in listener.incoming().map_while(Result::ok) {
        std::thread::Builder::new()
            .stack_size(64 * 1024)
            .spawn(move || {
                // The test sees what is missing.
                let _ = std::io::copy(&mut &stream, &mut &stream);
                let _ = stream.shutdown(Shutdown::Write);
            })
            .unwrap();
    }
}

/// An address that refuses connections for as long as this lives.
#[derive(Debug)]
pub struct Refusing(Socket);

impl Default for Refusing {
    fn default() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }
}

impl Refusing {
    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap().as_socket().unwrap()
    }
}

/// An address that never answers for as long as this lives: a listener whose queue is full.
#[derive(Debug)]
pub struct Silent {
    listener: Refusing,
    _queued: Vec<TcpStream>,
}

/// A queue of length 0 takes one connection, and Linux may let a second one slip in.
const QUEUED_MAX: usize = 8;

impl Default for Silent {
    fn default() -> Self {
        let listener = Refusing::default();
        listener.0.listen(0).unwrap();
        let attempt = |_| {
            let limit = Duration::from_millis(100);
            TcpStream::connect_timeout(&listener.address(), limit).ok()
        };
        let queued: Vec<TcpStream> = (0..QUEUED_MAX).map_while(attempt).collect();
        assert!(queued.len() < QUEUED_MAX, "the queue never fills");
        Self {
            listener,
            _queued: queued,
        }
    }
}

impl Silent {
    /// The address.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }
}
