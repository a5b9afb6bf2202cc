//! What a consumer is to get next: pieces that it shares with others, written as they lie.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

/// Pieces of one write.
const SLICES: usize = 16;

/// Pieces that wait for the consumer's socket.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) pieces: VecDeque<Bytes>,
    /// Whether something was written that may wait inside of the stream.
    is_unflushed: bool,
}

impl Outgoing {
    /// Whether the kernel has everything.
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty() && !self.is_unflushed
    }

    /// Writes what the stream takes now: how many bytes. Pending where that is nothing.
    pub(super) fn poll_write(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.pieces.is_empty() {
            ready!(Pin::new(stream).poll_flush(cx))?;
            self.is_unflushed = false;
            return Poll::Ready(Ok(0));
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let count = self.pieces.len().min(SLICES);
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(piece);
        }
        let stream = Pin::new(stream);
        let written = ready!(stream.poll_write_vectored(cx, &slices[..count]))?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.took(written);
        self.is_unflushed = true;
        Poll::Ready(Ok(written))
    }

    fn took(&mut self, mut written: usize) {
        while let Some(piece) = self.pieces.front_mut() {
            if piece.len() > written {
                return piece.advance(written);
            }
            written -= piece.len();
            self.pieces.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn pieces_come_whole_and_in_order_however_little_is_taken_at_once() {
        let (mut near, mut far) = tokio::io::duplex(7);
        let mut out = Outgoing::default();
        let text = "0123456789".repeat(10);
        let pieces = (0..50).map(|nth| Bytes::from(text[2 * nth..2 * nth + 2].to_owned()));
        out.pieces.extend(pieces);
        let write = async {
            while !out.is_empty() {
                poll_fn(|cx| out.poll_write(&mut near, cx)).await.unwrap();
            }
            drop(near);
        };
        let mut read = String::new();
        let (_, length) = tokio::join!(write, far.read_to_string(&mut read));
        assert_eq!((length.unwrap(), read), (100, text));
    }
}
