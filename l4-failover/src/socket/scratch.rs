//! One read buffer per worker thread, shared by all of its connections.
//!
//! A connection reads into it and, before it yields, either writes the bytes out or takes a copy
//! of what the peer would not take. An idle connection therefore owns no buffer.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use super::eager;

/// Bytes of the buffer, and so of one read: what one flow may own when its peer takes nothing.
///
/// A larger read could leave more bytes in hand than a flow may own; bulk goes by splice(2).
pub const BYTES: usize = 64 * 1024;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; BYTES].into_boxed_slice());
}

/// Reads at most `limit` bytes from `stream` and, in the same turn, gives them to `take`.
///
/// No bytes means that the peer has finished. `take` must not read in turn: the buffer is lent.
pub fn poll_read<T>(
    stream: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    limit: usize,
    take: impl FnOnce(&[u8], &mut Context<'_>) -> T,
) -> Poll<io::Result<T>> {
    lend(limit, |buffer| {
        let mut read = ReadBuf::new(buffer);
        ready!(Pin::new(stream).poll_read(cx, &mut read))?;
        Poll::Ready(Ok(take(read.filled(), cx)))
    })
}

/// The same from a socket, with fewer instructions.
pub fn poll_recv<T>(
    stream: &TcpStream,
    cx: &mut Context<'_>,
    limit: usize,
    take: impl FnOnce(&[u8], &mut Context<'_>) -> T,
) -> Poll<io::Result<T>> {
    lend(limit, |buffer| {
        let read = ready!(eager::poll_recv(stream, cx, buffer))?;
        Poll::Ready(Ok(take(&buffer[..read], cx)))
    })
}

fn lend<T>(limit: usize, read: impl FnOnce(&mut [u8]) -> T) -> T {
    SCRATCH.with_borrow_mut(|scratch| {
        let limit = limit.min(scratch.len());
        read(&mut scratch[..limit])
    })
}

/// Reads at most `limit` bytes and appends them to `bytes`; the number read, 0 at the end.
///
/// # Errors
///
/// Whatever the stream says.
pub async fn read_into(stream: &TcpStream, limit: usize, bytes: &mut Vec<u8>) -> io::Result<usize> {
    std::future::poll_fn(|cx| {
        poll_recv(stream, cx, limit, |read, _| {
            bytes.reserve_exact(read.len());
            bytes.extend_from_slice(read);
            read.len()
        })
    })
    .await
}
