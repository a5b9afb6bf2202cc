//! A consumer whose every message is judged: a thread of its own reads, and hands on what came when.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::net::sockopt::set_socket_recv_buffer_size;
use soupbintcp_sim::day::Day;

use super::decode::{Decoder, HEARTBEAT, Said, login};
use super::oracle::{Oracle, hash};

/// How often a client says that it is there; servers allow 15 s.
const HEARTBEATS: Duration = Duration::from_secs(1);

/// A login that is not answered by then will not be.
pub(super) const LOGIN: Duration = Duration::from_secs(10);

/// How many of the last messages have their times kept.
const TIMES: usize = 1 << 20;

/// A connection, logged in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) stream: TcpStream,
    pub(super) decoder: Decoder,
    /// The number of the first message.
    pub(super) first: u64,
}

impl LoggedIn {
    /// Logs in at `address`, from message `sequence` on.
    pub(super) fn at(address: SocketAddr, sequence: u64) -> Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOGIN))?;
        stream.write_all(&login(sequence))?;
        let mut decoder = Decoder::new();
        let first = loop {
            match decoder.next() {
                Some(Said::Accepted(first)) => break first,
                Some(other) => bail!("a login was answered with {other:?}"),
                None => {}
            }
            let read = decoder.read(&mut stream);
            if read.context("a login was not answered")? == 0 {
                bail!("a login was answered by closing");
            }
        };
        stream.set_read_timeout(None)?;
        Ok(Self {
            stream,
            decoder,
            first,
        })
    }
}

/// What came.
enum Heard {
    /// The hashes of messages that were read at once.
    Messages(Instant, Vec<u64>),
    /// The connection ended, for this reason.
    Ended(String),
}

/// A consumer, and what is known of what it got.
#[derive(Debug)]
pub(super) struct Consumer {
    /// Its own end, as the bridge sees it.
    pub(super) local: SocketAddr,
    pub(super) oracle: Oracle,
    stream: TcpStream,
    heard: Receiver<Heard>,
    is_paused: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    /// When each of the last messages came; the last is that before the oracle's next.
    times: VecDeque<Instant>,
    /// Why the connection ended, if it did.
    pub(super) ended: Option<String>,
}

impl Consumer {
    /// Logs in at `address`, from message 1 on. Its socket holds so many bytes that it has not read,
    /// or as many as the kernel likes.
    pub(super) fn start(address: SocketAddr, day: &Day, buffer: Option<usize>) -> Result<Self> {
        let logged_in = LoggedIn::at(address, 1)?;
        if let Some(bytes) = buffer {
            set_socket_recv_buffer_size(&logged_in.stream, bytes)?;
        }
        let (said, heard) = channel();
        let is_paused = Arc::new(AtomicBool::new(false));
        let stream = logged_in.stream.try_clone()?;
        let (local, oracle) = (stream.local_addr()?, Oracle::new(day, logged_in.first));
        let paused = Arc::clone(&is_paused);
        let reader = thread::spawn(move || {
            let why = read(logged_in, &said, &paused);
            // Nobody listens any more where the consumer itself ends.
            let _ = said.send(Heard::Ended(why));
        });
        Ok(Self {
            local,
            oracle,
            stream,
            heard,
            is_paused,
            reader: Some(reader),
            times: VecDeque::new(),
            ended: None,
        })
    }

    /// The number of the message that is to come next.
    pub(super) fn next(&self) -> u64 {
        self.oracle.next()
    }

    /// When message `n` came, if it did and not too long ago.
    pub(super) fn came(&self, n: u64) -> Option<Instant> {
        let back = usize::try_from(self.next().checked_sub(n)?).ok()?;
        let place = self.times.len().checked_sub(back)?;
        self.times.get(place).copied()
    }

    /// The longest time from one message to the next, from the last that came before `since` on, and up
    /// to message `n`; none if too little is known of those.
    pub(super) fn longest_pause(&self, since: Instant, n: u64) -> Option<Duration> {
        let back = usize::try_from(self.next().checked_sub(n)?).ok()?;
        let last = self.times.len().checked_sub(back)?;
        let first = self
            .times
            .partition_point(|at| *at < since)
            .checked_sub(1)?;
        let pairs = || self.times.iter().zip(self.times.iter().skip(1));
        let pauses = pairs().take(last).skip(first);
        pauses.map(|(at, next)| next.duration_since(*at)).max()
    }

    /// Takes what comes until `deadline`, or until the connection ends.
    pub(super) fn listen(&mut self, deadline: Instant) {
        while self.ended.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.heard.recv_timeout(left) {
                Ok(heard) => self.take(heard),
                Err(RecvTimeoutError::Timeout) => return,
                Err(RecvTimeoutError::Disconnected) => self.ended = Some("no reader".to_owned()),
            }
        }
    }

    /// Takes what comes until it has message `n`.
    pub(super) fn listen_for(&mut self, n: u64, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while self.next() <= n {
            if let Some(why) = &self.ended {
                bail!("the consumer lost its connection before message {n}: {why}");
            }
            let Ok(heard) = self
                .heard
                .recv_timeout(deadline.saturating_duration_since(Instant::now()))
            else {
                bail!(
                    "message {n} did not come within {within:?}; next is {}",
                    self.next()
                );
            };
            self.take(heard);
        }
        Ok(())
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Messages(at, hashes) => {
                for hash in hashes {
                    self.oracle.received(hash);
                    if self.times.len() == TIMES {
                        self.times.pop_front();
                    }
                    self.times.push_back(at);
                }
            }
            Heard::Ended(why) => {
                self.oracle.faults.disconnects += 1;
                self.ended = Some(why);
            }
        }
    }

    /// Reads nothing from now on.
    pub(super) fn pause(&self) {
        self.is_paused.store(true, Relaxed);
    }

    /// Reads again.
    pub(super) fn resume(&self) {
        self.is_paused.store(false, Relaxed);
        if let Some(reader) = &self.reader {
            reader.thread().unpark();
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
        self.resume();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// Reads to the end: why it came to it.
fn read(logged_in: LoggedIn, said: &Sender<Heard>, is_paused: &AtomicBool) -> String {
    let LoggedIn {
        mut stream,
        mut decoder,
        ..
    } = logged_in;
    let mut spoken = Instant::now();
    loop {
        while is_paused.load(Relaxed) {
            thread::park();
        }
        let read = decoder.read(&mut stream);
        let now = Instant::now();
        match read {
            Ok(0) => return "closed".to_owned(),
            Ok(_) => {}
            Err(error) => return error.to_string(),
        }
        let mut hashes = Vec::new();
        while let Some(it) = decoder.next() {
            match it {
                Said::Message(message) => hashes.push(hash(message)),
                Said::Heartbeat => {}
                other => return format!("the server said {other:?}"),
            }
        }
        if said.send(Heard::Messages(now, hashes)).is_err() {
            return "nobody listens".to_owned();
        }
        // Something comes at least every second: the other side has heartbeats too.
        if now - spoken >= HEARTBEATS {
            spoken = now;
            if let Err(error) = stream.write_all(HEARTBEAT) {
                return error.to_string();
            }
        }
    }
}
