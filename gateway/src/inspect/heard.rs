//! A capture that is read from a file or a pipe while signals are heard.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::capture::LAST_FRAMES;
use super::file::{self, FileError, FileErrorKind, Reader};
use super::frame::Frame;
use super::inspector::counted;
use super::signals::Signals;

/// A file, or a pipe, that ends when a signal says so too.
pub(super) struct Heard {
    reader: Reader,
    signals: Arc<Signals>,
    /// How many packets were read.
    packets: Arc<AtomicU64>,
}

impl Heard {
    /// Opens a file, or stdin, and reads until it has said how packets begin. Takes SIGINT, SIGTERM,
    /// SIGHUP and SIGUSR1 for this process, so there are to be no other threads yet.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub(super) fn open(file: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError {
            file: file.to_owned(),
            kind: FileErrorKind::Open(source),
        };
        // Not before: while a pipe waits for who writes it, a signal ends the process by itself.
        let from = file::open(file).map_err(failed)?;
        let signals = Arc::new(Signals::new().map_err(failed)?);
        let packets = Arc::new(AtomicU64::new(0));
        let waiting = Waiting {
            from,
            signals: Arc::clone(&signals),
            packets: Arc::clone(&packets),
            ends: None,
        };
        Ok(Self {
            reader: Reader::from_source(file, Box::new(waiting))?,
            signals,
            packets,
        })
    }

    /// What is read.
    pub(super) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Shows the frames that are in memory, until `see` breaks.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub(super) fn each<B>(
        &mut self,
        mut see: impl FnMut(&Frame<'_>) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, FileError> {
        let mut read = 0;
        let mut ended = ControlFlow::Continue(());
        while let (ControlFlow::Continue(()), Some(frame)) = (&ended, self.reader.next()?) {
            read += 1;
            ended = see(&frame);
        }
        self.packets.fetch_add(read, Relaxed);
        Ok(ended)
    }

    /// Waits for more. False at the end, and once a signal has told to end.
    ///
    /// # Errors
    /// As [`Reader::fill`].
    pub(super) fn fill(&mut self) -> Result<bool, FileError> {
        match self.reader.fill() {
            // Where it was left is no place to complain about.
            Err(_) if self.signals.is_end() => Ok(false),
            filled => filled,
        }
    }
}

/// What is read, once there is something.
struct Waiting {
    from: File,
    signals: Arc<Signals>,
    packets: Arc<AtomicU64>,
    /// When it ends, once it is to: what is in a pipe already is read.
    ends: Option<Instant>,
}

impl Read for Waiting {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !self.is_ready()? {
            if self.signals.take_counts() {
                let packets = counted(self.packets.load(Relaxed), "packet");
                // A closed stderr leaves nobody to tell.
                let _ = writeln!(io::stderr(), "mesh-gateway: {packets} read");
            }
            if self.signals.is_end() {
                self.ends
                    .get_or_insert_with(|| Instant::now() + LAST_FRAMES);
            }
        }
        self.from.read(into)
    }
}

impl Waiting {
    /// Waits for bytes or a signal; whether there are bytes and no signal.
    fn is_ready(&self) -> io::Result<bool> {
        let left = self
            .ends
            .map(|ends| ends.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::Error::other("a signal ended it"));
        }
        let longest = left.map(|left| Timespec {
            tv_sec: left.as_secs().cast_signed(),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut waited = [
            PollFd::new(&*self.signals, PollFlags::IN),
            PollFd::new(&self.from, PollFlags::IN),
        ];
        match poll(&mut waited, longest.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let [signals, from] = waited.map(|it| !it.revents().is_empty());
        Ok(from && !signals)
    }
}
