//! Bytes on their way out: into the socket at once, and what it does not take waits here.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;

/// What a socket has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Vec<u8>,
    /// How much of it was written.
    written: usize,
    /// Whether something was written that may wait inside of the stream.
    is_unflushed: bool,
}

impl Outbox {
    /// Whether the kernel has everything.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.is_unflushed
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() - self.written
    }

    /// Writes what the stream takes now, and keeps the rest.
    pub(super) fn put(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        bytes: &[u8],
        cx: &mut Context<'_>,
    ) -> io::Result<()> {
        let mut rest = bytes;
        if self.waiting.is_empty() {
            while !rest.is_empty() {
                match write(stream, rest, cx) {
                    Poll::Ready(written) => rest = &rest[written?..],
                    Poll::Pending => break,
                }
                self.is_unflushed = true;
            }
        }
        self.waiting.extend_from_slice(rest);
        if self.waiting.is_empty() && self.is_unflushed {
            self.is_unflushed = Pin::new(stream).poll_flush(cx)?.is_pending();
        }
        Ok(())
    }

    /// Writes what the stream takes now of what waits: how much. Pending where that is nothing.
    pub(super) fn poll_write(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.written < self.waiting.len() {
            let written = ready!(write(stream, &self.waiting[self.written..], cx))?;
            self.written += written;
            self.is_unflushed = true;
            if self.written == self.waiting.len() {
                // An idle connection owns no buffer.
                (self.waiting, self.written) = (Vec::new(), 0);
            }
            return Poll::Ready(Ok(written));
        }
        ready!(Pin::new(stream).poll_flush(cx))?;
        self.is_unflushed = false;
        Poll::Ready(Ok(0))
    }
}

fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    match ready!(Pin::new(stream).poll_write(cx, bytes))? {
        0 => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
        written => Poll::Ready(Ok(written)),
    }
}
