//! Copying through the thread's scratch buffer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::flow::{Flow, Turn};
use super::{Op, RelayError};
use crate::socket::{Connection, eager, scratch};

/// Reads once and writes it out at once; the flow owns what the sink would not take. The number of
/// bytes read, 0 at the source's end.
pub(super) fn poll_fill(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<u64, RelayError>> {
    let allowance = turn.shared.budget.allowance();
    let sink = &mut *turn.sink;
    let pass = |bytes: &[u8], cx: &mut Context<'_>| {
        let rest = write_out(sink, cx, bytes)?;
        if Pin::new(sink).poll_flush(cx)?.is_pending() {
            flow.held_back(bytes.len() - rest.len(), turn.shared);
        }
        if !rest.is_empty() {
            flow.owned.put(rest.into(), turn.shared);
        }
        Ok(bytes.len())
    };
    let passed = match turn.source.raw() {
        Some(raw) => scratch::poll_recv(raw, cx, allowance, pass),
        None => scratch::poll_read(turn.source, cx, allowance, pass),
    };
    let passed = match ready!(passed) {
        Ok(passed) => passed.map_err(|source| flow.sink_broke(Op::Write, source)),
        Err(source) => Err(flow.source_broke(source)),
    };
    Poll::Ready(passed.map(|bytes| {
        flow.pace.copied(bytes);
        bytes as u64
    }))
}

/// Writes until the sink takes no more; what is left. A socket nearly always takes everything at
/// once, and is asked first; whether it can take more is the runtime's to know.
fn write_out<'a>(
    sink: &mut impl Connection,
    cx: &mut Context<'_>,
    mut bytes: &'a [u8],
) -> io::Result<&'a [u8]> {
    if let Some(raw) = sink.raw().filter(|_| !bytes.is_empty()) {
        bytes = &bytes[eager::send(raw, bytes)?..];
    }
    while !bytes.is_empty() {
        match Pin::new(&mut *sink).poll_write(cx, bytes)? {
            Poll::Ready(written) => bytes = &bytes[written..],
            Poll::Pending => break,
        }
    }
    Ok(bytes)
}

/// Writes out what the flow owns, and lets the sink write out what it holds back.
pub(super) fn poll_flush(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<(), RelayError>> {
    while !flow.owned.unsent().is_empty() {
        let written = ready!(Pin::new(&mut *turn.sink).poll_write(cx, flow.owned.unsent()))
            .map_err(|source| flow.sink_broke(Op::Write, source))?;
        flow.wrote(written, turn.sink.raw().is_some(), turn.shared);
    }
    ready!(Pin::new(&mut *turn.sink).poll_flush(cx))
        .map_err(|source| flow.sink_broke(Op::Write, source))?;
    flow.flushed(turn.shared);
    Poll::Ready(Ok(()))
}
