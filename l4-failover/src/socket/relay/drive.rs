//! Moving one direction on, by copying or by splicing.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::flow::{Flow, State, Turn};
use super::{Op, RelayError, copy, splice};
use crate::socket::Connection;

/// Bytes that one direction moves before it lets the worker's other connections have a turn:
/// about half a millisecond of copying.
const TURN_BYTES: u64 = 1 << 20;

/// Moves bytes until the source has none, or the sink takes none; ready when all is done.
pub(super) fn poll(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<(), RelayError>> {
    let mut moved = 0;
    while !flow.is_finished() {
        ready!(poll_flush(flow, cx, turn))?;
        if flow.state == State::Ending {
            return poll_finish(flow, cx, turn);
        }
        if moved > TURN_BYTES {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        moved += ready!(poll_fill(flow, cx, turn))?;
    }
    Poll::Ready(Ok(()))
}

fn poll_fill(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<u64, RelayError>> {
    let read = if flow.pace.is_bulk() {
        ready!(splice::poll_fill(flow, cx, turn))
    } else {
        // A direction that is no longer bulk may still hold its pipe, empty by now.
        flow.pipe = None;
        ready!(copy::poll_fill(flow, cx, turn))
    };
    flow.steps = flow.steps.wrapping_add(1);
    match read {
        Ok(0) => flow.source_ended(),
        Ok(bytes) => turn.tally.add(flow.from, bytes),
        Err(_) => flow.state = State::Finished,
    }
    Poll::Ready(read)
}

fn poll_flush(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<(), RelayError>> {
    ready!(copy::poll_flush(flow, cx, turn))?;
    splice::poll_flush(flow, cx, turn)
}

fn poll_finish(
    flow: &mut Flow,
    cx: &mut Context<'_>,
    turn: &mut Turn<'_, impl Connection, impl Connection>,
) -> Poll<Result<(), RelayError>> {
    let shut = ready!(Pin::new(&mut *turn.sink).poll_shutdown(cx));
    flow.state = State::Finished;
    Poll::Ready(shut.map_err(|source| flow.sink_broke(Op::Shutdown, source)))
}
