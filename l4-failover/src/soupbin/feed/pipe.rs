//! A consumer's connection within this process: a bridge at one end, whoever takes messages at the
//! other.
//!
//! Not tokio's `duplex`, which copies into a ring and out of it again, and tells when it is full by
//! taking less: here the taker gets the bytes as they were put together, in one piece, and the bridge
//! is held up by `flush`, so that what it writes is always whole frames.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::soupbin::join::End;

/// Says that the server lives, which whoever takes messages here need not be told: a taker that is
/// away for long would have one of them for each second.
const HEARTBEAT: &[u8] = b"\0\x01H";

/// A stretch of numbers that no line has: the first that is missing, and the first after it.
pub(super) type Missing = (u64, u64);

/// Both ends of a pipe that holds up the bridge while more than `room` bytes wait to be taken.
pub(super) fn pipe(room: usize) -> (BridgeEnd, TakerEnd) {
    let shared = Arc::new(Shared {
        room,
        state: Mutex::default(),
    });
    (BridgeEnd(Arc::clone(&shared)), TakerEnd(shared))
}

#[derive(Debug)]
struct Shared {
    room: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// To be taken, once they are shown.
    frames: BytesMut,
    /// How many bytes of them were.
    shown: usize,
    missing: VecDeque<Missing>,
    /// Why there will be no more.
    end: Option<End>,
    /// To the bridge.
    requests: VecDeque<u8>,
    is_left: bool,
    taker: Option<Waker>,
    bridge_reads: Option<Waker>,
    bridge_flushes: Option<Waker>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a bridge writes what its consumer gets. Dropped, it has come to its end.
#[derive(Debug)]
pub(super) struct BridgeEnd(Arc<Shared>);

/// Where that is taken. Dropped, the consumer has left.
#[derive(Debug)]
pub(super) struct TakerEnd(Arc<Shared>);

/// What a look into the pipe brings.
#[derive(Debug)]
pub(super) enum Taken {
    /// Whole frames, and the numbers that are missing among them.
    Frames(Bytes, VecDeque<Missing>),
    /// There will be no more.
    End(End),
}

/// Where the taker is told of what is missing, and shown what came, while a bridge has its end.
#[derive(Clone, Debug)]
pub(super) struct Display(Arc<Shared>);

impl Display {
    /// No line has these.
    pub(super) fn misses(&self, missing: Missing) {
        self.0.lock().missing.push_back(missing);
    }

    /// What was written until now may be taken. A bridge tells of a gap in the same turn as it writes
    /// what comes after it, but not before: who takes that must know of the gap, and so is shown it
    /// when the turn is over.
    pub(super) fn show(&self) {
        let mut state = self.0.lock();
        state.shown = state.frames.len();
        if state.shown > 0 {
            wake(&mut state.taker);
        }
    }
}

impl BridgeEnd {
    /// Where gaps are told.
    pub(super) fn display(&self) -> Display {
        Display(Arc::clone(&self.0))
    }

    /// Nothing more comes, and this is why.
    pub(super) fn end(self, end: End) {
        self.0.lock().end = Some(end);
    }
}

impl Drop for BridgeEnd {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        let gone = || End::Broken("the runtime that carried it has ended".to_owned());
        state.end.get_or_insert_with(gone);
        wake(&mut state.taker);
    }
}

impl AsyncWrite for BridgeEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock();
        if bytes != HEARTBEAT && !state.is_left {
            state.frames.extend_from_slice(bytes);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if state.frames.len() <= self.0.room {
            return Poll::Ready(Ok(()));
        }
        state.bridge_flushes = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for BridgeEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut state = self.0.lock();
        if state.requests.is_empty() && !state.is_left {
            state.bridge_reads = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (front, _) = state.requests.as_slices();
        let length = front.len().min(buffer.remaining());
        buffer.put_slice(&front[..length]);
        state.requests.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl TakerEnd {
    /// Gives the bridge what a consumer sends.
    pub(super) fn send(&self, bytes: &[u8]) {
        let mut state = self.0.lock();
        state.requests.extend(bytes);
        wake(&mut state.bridge_reads);
    }

    /// Takes everything that is there, once there is something; `spare` is what the next frames are
    /// put together in.
    pub(super) fn poll_take(&self, spare: &mut BytesMut, cx: &mut Context<'_>) -> Poll<Taken> {
        let mut state = self.0.lock();
        let shown = std::mem::take(&mut state.shown);
        if shown > 0 {
            spare.clear();
            let frames = match shown == state.frames.len() {
                true => std::mem::replace(&mut state.frames, std::mem::take(spare)),
                false => state.frames.split_to(shown),
            };
            let missing = std::mem::take(&mut state.missing);
            wake(&mut state.bridge_flushes);
            return Poll::Ready(Taken::Frames(frames.freeze(), missing));
        }
        if let Some(end) = &state.end {
            return Poll::Ready(Taken::End(end.clone()));
        }
        state.taker = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Takes nothing any more: the bridge leaves its lines in order.
    pub(super) fn leave(&self) {
        let mut state = self.0.lock();
        state.is_left = true;
        (state.frames, state.shown) = (BytesMut::new(), 0);
        wake(&mut state.bridge_reads);
        wake(&mut state.bridge_flushes);
    }
}

impl Drop for TakerEnd {
    fn drop(&mut self) {
        self.leave();
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn take(taker: &TakerEnd) -> Taken {
        poll_fn(|cx| taker.poll_take(&mut BytesMut::new(), cx)).await
    }

    #[tokio::test]
    async fn frames_come_in_one_piece_and_heartbeats_not_at_all() {
        let (mut bridge, taker) = pipe(100);
        for frame in [b"\0\x02Sa".as_slice(), HEARTBEAT, b"\0\x02Sb"] {
            bridge.write_all(frame).await.unwrap();
        }
        let looked = |cx: &mut Context<'_>| {
            let taken = taker.poll_take(&mut BytesMut::new(), cx);
            Poll::Ready(taken.is_pending())
        };
        assert!(poll_fn(looked).await, "nothing was shown yet");
        bridge.display().misses((3, 9));
        bridge.display().show();
        let Taken::Frames(frames, missing) = take(&taker).await else {
            panic!("it has not ended");
        };
        assert_eq!(
            (&*frames, missing),
            (&b"\0\x02Sa\0\x02Sb"[..], [(3, 9)].into())
        );
        bridge.end(End::EndOfSession);
        assert!(matches!(take(&taker).await, Taken::End(End::EndOfSession)));
        assert!(matches!(take(&taker).await, Taken::End(End::EndOfSession)));
    }

    #[tokio::test]
    async fn a_full_pipe_takes_the_frame_and_holds_up_the_bridge() {
        let (mut bridge, taker) = pipe(3);
        bridge.write_all(b"\0\x02Sa").await.unwrap();
        bridge.display().show();
        let flushed = tokio::spawn(async move { bridge.flush().await.map(|()| bridge) });
        tokio::task::yield_now().await;
        assert!(!flushed.is_finished());
        assert!(matches!(take(&taker).await, Taken::Frames(..)));
        let _bridge = flushed.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_leaves_is_not_written_to_and_has_asked_what_it_asked() {
        let (mut bridge, taker) = pipe(0);
        taker.send(b"request");
        bridge.write_all(b"\0\x02Sa").await.unwrap();
        drop(taker);
        bridge.write_all(b"\0\x02Sb").await.unwrap();
        bridge.flush().await.unwrap();
        let mut asked = Vec::new();
        bridge.read_to_end(&mut asked).await.unwrap();
        assert_eq!(asked, b"request");
    }

    #[tokio::test]
    async fn a_bridge_that_is_gone_is_an_end() {
        let (bridge, taker) = pipe(0);
        drop(bridge);
        assert!(matches!(take(&taker).await, Taken::End(End::Broken(_))));
    }
}
