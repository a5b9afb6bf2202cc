//! A lane: every other message of the flow, block after block.
//!
//! The blocks of the second lane are shifted by half a block, so that where one lane begins a
//! block without a single order, the other one is at its fullest.

use super::block::{Block, Event, Place};
use super::calendar::{BLOCK, BLOCKS, WINDOWS};
use super::stocks::Stocks;

/// Numbers of blocks that a day uses up; the first one names the auctions.
const DAY_IDS: u64 = 2 * BLOCKS + 3;

/// The number under which a day's auctions have their matches.
pub(super) const fn auctions_id(day: u64) -> u64 {
    day * DAY_IDS + 1
}

/// One of the two lanes, from some place on.
#[derive(Debug)]
pub(super) struct Lane {
    is_shifted: bool,
    day: u64,
    /// The place of its next message in the day's lane.
    index: u64,
    block: Option<Block>,
}

impl Lane {
    pub(super) const fn new(is_shifted: bool, day: u64, index: u64) -> Self {
        Self {
            is_shifted,
            day,
            index,
            block: None,
        }
    }

    /// Its next message. Its day must not be over.
    pub(super) fn next(&mut self, seed: u64, stocks: &Stocks) -> Event {
        let block = match &mut self.block {
            Some(block) if !block.is_done() => block,
            slot => slot.insert(begin(seed, stocks, self.is_shifted, self.day, self.index)),
        };
        self.index += 1;
        block.next(stocks)
    }
}

/// The block that a place of the lane is in, brought to that place.
fn begin(seed: u64, stocks: &Stocks, is_shifted: bool, day: u64, index: u64) -> Block {
    let (place, passed) = locate(is_shifted, day, index);
    let mut block = Block::new(seed, stocks, place);
    for _ in 0..passed {
        block.next(stocks);
    }
    block
}

/// Which block, and how many of its messages are before the place.
fn locate(is_shifted: bool, day: u64, index: u64) -> (Place, u64) {
    let shifted = if is_shifted { index + BLOCK / 2 } else { index };
    let number = shifted / BLOCK;
    let mut passed = shifted % BLOCK;
    let mut length = BLOCK;
    let mut window = 2 * number;
    let mut last = window + 1;
    if is_shifted {
        window = (2 * number).saturating_sub(1);
        last = (2 * number).min(WINDOWS - 1);
        if number == 0 {
            passed -= BLOCK / 2;
        }
        if number == 0 || number == BLOCKS {
            length = BLOCK / 2;
        }
    }
    let windows = (day * WINDOWS + window, day * WINDOWS + last);
    let id = auctions_id(day) + 1 + 2 * number + u64::from(is_shifted);
    (
        Place {
            id,
            windows,
            length: length as u32,
        },
        passed,
    )
}
