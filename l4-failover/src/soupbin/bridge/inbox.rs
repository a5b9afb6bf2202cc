//! Bytes that came, up to the last whole frame; the rest waits here for what follows it.

use std::io;
use std::task::{Context, Poll};

use tokio::io::AsyncRead;

use crate::socket::scratch;

/// The beginning of a frame.
#[derive(Debug, Default)]
pub(in crate::soupbin) struct Inbox {
    rest: Vec<u8>,
}

impl Inbox {
    /// Reads once, and gives `take` everything that is there; it says how many bytes it took. The
    /// number of bytes that were read, 0 at the end.
    pub(in crate::soupbin) fn poll_read(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        cx: &mut Context<'_>,
        take: impl FnOnce(&[u8], &mut Context<'_>) -> usize,
    ) -> Poll<io::Result<usize>> {
        scratch::poll_read(stream, cx, scratch::BYTES, |read, cx| {
            if read.is_empty() {
                return 0;
            }
            if self.rest.is_empty() {
                let taken = take(read, cx);
                self.rest = read[taken..].to_vec();
            } else {
                self.rest.extend_from_slice(read);
                let taken = take(&self.rest, cx);
                self.rest.drain(..taken);
                if self.rest.is_empty() {
                    // An idle connection owns no buffer.
                    self.rest = Vec::new();
                }
            }
            read.len()
        })
    }

    /// Gives `take` what is there already; whether it took any of it.
    pub(in crate::soupbin) fn again(&mut self, take: impl FnOnce(&[u8]) -> usize) -> bool {
        if self.rest.is_empty() {
            return false;
        }
        let taken = take(&self.rest);
        self.rest.drain(..taken);
        taken > 0
    }
}
