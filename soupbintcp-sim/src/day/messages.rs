//! The messages of a day one after another.

use std::sync::Arc;

use super::block::Event;
use super::calendar::{AFTER_CLOSE, BEFORE_OPEN, DAY, FLOW, Piece, part_of};
use super::clock::Clock;
use super::lane::Lane;
use super::script::Script;
use super::{Day, Seeded};
use crate::itch::{Header, LENGTH_MAX, Message, Timestamp};

/// Messages from some number on, without end. About 250 KiB, wherever it stands.
#[derive(Debug)]
pub struct Messages {
    seeded: Arc<Seeded>,
    clock: Clock,
    /// How many messages there are before the next one.
    index: u64,
    lanes: [Lane; 2],
    buffer: [u8; LENGTH_MAX],
}

impl Messages {
    pub(super) fn new(seeded: Arc<Seeded>, number: u64) -> Self {
        let index = number.clamp(1, Day::FARTHEST) - 1;
        Self {
            clock: Clock::new(seeded.seed),
            lanes: lanes(index / DAY, flow_before(index % DAY)),
            seeded,
            index,
            buffer: [0; LENGTH_MAX],
        }
    }

    /// The number of the message that [`next`](Self::next) will return.
    pub const fn number(&self) -> u64 {
        self.index + 1
    }

    /// The next message, 12 to 50 bytes. There always is one.
    #[allow(
        clippy::should_implement_trait,
        reason = "an iterator cannot lend its own buffer"
    )]
    pub fn next(&mut self) -> &[u8] {
        let message = self.advance();
        message.encode(&mut self.buffer)
    }

    /// The next message, not yet encoded.
    pub fn advance(&mut self) -> Message {
        let (day, m) = (self.index / DAY, self.index % DAY);
        if m == 0 {
            self.lanes = lanes(day, 0);
        }
        let part = part_of(m);
        let Event { locate, body } = self.event(part.piece, day, m - part.start);
        let timestamp = Timestamp::from_nanos(self.clock.at(self.index));
        self.index += 1;
        Message {
            header: Header {
                locate,
                tracking: 0,
                timestamp,
            },
            body,
        }
    }

    fn event(&mut self, piece: Piece, day: u64, at: u64) -> Event {
        let Seeded { seed, stocks } = &*self.seeded;
        let script = Script {
            seed: *seed,
            stocks,
            day,
        };
        match piece {
            Piece::Flow(before) => {
                let lane = &mut self.lanes[((before + at) % 2) as usize];
                lane.next(*seed, stocks)
            }
            Piece::Morning => script.morning(at as usize),
            Piece::Opening => script.opening(at as usize),
            Piece::Closing => script.closing(at as usize),
            Piece::Night => script.night(at as usize),
        }
    }
}

/// Both lanes of a day, where so many messages of the flow were before.
fn lanes(day: u64, before: u64) -> [Lane; 2] {
    [
        Lane::new(false, day, before.div_ceil(2)),
        Lane::new(true, day, before / 2),
    ]
}

/// Messages of the flow before message `m` of a day, counted from 0.
fn flow_before(m: u64) -> u64 {
    let part = part_of(m);
    match part.piece {
        Piece::Flow(before) => before + m - part.start,
        Piece::Morning => 0,
        Piece::Opening => BEFORE_OPEN,
        Piece::Closing => FLOW - AFTER_CLOSE,
        Piece::Night => FLOW,
    }
}
