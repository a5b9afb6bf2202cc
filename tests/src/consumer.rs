//! A consumer of a feed: it logs in, says that it lives, and keeps what it was sent. Nothing here is
//! shared with the programs under test: the frames are read and written by hand.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use soupbintcp_sim::day::Day;

use crate::oracle::{Oracle, Tally};
use crate::process::PATIENCE;
use crate::wire::{End, connect};

/// The seed of the feeds, unless they say otherwise.
pub const SEED: u64 = 7;

/// A side that has sent nothing for so long sends a heartbeat.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// How often it is looked whether that is due.
const LOOK: Duration = Duration::from_millis(100);

/// What a consumer logs in with.
#[derive(Clone, Debug)]
pub struct Login {
    /// Six characters at most.
    pub username: String,
    /// Ten characters at most.
    pub password: String,
    /// Ten characters at most; none for whichever session is there.
    pub session: String,
    /// The first message that it wants; 0 for the newest.
    pub sequence: u64,
    /// What version 4.10 says of heartbeats, in milliseconds.
    pub timeout: Option<u32>,
}

impl Login {
    /// From this message on, of whichever session is there.
    pub fn at(sequence: u64) -> Self {
        Self {
            username: "USER".to_owned(),
            password: "PASSWORD".to_owned(),
            session: String::new(),
            sequence,
            timeout: None,
        }
    }

    /// As it goes over the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let (user, password) = (&self.username, &self.password);
        let (session, sequence) = (&self.session, self.sequence);
        let timeout = self.timeout.map(|timeout| format!("{timeout:>5}"));
        let fields = format!(
            "{user:<6}{password:<10}{session:>10}{sequence:>20}{}",
            timeout.unwrap_or_default()
        );
        frame(b'L', fields.as_bytes())
    }
}

/// A frame.
pub fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len() + 1).unwrap().to_be_bytes();
    [&length[..], &[kind], payload].concat()
}

/// A consumer that is connected, or was.
#[derive(Debug)]
pub struct Consumer {
    stream: TcpStream,
    heard: Arc<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    is_stuck: AtomicBool,
    record: Mutex<Record>,
    more: Condvar,
}

/// What a consumer was sent.
#[derive(Debug, Default)]
struct Record {
    /// The beginning of a frame.
    rest: Vec<u8>,
    accepted: Option<(String, u64)>,
    rejected: Option<char>,
    oracle: Option<Oracle>,
    /// When each message came.
    arrivals: Vec<Instant>,
    /// When each heartbeat came.
    heartbeats: Vec<Instant>,
    ends_of_session: u32,
    /// Debug and unsequenced packets, with their type.
    unnumbered: Vec<Vec<u8>>,
    /// Frames that no server sends, and those in the wrong place.
    strange: Vec<String>,
    end: Option<(End, Instant)>,
}

/// How it went with a consumer whose connection has ended.
#[derive(Debug)]
pub struct Gone {
    /// How the connection ended.
    pub end: End,
    /// When.
    pub at: Instant,
    /// What the login was answered, if it was rejected.
    pub rejected: Option<char>,
    /// How often it was told that the session is over.
    pub ends_of_session: u32,
    /// When each heartbeat came.
    pub heartbeats: Vec<Instant>,
    /// The number of the message that would have come next; none if it was not let in.
    pub next: Option<u64>,
    /// What came.
    pub tally: Tally,
    /// Whether the last frame was whole.
    pub is_whole: bool,
}

impl Consumer {
    /// Connects to `address`, and logs in.
    pub fn login(address: SocketAddr, login: &Login) -> Self {
        let stream = connect(address);
        let consumer = Self {
            heard: Arc::default(),
            stream: stream.try_clone().unwrap(),
        };
        consumer.send(&login.bytes());
        let (heard, day) = (Arc::clone(&consumer.heard), Day::new(SEED));
        std::thread::spawn(move || heard.follow(stream, &day));
        consumer
    }

    /// Connects to `address`, logs in from this message on, and is let in there.
    pub fn at(address: SocketAddr, sequence: u64) -> Self {
        let consumer = Self::login(address, &Login::at(sequence));
        assert_eq!(consumer.accepted().1, sequence);
        consumer
    }

    /// Its own address, which is that of one connection.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().unwrap()
    }

    /// Sends bytes.
    pub fn send(&self, bytes: &[u8]) {
        (&self.stream).write_all(bytes).unwrap();
    }

    /// The session, and where it goes on, once it is told.
    pub fn accepted(&self) -> (String, u64) {
        self.wait("an accepted login", |record| record.accepted.clone())
    }

    /// Whether it was told anything but heartbeats.
    pub fn is_answered(&self) -> bool {
        let record = self.heard.lock();
        record.accepted.is_some() || record.rejected.is_some() || record.end.is_some()
    }

    /// The number of the message that comes next.
    pub fn next(&self) -> u64 {
        let record = self.heard.lock();
        record.oracle.as_ref().map_or(0, Oracle::next)
    }

    /// Waits until message `number` came.
    pub fn await_message(&self, number: u64) {
        self.wait(&format!("message {number}"), |record| {
            let next = record.oracle.as_ref().map_or(0, Oracle::next);
            (next > number).then_some(())
        });
    }

    /// Waits until so many messages more came; the number of the next.
    pub fn await_more(&self, messages: u64) -> u64 {
        let wanted = self.next() + messages;
        self.await_message(wanted - 1);
        wanted
    }

    /// How long no message came before this one did.
    pub fn waited_for(&self, number: u64) -> Duration {
        self.await_message(number);
        let record = self.heard.lock();
        let first = record.accepted.as_ref().unwrap().1;
        let place = usize::try_from(number - first).unwrap();
        record.arrivals[place] - record.arrivals[place - 1]
    }

    /// The longest time from one message to the next since this moment: the last that came before it
    /// counts.
    pub fn longest_pause_since(&self, since: Instant) -> Duration {
        let record = self.heard.lock();
        let first = record.arrivals.partition_point(|at| *at < since);
        let arrivals = &record.arrivals[first.saturating_sub(1)..];
        let pauses = arrivals.windows(2).map(|pair| pair[1] - pair[0]);
        pauses.max().unwrap_or_default()
    }

    /// The debug and unsequenced packets so far, with their type.
    pub fn unnumbered(&self) -> Vec<Vec<u8>> {
        self.heard.lock().unnumbered.clone()
    }

    /// Reads nothing, and says nothing, until [`read_on`](Self::read_on).
    pub fn read_nothing(&self) {
        self.heard.is_stuck.store(true, Relaxed);
    }

    /// Reads on.
    pub fn read_on(&self) {
        self.heard.is_stuck.store(false, Relaxed);
    }

    /// When the last message came, or since when there was none.
    pub fn last_message(&self) -> Option<Instant> {
        self.heard.lock().arrivals.last().copied()
    }

    /// What came so far.
    pub fn tally(&self) -> Tally {
        let record = self.heard.lock();
        record
            .oracle
            .as_ref()
            .map_or_else(Tally::default, Oracle::tally)
    }

    /// It is connected, was sent nothing strange, and every message once, in order.
    pub fn assert_whole(&self) {
        let record = self.heard.lock();
        assert_eq!(record.end, None, "disconnected");
        assert_eq!(record.ends_of_session, 0);
        record.assert_clean();
    }

    /// How it ended, once it has.
    pub fn gone(&self) -> Gone {
        self.wait("an end", |record| {
            let (end, at) = record.end?;
            record.assert_clean();
            let oracle = record.oracle.as_ref();
            Some(Gone {
                end,
                at,
                rejected: record.rejected,
                ends_of_session: record.ends_of_session,
                heartbeats: record.heartbeats.clone(),
                next: oracle.map(Oracle::next),
                tally: oracle.map_or_else(Tally::default, Oracle::tally),
                is_whole: record.rest.is_empty(),
            })
        })
    }

    /// What `wanted` finds, once it finds something.
    fn wait<T>(&self, what: &str, wanted: impl Fn(&Record) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        let mut record = self.heard.lock();
        loop {
            if let Some(found) = wanted(&record) {
                return found;
            }
            let is_over = record.end.is_some() || Instant::now() >= until;
            assert!(!is_over, "no {what}; {}", record.brief());
            record = self.heard.more.wait_timeout(record, LOOK).unwrap().0;
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    fn follow(&self, mut stream: TcpStream, day: &Day) {
        stream.set_read_timeout(Some(LOOK)).unwrap();
        let (mut buffer, mut said) = ([0; 64 * 1024], Instant::now());
        let end = loop {
            if self.is_stuck.load(Relaxed) {
                // To read nothing is what it is there for.
                std::thread::sleep(LOOK);
                continue;
            }
            match stream.read(&mut buffer) {
                Ok(0) => break End::Fin,
                Ok(count) => self.lock().take(&buffer[..count], day),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => break End::Reset,
            }
            self.more.notify_all();
            if said.elapsed() >= HEARTBEAT {
                said = Instant::now();
                let sent = stream.write_all(&frame(b'R', b""));
                // A reset is told once: here, and then reading does not tell it.
                if sent.is_err_and(|it| it.kind() == ErrorKind::ConnectionReset) {
                    break End::Reset;
                }
            }
        };
        self.lock().end = Some((end, Instant::now()));
        self.more.notify_all();
    }
}

impl Record {
    fn take(&mut self, bytes: &[u8], day: &Day) {
        self.rest.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.rest);
        let mut rest = &bytes[..];
        while let [high, low, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if after.len() < length {
                break;
            }
            let (frame, later) = after.split_at(length);
            self.frame(frame, day);
            rest = later;
        }
        self.rest = rest.to_vec();
    }

    fn frame(&mut self, frame: &[u8], day: &Day) {
        match (frame, &mut self.oracle) {
            ([b'A', fields @ ..], None) if fields.len() == 30 => self.accept(fields, day),
            ([b'J', reason], None) => self.rejected = Some(char::from(*reason)),
            ([b'S', message @ ..], Some(oracle)) if self.ends_of_session == 0 => {
                oracle.take(message);
                self.arrivals.push(Instant::now());
            }
            ([b'H'], Some(_)) if self.ends_of_session == 0 => {
                self.heartbeats.push(Instant::now());
            }
            ([b'+' | b'U', ..], Some(_)) => self.unnumbered.push(frame.to_vec()),
            ([b'Z'], Some(_)) => self.ends_of_session += 1,
            _ => self.strange.push(format!("{}", frame.escape_ascii())),
        }
    }

    fn accept(&mut self, fields: &[u8], day: &Day) {
        let text = std::str::from_utf8(fields).unwrap();
        let (session, sequence) = text.split_at(10);
        let sequence = sequence.trim_start().parse().unwrap();
        self.accepted = Some((session.trim_start().to_owned(), sequence));
        self.oracle = Some(Oracle::new(day, sequence));
    }

    fn assert_clean(&self) {
        assert!(self.strange.is_empty(), "{:?}", self.strange);
        let tally = self.oracle.as_ref().map(Oracle::tally).unwrap_or_default();
        assert!(tally.is_clean(), "{tally:?}");
    }

    fn brief(&self) -> String {
        format!(
            "login {:?} {:?}, {:?}, {} heartbeats, {} ends, strange {:?}, end {:?}",
            self.accepted,
            self.rejected,
            self.oracle.as_ref().map(Oracle::tally),
            self.heartbeats.len(),
            self.ends_of_session,
            self.strange,
            self.end,
        )
    }
}
