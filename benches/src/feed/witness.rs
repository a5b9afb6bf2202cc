//! One who reads at the other server itself while a line ends: what it waits, everybody would, and is
//! no doing of the bridge. With both servers and their kernel on one CPU, the end of the one holds up
//! the other.

use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::consumer::{LOGIN, LoggedIn};

/// The newest message that a server has.
const NEWEST: u64 = 0;

/// Bytes that are read at once.
const ROOM: usize = 64 * 1024;

/// Reads, and remembers when. It lives for less time than a server waits for a heartbeat.
#[derive(Debug)]
pub(super) struct Witness {
    stream: TcpStream,
    reads: Receiver<Instant>,
    reader: Option<JoinHandle<()>>,
}

impl Witness {
    /// Logs in at a server.
    pub(super) fn at(server: SocketAddr) -> Result<Self> {
        let LoggedIn { stream, .. } = LoggedIn::at(server, NEWEST).context("a witness")?;
        let (said, reads) = channel();
        let copy = stream.try_clone()?;
        Ok(Self {
            stream,
            reads,
            reader: Some(thread::spawn(move || read(copy, &said))),
        })
    }

    /// The longest time from one read to the next, from the last before `since` on, and up to the first
    /// at `until` or later.
    pub(super) fn longest_pause(&self, since: Instant, until: Instant) -> Result<Duration> {
        let (mut last, mut longest) = (None, Duration::ZERO);
        while last.is_none_or(|last| last < until) {
            let read = self.reads.recv_timeout(LOGIN);
            let read = read.context("the other server said nothing more")?;
            if let Some(last) = last.filter(|_| read >= since) {
                longest = longest.max(read.duration_since(last));
            }
            last = Some(read);
        }
        Ok(longest)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

fn read(mut stream: TcpStream, said: &Sender<Instant>) {
    let mut bytes = vec![0; ROOM];
    while stream.read(&mut bytes).is_ok_and(|read| read > 0) {
        if said.send(Instant::now()).is_err() {
            return;
        }
    }
}
