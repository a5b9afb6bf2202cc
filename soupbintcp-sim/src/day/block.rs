//! A block: some thousand messages of one lane whose orders are born, live and die within it.

use super::calendar::BLOCK;
use super::episode;
use super::random::{Random, hash, scale};
use super::stocks::{Stocks, price};
use crate::itch::{
    AddOrder, AttributedOrder, Body, BrokenTrade, MatchNumber, OrderCancel, OrderDelete,
    OrderExecuted, OrderExecutedAtPrice, OrderReference, OrderReplace, Price, Side, Trade,
};

/// Who says that an order is theirs. Invented.
pub(super) const PARTICIPANTS: [[u8; 4]; 8] = [
    *b"ALDR", *b"BRCH", *b"CEDR", *b"ELMS", *b"HAZL", *b"LRCH", *b"MAPL", *b"WILW",
];

/// Which block: what it is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its number among all blocks of all days, from 1.
    pub(super) id: u64,
    /// The first and the last window that it spans, counted over all days.
    pub(super) windows: (u64, u64),
    /// Its messages.
    pub(super) length: u32,
}

/// A message but for what the whole stream decides: its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    pub(super) locate: u16,
    pub(super) body: Body,
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
pub(super) struct Block {
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
    pub(super) fn new(seed: u64, stocks: &Stocks, place: Place) -> Self {
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
    pub(super) const fn is_done(&self) -> bool {
        self.slot == self.place.length
    }

    /// The next message. The block must not be done.
    pub(super) fn next(&mut self, stocks: &Stocks) -> Event {
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

    fn add(&mut self, stocks: &Stocks, bits: u64, is_attributed: bool) -> Event {
        let stock = self.stock(stocks, bits);
        let side = if bits & (1 << 15) == 0 {
            Side::Buy
        } else {
            Side::Sell
        };
        let order = Order {
            reference: self.reference(),
            stock,
            side,
            depth: depth(bits >> 16),
            shares: shares(bits >> 24),
        };
        self.live.push(order);
        let (reference, shares) = (order.reference, order.shares);
        let (price, stock) = (self.price(&order), stocks.listing(stock).symbol);
        let body = if is_attributed {
            let participant = PARTICIPANTS[bits as usize % PARTICIPANTS.len()];
            Body::AttributedOrder(AttributedOrder {
                reference,
                side,
                shares,
                stock,
                price,
                participant,
            })
        } else {
            Body::AddOrder(AddOrder {
                reference,
                side,
                shares,
                stock,
                price,
            })
        };
        event(order.stock, body)
    }

    fn replace(&mut self, bits: u64) -> Event {
        let at = self.any(bits);
        let new = self.reference();
        let order = &mut self.live[at];
        let old = std::mem::replace(&mut order.reference, new);
        order.depth = depth(bits >> 32);
        if bits & (1 << 40) != 0 {
            order.shares = shares(bits >> 24);
        }
        let order = *order;
        let (shares, price) = (order.shares, self.price(&order));
        event(
            order.stock,
            Body::OrderReplace(OrderReplace {
                old,
                new,
                shares,
                price,
            }),
        )
    }

    fn execute(&mut self, bits: u64, is_at_price: bool) -> Event {
        let at = self.best_of_three(bits);
        let order = self.live[at];
        let shares = if bits & 3 == 0 {
            part_of(order.shares)
        } else {
            order.shares
        };
        self.take(at, shares);
        let (reference, match_number) = (order.reference, self.match_number());
        if !is_at_price {
            self.last_match = Some((order.stock, match_number));
            let executed = OrderExecuted {
                reference,
                shares,
                match_number,
            };
            return event(order.stock, Body::OrderExecuted(executed));
        }
        let printable = if bits & 0x30 == 0 { b'N' } else { b'Y' };
        let price = self.improved(&order);
        let executed = OrderExecutedAtPrice {
            reference,
            shares,
            match_number,
            printable,
            price,
        };
        event(order.stock, Body::OrderExecutedAtPrice(executed))
    }

    /// Some of an order's shares; of one that has a single share, the order goes instead.
    fn cancel(&mut self, bits: u64) -> Event {
        let at = self.any(bits);
        let order = self.live[at];
        let shares = part_of(order.shares);
        if shares == order.shares {
            return self.gone(at);
        }
        self.take(at, shares);
        event(
            order.stock,
            Body::OrderCancel(OrderCancel {
                reference: order.reference,
                shares,
            }),
        )
    }

    /// Every other order that goes is among the newest: most live for moments only.
    fn delete(&mut self) -> Event {
        let bits = self.random.next();
        let orders = self.live.len() as u32;
        let among = if bits & 1 == 0 {
            orders
        } else {
            orders.min(64)
        };
        let at = orders - 1 - scale(bits >> 1, among);
        self.gone(at as usize)
    }

    fn gone(&mut self, at: usize) -> Event {
        let order = self.live.swap_remove(at);
        event(
            order.stock,
            Body::OrderDelete(OrderDelete {
                reference: order.reference,
            }),
        )
    }

    /// An execution against an order that was never shown: between the best prices.
    fn trade(&mut self, stocks: &Stocks, bits: u64) -> Event {
        let stock = self.stock(stocks, bits);
        let touch = self.touches[usize::from(stock)];
        let match_number = self.match_number();
        self.last_match = Some((stock, match_number));
        let trade = Trade {
            reference: OrderReference(0),
            side: Side::Buy,
            shares: shares(bits >> 24),
            stock: stocks.listing(stock).symbol,
            price: price(touch.bid + scale(bits >> 16, touch.ask - touch.bid + 1)),
            match_number,
        };
        event(stock, Body::Trade(trade))
    }

    /// Breaks the newest execution, if there is one that was not broken.
    pub(super) fn break_trade(&mut self) -> Option<Event> {
        let (stock, match_number) = self.last_match.take()?;
        Some(event(
            stock,
            Body::BrokenTrade(BrokenTrade { match_number }),
        ))
    }

    fn any(&self, bits: u64) -> usize {
        scale(bits, self.live.len() as u32) as usize
    }

    /// Executions happen near the top of a book.
    fn best_of_three(&self, bits: u64) -> usize {
        let tries = [bits, bits.rotate_right(16), bits.rotate_right(32)];
        let places = tries.map(|bits| self.any(bits));
        places
            .into_iter()
            .min_by_key(|at| self.live[*at].depth)
            .unwrap_or(0)
    }

    fn take(&mut self, at: usize, shares: u32) {
        self.live[at].shares -= shares;
        if self.live[at].shares == 0 {
            self.live.swap_remove(at);
        }
    }

    /// An active stock; after the episode, now and then the one that it was about.
    fn stock(&self, stocks: &Stocks, bits: u64) -> u16 {
        let is_rare = bits >> 40 & 0xff == 0;
        match episode::reopened(self.place, self.slot) {
            Some(number) if is_rare => stocks.quiet(number),
            _ => stocks.drawn(bits),
        }
    }

    fn price(&self, order: &Order) -> Price {
        let touch = self.touches[usize::from(order.stock)];
        let depth = u32::from(order.depth);
        price(match order.side {
            Side::Buy => touch.bid - depth,
            Side::Sell => touch.ask + depth,
        })
    }

    /// A tick better for the order than it asked for.
    fn improved(&self, order: &Order) -> Price {
        let Price(own) = self.price(order);
        let Price(tick) = price(1);
        match order.side {
            Side::Buy => Price(own - tick),
            Side::Sell => Price(own + tick),
        }
    }

    const fn reference(&mut self) -> OrderReference {
        self.births += 1;
        OrderReference(self.place.id * BLOCK + self.births - 1)
    }

    pub(super) const fn match_number(&mut self) -> MatchNumber {
        self.matches += 1;
        MatchNumber(self.place.id * BLOCK + self.matches - 1)
    }

    pub(super) const fn place(&self) -> Place {
        self.place
    }

    pub(super) const fn random(&mut self) -> u64 {
        self.random.next()
    }

    /// The lowest ask of a stock in this block, in ticks.
    pub(super) fn ask(&self, stock: u16) -> u32 {
        self.touches[usize::from(stock)].ask
    }
}

pub(super) const fn event(stock: u16, body: Body) -> Event {
    Event {
        locate: stock + 1,
        body,
    }
}

/// Ticks from the best price: mostly none or one or two, now and then up to 20.
const fn depth(bits: u64) -> u16 {
    let near = (bits & 0x3f | 0x40).trailing_zeros() as u16;
    if bits & 0x1c0 == 0 {
        near + (bits >> 9 & 0xf) as u16
    } else {
        near
    }
}

/// Seven of ten times a round lot, twice some of them, else an odd lot.
const fn shares(bits: u64) -> u32 {
    match bits & 0xf {
        0..11 => 100,
        11..14 => 100 * (2 + (bits >> 4 & 7) as u32),
        _ => 1 + (bits >> 4 & 0xff) as u32 % 99,
    }
}

/// Half of an order, in round lots where it has some.
const fn part_of(shares: u32) -> u32 {
    match shares {
        1 => 1,
        2..200 => shares / 2,
        _ => shares / 200 * 100,
    }
}
