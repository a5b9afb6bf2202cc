//! One direction of a relay: what it holds, and how far it has come.

use super::pace::Pace;
use super::pipe::Pipe;
use super::{Op, RelayError, Shared, Side, Tally};

/// What a flow works on for one turn.
pub(super) struct Turn<'a, S, K> {
    pub(super) source: &'a mut S,
    pub(super) sink: &'a mut K,
    pub(super) tally: &'a Tally,
    pub(super) shared: &'a Shared,
}

/// One direction: what it holds for the sink, and how far it has come.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) from: Side,
    pub(super) owned: Owned,
    /// Bytes that a sink took and has not flushed: TLS seals what its socket does not take. They
    /// count in the budget as owned ones do.
    unflushed: u32,
    /// Boxed: most flows never have one.
    pub(super) pipe: Option<Box<Pipe>>,
    pub(super) pace: Pace,
    /// Counts reads and writes, wrapping: it stands still exactly while the flow is silent.
    pub(super) steps: u32,
    /// The steps at the last look.
    pub(super) looked: u32,
    pub(super) state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
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
            unflushed: 0,
            pipe: None,
            pace: Pace::default(),
            steps: 0,
            looked: 0,
            state: State::Open,
        }
    }

    /// The source has no more: what is held goes out, and the FIN if it was one.
    pub(super) fn source_ended(&mut self) {
        self.pipe = None;
        self.state = match self.state {
            State::Open => State::Ending,
            State::Cut | State::Ending | State::Finished => State::Finished,
        };
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
        self.flushed(shared);
    }

    /// The sink took bytes that nobody owned, and holds them.
    pub(super) fn held_back(&mut self, bytes: usize, shared: &Shared) {
        shared.budget.take(bytes);
        self.count_unflushed(bytes);
    }

    /// The sink took bytes out of what is owned.
    pub(super) fn wrote(&mut self, bytes: usize, is_raw: bool, shared: &Shared) {
        self.steps = self.steps.wrapping_add(1);
        if is_raw {
            return self.owned.advance(bytes, shared);
        }
        self.owned.cede(bytes);
        self.count_unflushed(bytes);
    }

    fn count_unflushed(&mut self, bytes: usize) {
        // No more than one read: a flow reads only when everything is flushed.
        self.unflushed += u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// The kernel has everything that the sink took.
    pub(super) fn flushed(&mut self, shared: &Shared) {
        if self.unflushed > 0 {
            self.steps = self.steps.wrapping_add(1);
            shared
                .budget
                .give_back(std::mem::take(&mut self.unflushed) as usize);
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    /// Whether bytes wait for the sink, or the word that they were the last.
    pub(super) fn is_blocked(&self) -> bool {
        let holds = self.piped() > 0 || !self.owned.unsent().is_empty() || self.unflushed > 0;
        holds || self.state == State::Ending
    }

    /// Whether bytes in a pipe have waited for the sink since the last look.
    pub(super) fn is_stalled(&mut self) -> bool {
        let looked = std::mem::replace(&mut self.looked, self.steps);
        self.piped() > 0 && looked == self.steps
    }

    /// Bytes in a pipe that the sink does not take.
    pub(super) fn piped(&self) -> usize {
        self.pipe.as_ref().map_or(0, |pipe| pipe.held())
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
    bytes: Box<[u8]>,
    sent: usize,
}

impl Owned {
    pub(super) fn put(&mut self, bytes: Box<[u8]>, shared: &Shared) {
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

    /// Hands bytes over with their memory and their part of the budget.
    fn cede(&mut self, bytes: usize) {
        self.bytes = self.bytes[bytes..].into();
    }

    pub(super) fn clear(&mut self, shared: &Shared) {
        let owned = std::mem::take(self);
        if !owned.bytes.is_empty() {
            shared.budget.give_back(owned.bytes.len());
        }
    }
}
