//! An HTTP endpoint as a process of its own, to be killed, stopped and started again.
//!
//! It answers every GET with its name, `/health` with 200, and keeps connections open.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Socket, Type};

/// Serves at `address` under `name`, for ever; says `ready ADDRESS` once it is bound.
///
/// # Errors
///
/// When the address cannot be had.
pub fn serve(name: &str, address: SocketAddr) -> io::Result<()> {
    let listener = bind(address)?;
    writeln!(io::stderr(), "ready {}", listener.local_addr()?)?;
    for stream in listener.incoming() {
        let (stream, name) = (stream?, name.to_owned());
        // What goes wrong here, the client sees and says.
        std::thread::spawn(move || answer(&stream, &name));
    }
    Ok(())
}

/// Where connections of a killed predecessor may still linger.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(socket.into())
}

fn answer(mut stream: &TcpStream, name: &str) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream).lines();
    loop {
        // The head ends with an empty line; there is no body.
        loop {
            match lines.next().transpose()? {
                None => return Ok(()),
                Some(line) if line.is_empty() => break,
                Some(_) => {}
            }
        }
        let length = name.len();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{name}");
        stream.write_all(head.as_bytes())?;
    }
}

/// A process that runs `PROGRAM NAME ADDRESS …` and says where it is ready. Dropping it ends it at
/// once.
#[derive(Debug)]
pub struct Endpoint {
    program: String,
    name: String,
    address: SocketAddr,
    more: Vec<PathBuf>,
    child: Child,
}

/// Starts an endpoint of this name on a free port of loopback.
#[macro_export]
macro_rules! endpoint {
    ($name:expr) => {
        $crate::endpoint::Endpoint::start(env!("CARGO_BIN_EXE_endpoint-under-test"), $name)
    };
}

/// Starts a [`service`](mod@crate::service) as a process of its own, of this name, at this address, with
/// the certificate and the key of these files.
#[macro_export]
macro_rules! service {
    ($name:expr, $address:expr, $files:expr) => {
        $crate::endpoint::Endpoint::start_at(
            env!("CARGO_BIN_EXE_service-under-test"),
            $name,
            $address,
            $files,
        )
    };
}

impl Endpoint {
    /// Starts `program`; see [`endpoint!`](crate::endpoint!).
    pub fn start(program: &str, name: &str) -> Self {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_at(program, name, anywhere, [])
    }

    /// Starts `program` at this address, with files that it wants; see
    /// [`service!`](crate::service!).
    pub fn start_at(
        program: &str,
        name: &str,
        address: SocketAddr,
        files: impl IntoIterator<Item = PathBuf>,
    ) -> Self {
        let more: Vec<PathBuf> = files.into_iter().collect();
        let (child, address) = spawn(program, name, address, &more);
        Self {
            program: program.to_owned(),
            name: name.to_owned(),
            address,
            more,
            child,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it answers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        // Not reaped yet, so that its id is nobody else's.
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it at once, and awaits that it has ended.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again where it was.
    pub fn restart(&mut self) {
        (self.child, _) = spawn(&self.program, &self.name, self.address, &self.more);
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        // It may have ended before.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the program and waits until it is ready.
fn spawn(program: &str, name: &str, address: SocketAddr, more: &[PathBuf]) -> (Child, SocketAddr) {
    let mut command = Command::new(program);
    command.args([name, &address.to_string()]).args(more);
    let mut child = command
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let said = child.stderr.take().expect("it is piped");
    BufReader::new(said).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("ready ");
    let address = address.unwrap_or_else(|| panic!("{command:?} says: {line}"));
    (child, address.parse().unwrap())
}
