//! A block: some thousand messages of one lane whose orders are born, live and die within it.

mod orders;

use super::calendar::BLOCK;
use super::episode;
use super::random::{Random, hash};
use super::stocks::Stocks;
use crate::itch::{Body, MatchNumber, OrderReference, Side};

/// Who says that an order is theirs. Invented.
pub(in crate::day) const PARTICIPANTS: [[u8; 4]; 8] = [
    *b"ALDR", *b"BRCH", *b"CEDR", *b"ELMS", *b"HAZL", *b"LRCH", *b"MAPL", *b"WILW",
];

/// Which block: what it is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::day) struct Place {
    /// Its number among all blocks of all days, from 1.
    pub(in crate::day) id: u64,
    /// The first and the last window that it spans, counted over all days.
    pub(in crate::day) windows: (u64, u64),
    /// Its messages.
    pub(in crate::day) length: u32,
}

/// A message but for what the whole stream decides: its time.
#[derive(Clone, Copy, Debug)]
pub(in crate::day) struct Event {
    pub(in crate::day) locate: u16,
    pub(in crate::day) body: Body,
}

/// An order that is shown.
#[derive(Clone, Copy, Debug)]
struct Order {
    reference: OrderReference,
    stock: u16,
    side: Side,
    /// Ticks from the best price of its side.
    depth: u16,
    shares: u32,
}

/// Where the orders of this block may stand, in ticks.
#[derive(Clone, Copy, Debug)]
struct Touch {
    bid: u32,
    ask: u32,
}

/// Parts of 65536 of what an event is. The rest are new orders.
mod odds {
    pub(super) const REPLACE: u32 = 5243;
    pub(super) const EXECUTE: u32 = REPLACE + 1507;
    pub(super) const EXECUTE_AT_PRICE: u32 = EXECUTE + 164;
    pub(super) const CANCEL: u32 = EXECUTE_AT_PRICE + 786;
    pub(super) const TRADE: u32 = CANCEL + 328;
    pub(super) const ATTRIBUTED: u32 = TRADE + 328;
    pub(super) const DELETE: u32 = ATTRIBUTED + 28_100;
    /// So many more new orders than deleted ones in the first half of a block; fewer in the second.
    pub(super) const TIDE: u32 = 9800;
}

/// A block on its way from its first message to its last.
#[derive(Debug)]
pub(in crate::day) struct Block {
    place: Place,
    slot: u32,
    random: Random,
    live: Vec<Order>,
    touches: Vec<Touch>,
    births: u64,
    matches: u64,
    /// An execution that may yet be broken.
    last_match: Option<(u16, MatchNumber)>,
}

impl Block {
    pub(in crate::day) fn new(seed: u64, stocks: &Stocks, place: Place) -> Self {
        let (first, last) = place.windows;
        // Both lanes keep to the middle of every window that they share, so no bid reaches an ask.
        let touch = |index| {
            let (a, b) = (stocks.middle(index, first), stocks.middle(index, last));
            Touch {
                bid: a.min(b) - 1,
                ask: a.max(b),
            }
        };
        Self {
            place,
            slot: 0,
            random: Random::new(hash(seed, place.id)),
            live: Vec::with_capacity(BLOCK as usize / 4),
            touches: stocks.indices().map(touch).collect(),
            births: 0,
            matches: 0,
            last_match: None,
        }
    }

    /// Whether all its messages were made.
    pub(in crate::day) const fn is_done(&self) -> bool {
        self.slot == self.place.length
    }

    /// The next message. The block must not be done.
    pub(in crate::day) fn next(&mut self, stocks: &Stocks) -> Event {
        let after = (self.place.length - self.slot - 1) as usize;
        let slot = self.slot;
        self.slot += 1;
        // Every order must be gone at the end, and each takes a message.
        if self.live.len() > after {
            return self.delete();
        }
        if let Some(event) = episode::notice(self, stocks, slot) {
            return event;
        }
        let may_be_born = self.live.len() < after;
        self.ordinary(stocks, may_be_born)
    }

    fn ordinary(&mut self, stocks: &Stocks, may_be_born: bool) -> Event {
        let bits = self.random.next();
        let roll = (bits & 0xffff) as u32;
        let bits = bits >> 16;
        let deletes = if self.slot <= self.place.length / 2 {
            odds::DELETE - odds::TIDE
        } else {
            odds::DELETE + odds::TIDE
        };
        let has_orders = !self.live.is_empty();
        match roll {
            ..odds::REPLACE if has_orders => self.replace(bits),
            ..odds::EXECUTE if has_orders => self.execute(bits, false),
            ..odds::EXECUTE_AT_PRICE if has_orders => self.execute(bits, true),
            ..odds::CANCEL if has_orders => self.cancel(bits),
            odds::CANCEL..odds::TRADE => self.trade(stocks, bits),
            odds::TRADE..odds::ATTRIBUTED if may_be_born => self.add(stocks, bits, true),
            odds::ATTRIBUTED.. if roll < deletes && has_orders => self.delete(),
            _ if may_be_born => self.add(stocks, bits, false),
            _ if has_orders => self.delete(),
            _ => self.trade(stocks, bits),
        }
    }

    pub(in crate::day) const fn place(&self) -> Place {
        self.place
    }

    pub(in crate::day) const fn random(&mut self) -> u64 {
        self.random.next()
    }

    /// The lowest ask of a stock in this block, in ticks.
    pub(in crate::day) fn ask(&self, stock: u16) -> u32 {
        self.touches[usize::from(stock)].ask
    }
}

pub(in crate::day) const fn event(stock: u16, body: Body) -> Event {
    Event {
        locate: stock + 1,
        body,
    }
}
