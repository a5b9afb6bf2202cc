//! Pipes for splice(2): a bounded pool.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

/// Pipes that are not lent, and how many exist in all.
///
/// The bound keeps the process well under `pipe-user-pages-soft` (64 MiB by default), where every
/// further pipe shrinks to two pages.
#[derive(Debug)]
pub(super) struct Pipes(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    max: usize,
    size: usize,
    lent: AtomicUsize,
    free: Mutex<Vec<Ends>>,
}

#[derive(Debug)]
struct Ends {
    read: OwnedFd,
    write: OwnedFd,
}

impl Pipes {
    pub(super) fn new(max: usize, size: usize) -> Self {
        Self(Arc::new(Pool {
            max,
            size,
            lent: AtomicUsize::new(0),
            free: Mutex::default(),
        }))
    }

    pub(super) fn lent(&self) -> usize {
        self.0.lent.load(SeqCst)
    }

    /// A pipe, empty; none when all are lent, or when the process is out of descriptors.
    pub(super) fn lend(&self) -> Option<Pipe> {
        let pool = &self.0;
        let room = |lent| (lent < pool.max).then_some(lent + 1);
        pool.lent.fetch_update(SeqCst, SeqCst, room).ok()?;
        let free = pool.free().pop();
        let Some(ends) = free.or_else(|| Ends::open(pool.size)) else {
            pool.lent.fetch_sub(1, SeqCst);
            return None;
        };
        Some(Pipe {
            ends: Some(ends),
            held: 0,
            pool: Arc::clone(pool),
        })
    }
}

impl Pool {
    fn free(&self) -> MutexGuard<'_, Vec<Ends>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ends {
    fn open(size: usize) -> Option<Self> {
        let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).ok()?;
        // Over the user's share of pipe memory the kernel refuses; a smaller pipe works as well.
        let _ = fcntl_setpipe_size(&write, size);
        Some(Self { read, write })
    }
}

/// A pipe lent to one flow, and the bytes inside.
#[derive(Debug)]
pub(super) struct Pipe {
    /// `None` only while it is dropped.
    ends: Option<Ends>,
    held: usize,
    pool: Arc<Pool>,
}

impl Pipe {
    /// Bytes inside.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Moves bytes in from a socket. Only when the pipe is empty: then `WouldBlock` can only mean
    /// that the socket is drained, never that the pipe is full.
    pub(super) fn fill(&mut self, socket: &impl AsFd) -> io::Result<usize> {
        debug_assert_eq!(
            self.held, 0,
            "a full pipe and a drained socket look the same"
        );
        let size = self.pool.size;
        let moved = self.ends(|ends| splice(socket, None, &ends.write, None, size, FLAGS))?;
        self.held = moved;
        Ok(moved)
    }

    /// Moves bytes out to a socket.
    pub(super) fn drain(&mut self, socket: &impl AsFd) -> io::Result<usize> {
        let held = self.held;
        let moved = self.ends(|ends| splice(&ends.read, None, socket, None, held, FLAGS))?;
        self.held -= moved;
        Ok(moved)
    }

    /// Reads the bytes inside into memory, so that the pipe can serve another flow.
    pub(super) fn rescue(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.held];
        let mut filled = 0;
        while filled < bytes.len() {
            filled += self.ends(|ends| rustix::io::read(&ends.read, &mut bytes[filled..]))?;
        }
        self.held = 0;
        Ok(bytes)
    }

    fn ends<T>(&self, mut call: impl FnMut(&Ends) -> rustix::io::Result<T>) -> io::Result<T> {
        let ends = self.ends.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        Ok(rustix::io::retry_on_intr(|| call(ends))?)
    }
}

const FLAGS: SpliceFlags = SpliceFlags::NONBLOCK.union(SpliceFlags::MOVE);

impl Drop for Pipe {
    /// Gives the pipe back; one with bytes inside is closed, lest they reach another connection.
    fn drop(&mut self) {
        if self.held == 0
            && let Some(ends) = self.ends.take()
        {
            self.pool.free().push(ends);
        }
        self.pool.lent.fetch_sub(1, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn no_more_than_the_bound_are_lent() {
        let pipes = Pipes::new(2, 4096);
        let (first, second) = (pipes.lend(), pipes.lend());
        assert!(first.is_some() && second.is_some() && pipes.lend().is_none());
        drop(first);
        assert_eq!(pipes.lent(), 1);
        assert!(pipes.lend().is_some());
    }

    #[test]
    fn a_pipe_with_bytes_inside_is_not_lent_again() {
        let pipes = Pipes::new(1, 4096);
        let (mut writer, reader) = UnixStream::pair().unwrap();
        writer.write_all(b"left behind").unwrap();
        let mut pipe = pipes.lend().unwrap();
        assert_eq!(pipe.fill(&reader).unwrap(), 11);
        drop(pipe);

        let (out, mut received) = UnixStream::pair().unwrap();
        writer.write_all(b"next").unwrap();
        let mut pipe = pipes.lend().unwrap();
        assert_eq!(pipe.fill(&reader).unwrap(), 4);
        assert_eq!(pipe.drain(&out).unwrap(), 4);
        drop(out);
        let mut bytes = String::new();
        received.read_to_string(&mut bytes).unwrap();
        assert_eq!(bytes, "next");
    }

    #[test]
    fn a_rescue_empties_the_pipe() {
        let pipes = Pipes::new(1, 65536);
        let (mut writer, reader) = UnixStream::pair().unwrap();
        writer.write_all(&[7; 5000]).unwrap();
        let mut pipe = pipes.lend().unwrap();
        pipe.fill(&reader).unwrap();
        assert_eq!(pipe.rescue().unwrap(), [7; 5000]);
        assert_eq!(pipe.held(), 0);
    }
}
