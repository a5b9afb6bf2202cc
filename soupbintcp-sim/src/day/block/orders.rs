//! What happens to orders: each function makes one message of it.

use super::{Block, Event, Order, PARTICIPANTS, event};
use crate::day::calendar::BLOCK;
use crate::day::episode;
use crate::day::random::scale;
use crate::day::stocks::{Stocks, price};
use crate::itch::{
    AddOrder, AttributedOrder, Body, BrokenTrade, MatchNumber, OrderCancel, OrderDelete,
    OrderExecuted, OrderExecutedAtPrice, OrderReference, OrderReplace, Price, Side, Trade,
};

impl Block {
    pub(super) fn add(&mut self, stocks: &Stocks, bits: u64, is_attributed: bool) -> Event {
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

    pub(super) fn replace(&mut self, bits: u64) -> Event {
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

    pub(super) fn execute(&mut self, bits: u64, is_at_price: bool) -> Event {
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
    pub(super) fn cancel(&mut self, bits: u64) -> Event {
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
    pub(super) fn delete(&mut self) -> Event {
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
    pub(super) fn trade(&mut self, stocks: &Stocks, bits: u64) -> Event {
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
    pub(in crate::day) fn break_trade(&mut self) -> Option<Event> {
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

    pub(in crate::day) const fn match_number(&mut self) -> MatchNumber {
        self.matches += 1;
        MatchNumber(self.place.id * BLOCK + self.matches - 1)
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
