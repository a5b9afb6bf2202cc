//! Many consumers in few threads: each waits for all of its sockets at once.

use std::io::ErrorKind;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;
use rustix::time::Timespec;

use super::super::consumer::LoggedIn;
use super::super::decode::{Decoder, HEARTBEAT, Said};
use super::tally::{Judge, Tally};

/// How often a client says that it is there; the port allows 30 s.
const HEARTBEATS: Duration = Duration::from_secs(5);

/// Sockets that are told of at once.
const EVENTS: usize = 256;

/// How often it is looked whether it is too late, though nothing came.
const LOOK: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// One consumer.
#[derive(Debug)]
pub(super) struct Reader {
    stream: TcpStream,
    decoder: Decoder,
    judge: Judge,
    spoken: Instant,
    /// Whether the session has ended, which it does with as many messages as it should have.
    is_over: bool,
}

impl Reader {
    /// Of a consumer that gets everything.
    pub(super) fn new(it: LoggedIn) -> Result<Self> {
        let LoggedIn {
            stream,
            decoder,
            first,
        } = it;
        ensure!(first == 1, "message 1 was asked for, and {first} came");
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            decoder,
            judge: Judge::default(),
            spoken: Instant::now(),
            is_over: false,
        })
    }

    /// Takes what is there.
    fn read(&mut self, messages: u64, tally: &mut Tally) -> Result<()> {
        let count = self.judge.count;
        match self.decoder.read(&mut self.stream) {
            Ok(0) => bail!("a consumer was cut after message {count}"),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => bail!("a consumer was cut after message {count}: {error}"),
        }
        let now = Instant::now();
        self.take(now, messages, tally)?;
        self.speak(now)
    }

    fn take(&mut self, now: Instant, messages: u64, tally: &mut Tally) -> Result<()> {
        while let Some(said) = self.decoder.next() {
            match said {
                Said::Message(message) => {
                    let time = self.judge.message(message)?;
                    tally.message(self.judge.count, time, now)?;
                }
                Said::Heartbeat => {}
                Said::EndOfSession => {
                    self.judge.end(messages)?;
                    self.is_over = true;
                }
                other => bail!("the port said {other:?}"),
            }
        }
        Ok(())
    }

    fn speak(&mut self, now: Instant) -> Result<()> {
        if now - self.spoken >= HEARTBEATS && !self.is_over {
            self.spoken = now;
            self.stream.write_all(HEARTBEAT)?;
        }
        Ok(())
    }
}

/// Reads until the session of so many messages has ended for each of them.
pub(super) fn read_all(
    mut readers: Vec<Reader>,
    messages: u64,
    mut tally: Tally,
    deadline: Instant,
) -> Result<Tally> {
    let poller = poller(&readers)?;
    let mut events = Vec::with_capacity(EVENTS);
    let mut left = readers.len();
    while left > 0 {
        let late = Instant::now() >= deadline;
        ensure!(!late, "{left} consumers had not everything in time");
        wait(&poller, &mut events)?;
        for event in events.drain(..) {
            let reader = &mut readers[event.data.u64() as usize];
            reader.read(messages, &mut tally)?;
            if reader.is_over {
                epoll::delete(&poller, &reader.stream)?;
                left -= 1;
            }
        }
    }
    Ok(tally)
}

fn poller(readers: &[Reader]) -> Result<OwnedFd> {
    let poller = epoll::create(CreateFlags::CLOEXEC)?;
    for (nth, reader) in readers.iter().enumerate() {
        let data = EventData::new_u64(nth as u64);
        epoll::add(&poller, &reader.stream, data, EventFlags::IN)?;
    }
    Ok(poller)
}

fn wait(poller: &OwnedFd, events: &mut Vec<Event>) -> Result<()> {
    match epoll::wait(poller, spare_capacity(events), Some(&LOOK)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
