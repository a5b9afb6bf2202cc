//! One direction of a relay.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

use super::budget::Place;
use super::pipe::Pipe;
use super::{Op, RelayError, Shared, Side, Tally, copy, splice};

/// Bytes that one direction moves before it lets the worker's other connections have a turn:
/// about half a millisecond of copying.
const TURN_BYTES: u64 = 1 << 20;

/// What a flow works on for one turn.
pub(super) struct Turn<'a> {
    pub(super) source: &'a mut TcpStream,
    pub(super) sink: &'a mut TcpStream,
    pub(super) tally: &'a Tally,
    pub(super) shared: &'a Shared,
}

/// One direction: what it holds for the sink, and how far it has come.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) from: Side,
    pub(super) owned: Owned,
    pub(super) pipe: Option<Pipe>,
    pub(super) pace: Pace,
    pub(super) place: Place,
    /// Counts reads and writes, wrapping: it stands still exactly while the flow is silent.
    pub(super) steps: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The source may send more.
    Open,
    /// The source has finished: what is held goes out, then the FIN.
    Ending,
    /// The source is broken: what it sent before goes out, and no FIN.
    Cut,
    /// Nothing is left to do.
    Finished,
}

impl Flow {
    pub(super) fn new(from: Side) -> Self {
        Self {
            from,
            owned: Owned::default(),
            pipe: None,
            pace: Pace::default(),
            place: Place::default(),
            steps: 0,
            state: State::Open,
        }
    }

    /// Moves bytes until the source has none, or the sink takes none; ready when all is done.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn<'_>,
    ) -> Poll<Result<(), RelayError>> {
        let mut moved = 0;
        while self.state != State::Finished {
            ready!(self.poll_flush(cx, turn))?;
            if self.state == State::Ending {
                ready!(self.poll_finish(cx, turn))?;
                break;
            }
            if moved > TURN_BYTES {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            moved += ready!(self.poll_fill(cx, turn))?;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn<'_>,
    ) -> Poll<Result<u64, RelayError>> {
        let read = if self.pace.is_bulk() {
            ready!(splice::poll_fill(self, cx, turn))
        } else {
            // A direction that is no longer bulk may still hold its pipe, empty by now.
            self.pipe = None;
            ready!(copy::poll_fill(self, cx, turn))
        };
        self.steps = self.steps.wrapping_add(1);
        match read {
            Ok(0) => self.source_ended(),
            Ok(_) => {}
            Err(_) => self.state = State::Finished,
        }
        let read = read?;
        turn.tally.add(self.from, read);
        Poll::Ready(Ok(read))
    }

    fn source_ended(&mut self) {
        self.pipe = None;
        self.state = match self.state {
            State::Open => State::Ending,
            State::Cut | State::Ending | State::Finished => State::Finished,
        };
    }

    fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn<'_>,
    ) -> Poll<Result<(), RelayError>> {
        ready!(copy::poll_flush(self, cx, turn))?;
        splice::poll_flush(self, cx, turn)
    }

    fn poll_finish(
        &mut self,
        cx: &mut Context<'_>,
        turn: &mut Turn<'_>,
    ) -> Poll<Result<(), RelayError>> {
        let shut = ready!(Pin::new(&mut *turn.sink).poll_shutdown(cx));
        self.state = State::Finished;
        Poll::Ready(shut.map_err(|source| self.sink_broke(Op::Shutdown, source)))
    }

    /// The source is broken: goes on with what it sent before, if anything, but never ends with a
    /// FIN. After an error was reported, the kernel says "end" where it means "reset".
    pub(super) fn cut(&mut self) {
        if self.state == State::Open {
            self.state = State::Cut;
        }
    }

    /// The sink is broken: nothing more can be done.
    pub(super) fn abandon(&mut self, shared: &Shared) {
        self.state = State::Finished;
        self.pipe = None;
        self.owned.clear(shared);
    }

    pub(super) fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    /// Bytes in a pipe that the sink does not take.
    pub(super) fn piped(&self) -> usize {
        self.pipe.as_ref().map_or(0, Pipe::held)
    }

    pub(super) fn source_broke(&self, source: std::io::Error) -> RelayError {
        RelayError::Broken {
            side: self.from,
            op: Op::Read,
            source,
        }
    }

    pub(super) fn sink_broke(&self, op: Op, source: std::io::Error) -> RelayError {
        RelayError::Broken {
            side: self.from.other(),
            op,
            source,
        }
    }
}

/// Bytes that the sink would not take yet, counted in the budget.
#[derive(Debug, Default)]
pub(super) struct Owned {
    bytes: Vec<u8>,
    sent: usize,
}

impl Owned {
    pub(super) fn put(&mut self, bytes: Vec<u8>, shared: &Shared) {
        debug_assert!(
            self.bytes.is_empty(),
            "a flow reads only when it owns nothing"
        );
        shared.budget.take(bytes.len());
        *self = Self { bytes, sent: 0 };
    }

    pub(super) fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// Counts bytes as sent; the memory is given back with the last of them.
    pub(super) fn advance(&mut self, sent: usize, shared: &Shared) {
        self.sent += sent;
        if self.unsent().is_empty() {
            self.clear(shared);
        }
    }

    pub(super) fn clear(&mut self, shared: &Shared) {
        let owned = std::mem::take(self);
        if !owned.bytes.is_empty() {
            shared.budget.give_back(owned.bytes.len());
        }
    }
}

/// Whether a direction has proved to be bulk.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Large reads in a row, up to `BULK`; once bulk, falls with every small piece.
    score: u8,
    is_bulk: bool,
}

impl Pace {
    /// A read of this size is worth a pipe: below, splicing takes more system calls than copying.
    const LARGE: usize = 16 * 1024;
    /// A spliced piece below this size counts against the direction.
    const SMALL: usize = 4 * 1024;
    /// Large reads in a row that make a direction bulk, and small pieces that unmake it.
    const BULK: u8 = 4;

    pub(super) fn is_bulk(&self) -> bool {
        self.is_bulk
    }

    pub(super) fn copied(&mut self, bytes: usize) {
        self.score = match bytes {
            Self::LARGE.. => Self::BULK.min(self.score + 1),
            _ => 0,
        };
        self.is_bulk = self.score == Self::BULK;
    }

    pub(super) fn spliced(&mut self, bytes: usize) {
        if bytes >= Self::LARGE {
            self.score = Self::BULK;
        } else if bytes < Self::SMALL {
            self.score -= 1;
        }
        if self.score == 0 {
            self.reset();
        }
    }

    /// The direction has to prove itself anew.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn large_reads_in_a_row_make_bulk() {
        let mut pace = Pace::default();
        for bytes in [65536, 65536, 65536, 100, 65536, 65536, 65536] {
            pace.copied(bytes);
            assert!(!pace.is_bulk());
        }
        pace.copied(16384);
        assert!(pace.is_bulk());
        // No pipe was free: it stays bulk.
        pace.copied(65536);
        assert!(pace.is_bulk());
    }

    #[test]
    fn small_pieces_unmake_it_unless_large_ones_come_between() {
        let mut pace = Pace::default();
        (0..4).for_each(|_| pace.copied(65536));
        for bytes in [1448, 1448, 1448, 65536, 1448, 1448, 1448, 8192] {
            pace.spliced(bytes);
            assert!(pace.is_bulk());
        }
        pace.spliced(1448);
        assert!(!pace.is_bulk());
    }
}
