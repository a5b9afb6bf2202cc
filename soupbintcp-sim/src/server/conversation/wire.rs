//! Reading, writing and waiting, each of which may be given up at any time.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use l4_failover::socket::Stream;
use l4_failover::socket::cut::ResetOnDrop;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::server::alarm::Alarm;
use crate::server::incoming::Incoming;

/// Waits until `due`, if there is such a moment; for ever, if not.
pub(super) async fn until(alarm: &mut Option<Alarm>, due: Option<Instant>) -> io::Result<()> {
    match (alarm, due) {
        (Some(alarm), Some(due)) => alarm.until(due).await,
        _ => std::future::pending().await,
    }
}

pub(super) fn poll_read(
    stream: &mut ResetOnDrop<Stream>,
    incoming: &mut Incoming,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut room = ReadBuf::new(incoming.room());
    ready!(Pin::new(&mut **stream).poll_read(cx, &mut room))?;
    Poll::Ready(Ok(room.filled().len()))
}

/// Writes what is taken; waits, if there is nothing to be written.
pub(super) fn poll_write(
    stream: &mut ResetOnDrop<Stream>,
    bytes: &[u8],
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let stream = Pin::new(&mut **stream);
    if !bytes.is_empty() {
        return stream.poll_write(cx, bytes);
    }
    // What TLS holds back is on its way; a socket holds nothing back.
    match stream.poll_flush(cx) {
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
    }
}
