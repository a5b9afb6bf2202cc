//! All books of a day, kept from the wire alone: knows nothing of how the day is made.

use std::collections::{BTreeMap, HashMap, HashSet};

use soupbintcp_sim::itch::{
    Body, MatchNumber, Message, OrderReference, Price, Side, Stock, SystemEventCode, TradingState,
};

#[derive(Clone, Debug)]
struct Order {
    locate: u16,
    side: Side,
    shares: u32,
    price: Price,
}

/// Applies messages, and panics at the first that cannot be.
#[derive(Default)]
pub(crate) struct Books {
    /// Whether orders of before the first message may still be named.
    pub(crate) is_warming: bool,
    /// Orders of before, or that replaced one of them, which may be live: only the name is known.
    unseen: HashSet<OrderReference>,
    orders: HashMap<OrderReference, Order>,
    used: HashSet<OrderReference>,
    matches: HashSet<MatchNumber>,
    broken: HashSet<MatchNumber>,
    levels: HashMap<(u16, Side), BTreeMap<Price, u32>>,
    stocks: HashMap<u16, Stock>,
    halted: HashSet<u16>,
    indicated: HashSet<(u16, u8)>,
    bells: Vec<SystemEventCode>,
}

impl Books {
    /// Books of a reader who comes in the middle of a day.
    pub(crate) fn warming() -> Self {
        Self {
            is_warming: true,
            ..Self::default()
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.orders.len()
    }

    pub(crate) fn bells(&self) -> &[SystemEventCode] {
        &self.bells
    }

    pub(crate) fn apply(&mut self, bytes: &[u8]) {
        let message = Message::decode(bytes).unwrap();
        let locate = message.header.locate;
        match message.body {
            Body::SystemEvent(event) => self.bells.push(event.code),
            Body::StockDirectory(new) => {
                let before = self.stocks.insert(locate, new.stock);
                assert!(before.is_none_or(|stock| stock == new.stock), "{new:?}");
            }
            Body::AddOrder(new) => {
                self.stock(locate, new.stock);
                self.add(locate, new.reference, new.side, new.shares, new.price);
            }
            Body::AttributedOrder(new) => {
                self.stock(locate, new.stock);
                self.add(locate, new.reference, new.side, new.shares, new.price);
            }
            Body::OrderExecuted(it) => {
                self.matched(it.match_number);
                self.reduce(locate, it.reference, it.shares, true);
            }
            Body::OrderExecutedAtPrice(it) => {
                self.matched(it.match_number);
                self.reduce(locate, it.reference, it.shares, true);
            }
            Body::OrderCancel(it) => self.reduce(locate, it.reference, it.shares, false),
            Body::OrderDelete(it) => drop(self.remove(locate, it.reference)),
            Body::OrderReplace(it) => {
                if let Some(old) = self.remove(locate, it.old) {
                    self.add(locate, it.new, old.side, it.shares, it.price);
                } else {
                    assert!(self.used.insert(it.new), "used twice: {it:?}");
                    self.unseen.insert(it.new);
                }
            }
            Body::Trade(it) => {
                self.stock(locate, it.stock);
                self.matched(it.match_number);
                assert!(it.shares > 0 && it.reference == OrderReference(0));
            }
            Body::CrossTrade(it) => {
                self.stock(locate, it.stock);
                self.matched(it.match_number);
            }
            Body::BrokenTrade(it) => {
                let is_known = self.matches.contains(&it.match_number);
                assert!(is_known || self.is_warming, "never happened: {it:?}");
                assert!(self.broken.insert(it.match_number), "broken twice: {it:?}");
            }
            Body::ImbalanceIndicator(it) => {
                self.stock(locate, it.stock);
                self.indicated.insert((locate, it.cross.letter()));
            }
            Body::TradingAction(it) => {
                self.stock(locate, it.stock);
                match it.state {
                    TradingState::Trading => self.halted.remove(&locate),
                    _ => self.halted.insert(locate),
                };
            }
            _ => {}
        }
    }

    fn stock(&self, locate: u16, stock: Stock) {
        match self.stocks.get(&locate) {
            Some(known) => assert_eq!(*known, stock),
            None => assert!(self.is_warming || !self.stocks.contains_key(&1)),
        }
        assert!(locate > 0);
    }

    fn matched(&mut self, number: MatchNumber) {
        assert!(self.matches.insert(number), "matched twice: {number:?}");
    }

    fn add(&mut self, locate: u16, name: OrderReference, side: Side, shares: u32, price: Price) {
        assert!(shares > 0, "{name:?} has no shares");
        assert!(
            price >= Price(10_000) && price.0.is_multiple_of(100),
            "{price}"
        );
        assert!(!self.halted.contains(&locate), "{name:?} in a halted stock");
        assert!(self.used.insert(name), "used twice: {name:?}");
        let order = Order {
            locate,
            side,
            shares,
            price,
        };
        *self.level(&order) += 1;
        self.orders.insert(name, order);
        self.uncrossed(locate);
    }

    fn level(&mut self, order: &Order) -> &mut u32 {
        let levels = self.levels.entry((order.locate, order.side)).or_default();
        levels.entry(order.price).or_default()
    }

    fn uncrossed(&self, locate: u16) {
        let bids = self.levels.get(&(locate, Side::Buy));
        let asks = self.levels.get(&(locate, Side::Sell));
        let bid = bids.and_then(|levels| levels.last_key_value());
        let ask = asks.and_then(|levels| levels.first_key_value());
        if let (Some((bid, _)), Some((ask, _))) = (bid, ask) {
            assert!(bid < ask, "locate {locate}: bid {bid}, ask {ask}");
        }
    }

    fn reduce(&mut self, locate: u16, name: OrderReference, shares: u32, may_end: bool) {
        assert!(shares > 0, "nothing of {name:?}");
        let Some(mut order) = self.remove(locate, name) else {
            // Who knows whether that was all of it.
            self.unseen.insert(name);
            return;
        };
        assert!(shares <= order.shares, "more than there is of {name:?}");
        assert!(may_end || shares < order.shares, "all of {name:?} by X");
        order.shares -= shares;
        if order.shares > 0 {
            *self.level(&order) += 1;
            self.orders.insert(name, order);
        }
    }

    fn remove(&mut self, locate: u16, name: OrderReference) -> Option<Order> {
        let Some(order) = self.orders.remove(&name) else {
            let is_old = self.is_warming && self.used.insert(name);
            assert!(self.unseen.remove(&name) || is_old, "not live: {name:?}");
            return None;
        };
        assert_eq!(order.locate, locate, "{name:?} of another stock");
        let level = self.level(&order);
        *level -= 1;
        if *level == 0 {
            let levels = self.levels.get_mut(&(order.locate, order.side)).unwrap();
            levels.remove(&order.price);
        }
        Some(order)
    }
}
