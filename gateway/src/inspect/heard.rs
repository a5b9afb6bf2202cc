//! A capture that is read from a file or a pipe while signals are heard.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::capture::LAST_FRAMES;
use super::file::{self, Damage, FileError, FileErrorKind, Reader};
use super::frame::Frame;
use super::inspector::counted;
use super::say::say_meanwhile;
use super::signals::Signals;

/// A file, or a pipe, that ends when a signal says so too.
pub(super) struct Heard {
    /// None if a signal ended it before it had said how packets begin.
    reader: Option<Reader>,
    signals: Arc<Signals>,
    /// How many packets were read.
    packets: Arc<AtomicU64>,
}

impl Heard {
    /// Opens a file, or stdin, and reads until it has said how packets begin, or a signal tells to end.
    /// Takes SIGINT, SIGTERM, SIGHUP and SIGUSR1 for this process, so there are to be no other threads
    /// yet.
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
        let reader = match Reader::from_source(file, Box::new(waiting)) {
            // Who writes the pipe was told by the same keys: it may have ended first.
            Err(error) if signals.is_end() && is_early_end(&error.kind) => None,
            opened => Some(opened?),
        };
        Ok(Self {
            reader,
            signals,
            packets,
        })
    }

    /// What is read; none if it was ended before there was anything to read.
    pub(super) fn reader(&self) -> Option<&Reader> {
        self.reader.as_ref()
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
        let Some(reader) = &mut self.reader else {
            return Ok(ended);
        };
        while let (ControlFlow::Continue(()), Some(frame)) = (&ended, reader.next()?) {
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
        let Some(reader) = &mut self.reader else {
            return Ok(false);
        };
        match reader.fill() {
            // Where it was left is no place to complain about.
            Err(_) if self.signals.is_end() => Ok(false),
            filled => filled,
        }
    }
}

/// Whether it ended where more would have come, and nothing that did come is wrong.
fn is_early_end(kind: &FileErrorKind) -> bool {
    match kind {
        FileErrorKind::Read { .. } => true,
        FileErrorKind::Damaged { damage, .. } => {
            matches!(damage, Damage::Truncated { .. } | Damage::NoInterface)
        }
        FileErrorKind::Open(_) => false,
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
                say_meanwhile(&format!("{packets} read"));
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

#[cfg(test)]
mod tests {
    use super::super::file::Part;
    use super::*;

    fn damaged(damage: Damage) -> FileErrorKind {
        FileErrorKind::Damaged {
            offset: 0,
            is_packed: false,
            damage,
        }
    }

    /// What is no capture is none, whoever ends it.
    #[test]
    fn an_early_end_is_no_damage() {
        let part = Part::FileHeader;
        let there = 0;
        assert!(is_early_end(&damaged(Damage::Truncated { part, there })));
        assert!(is_early_end(&damaged(Damage::NoInterface)));
        assert!(!is_early_end(&damaged(Damage::Unknown(*b"GET "))));
        assert!(!is_early_end(&damaged(Damage::LinkType(105))));
    }
}
