//! Moving bulk by splice(2), through a pipe that is borrowed while bytes flow.

use std::io;
use std::task::{Context, Poll, ready};

use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::flow::{Flow, Turn};
use super::pipe::Pipe;
use super::{Op, RelayError, Shared, copy};
use crate::socket::Connection;

/// Moves bytes from the source into a pipe; copies once instead when no pipe is free, or when TLS
/// has to see the bytes. The number of bytes taken, 0 at the source's end.
pub(super) fn poll_fill(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<u64, RelayError>> {
    loop {
        let (Some(source), Some(_)) = (turn.source.raw(), turn.sink.raw()) else {
            return copy::poll_fill(flow, cx, turn);
        };
        ready!(source.poll_read_ready(cx)).map_err(|source| flow.source_broke(source))?;
        let Some(pipe) = borrow(flow, turn.shared) else {
            return copy::poll_fill(flow, cx, turn);
        };
        match source.try_io(Interest::READABLE, || fill(pipe, source)) {
            Ok(Filled::Bytes(bytes)) => {
                flow.pace.spliced(bytes);
                turn.tally.add_spliced(bytes as u64);
                return Poll::Ready(Ok(bytes as u64));
            }
            Ok(Filled::End) => return Poll::Ready(Ok(0)),
            Ok(Filled::Mark) => {
                flow.pipe = None;
                flow.pace.reset();
                return copy::poll_fill(flow, cx, turn);
            }
            // Idle: the pipe goes back, and the loop's first line waits for the source.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => flow.pipe = None,
            Err(error) => return Poll::Ready(Err(flow.source_broke(error))),
        }
    }
}

/// What splicing in came to.
enum Filled {
    /// Bytes are in the pipe.
    Bytes(usize),
    /// The source has finished.
    End,
    /// Bytes are there that only copying gets at.
    Mark,
}

/// Splices in. At the mark of urgent data (RFC 9293 §3.8.5) splice(2) says that the source is
/// drained, or has finished, while bytes wait behind the mark; recv(2) knows better.
fn fill(pipe: &mut Pipe, source: &TcpStream) -> io::Result<Filled> {
    match pipe.fill(source) {
        Ok(0) => {}
        Ok(bytes) => return Ok(Filled::Bytes(bytes)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(error) => return Err(error),
    }
    let mut peeked = [0];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    match retry_on_intr(|| recv(source, &mut peeked, flags))? {
        (_, 0) => Ok(Filled::End),
        _ => Ok(Filled::Mark),
    }
}

fn borrow<'a>(flow: &'a mut Flow, shared: &Shared) -> Option<&'a mut Pipe> {
    if flow.pipe.is_none() {
        flow.pipe = shared.pipes.lend().map(Box::new);
    }
    flow.pipe.as_deref_mut()
}

/// Moves what is in the pipe to the sink.
pub(super) fn poll_flush(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<(), RelayError>> {
    while flow.piped() > 0 {
        let moved = ready!(poll_drain(flow, cx, &*turn.sink));
        moved.map_err(|source| flow.sink_broke(Op::Write, source))?;
        flow.steps = flow.steps.wrapping_add(1);
    }
    Poll::Ready(Ok(()))
}

fn poll_drain(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    sink: &impl Connection,
) -> Poll<io::Result<usize>> {
    // Only a raw sink is ever given a pipe.
    let (Some(pipe), Some(sink)) = (&mut flow.pipe, sink.raw()) else {
        return Poll::Ready(Ok(0));
    };
    loop {
        ready!(sink.poll_write_ready(cx))?;
        match sink.try_io(Interest::WRITABLE, || pipe.drain(sink)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            moved => return Poll::Ready(moved),
        }
    }
}

/// The sink has stalled: takes the bytes out of the pipe, so that the pipe can serve another flow.
pub(super) fn rescue(flow: &mut Flow, shared: &Shared) -> Result<(), RelayError> {
    let Some(mut pipe) = flow.pipe.take() else {
        return Ok(());
    };
    let bytes = pipe.rescue().map_err(|source| flow.source_broke(source))?;
    flow.owned.put(bytes.into(), shared);
    flow.pace.reset();
    Ok(())
}
