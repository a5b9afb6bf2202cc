//! What happens to single stocks in a block, besides orders: 16 notices, evenly spread.
//!
//! A quiet stock is paused, gets its price limits, is quoted, crosses, trades again, and then has
//! some orders until the block ends. The block of the other lane has another such stock.

use super::block::{Block, Event, PARTICIPANTS, Place, event};
use super::stocks::{Stocks, price};
use crate::itch::{
    Body, CrossTrade, CrossType, Imbalance, ImbalanceIndicator, LuldCollar, ParticipantPosition,
    RegSho, RetailInterest, TradingAction, TradingState,
};

/// Notices of a block.
const STEPS: u32 = 16;

/// The one after which the stock trades again.
const REOPENS: u32 = 8;

/// The notice that stands at a slot of the block, if one does.
pub(super) fn notice(block: &mut Block, stocks: &Stocks, slot: u32) -> Option<Event> {
    let pause = block.place().length / STEPS;
    if slot % pause != pause / 2 {
        return None;
    }
    let stock = stocks.quiet(block.place().id);
    let other = stocks.drawn(block.random());
    match slot / pause {
        0 => Some(action(stocks, stock, TradingState::Paused, *b"LUDP")),
        1 => Some(collar(block, stocks, stock)),
        2 => Some(action(stocks, stock, TradingState::Quotation, *b"T7  ")),
        3 | 6 => Some(indicator(block, stocks, stock)),
        7 => Some(cross(block, stocks, stock)),
        REOPENS => Some(action(stocks, stock, TradingState::Trading, *b"T7  ")),
        4 | 10 => block.break_trade(),
        5 | 9 | 12 | 14 => Some(interest(block, stocks, other)),
        11 => Some(short_sales(stocks, other)),
        13 => Some(position(block, stocks, other)),
        _ => None,
    }
}

/// The number of the quiet stock that trades again, once it does.
pub(super) const fn reopened(place: Place, slot: u32) -> Option<u64> {
    if slot > (REOPENS + 1) * (place.length / STEPS) {
        Some(place.id)
    } else {
        None
    }
}

fn action(stocks: &Stocks, stock: u16, state: TradingState, reason: [u8; 4]) -> Event {
    let symbol = stocks.listing(stock).symbol;
    event(
        stock,
        Body::TradingAction(TradingAction {
            stock: symbol,
            state,
            reserved: b' ',
            reason,
        }),
    )
}

fn collar(block: &Block, stocks: &Stocks, stock: u16) -> Event {
    let middle = block.ask(stock);
    let collar = LuldCollar {
        stock: stocks.listing(stock).symbol,
        reference: price(middle),
        upper: price(middle + middle / 20),
        lower: price(middle - middle / 20),
        extension: 0,
    };
    event(stock, Body::LuldCollar(collar))
}

fn indicator(block: &mut Block, stocks: &Stocks, stock: u16) -> Event {
    let symbol = stocks.listing(stock).symbol;
    let (bits, middle) = (block.random(), block.ask(stock));
    event(
        stock,
        Body::ImbalanceIndicator(imbalance(symbol, middle, bits, CrossType::Halted)),
    )
}

/// How an auction would end, made up from random bits.
pub(super) fn imbalance(
    stock: crate::itch::Stock,
    middle: u32,
    bits: u64,
    cross: CrossType,
) -> ImbalanceIndicator {
    let imbalance = (bits >> 8 & 0x1f) * 100;
    let direction = match (imbalance, bits & 1) {
        (0, _) => Imbalance::None,
        (_, 0) => Imbalance::Buy,
        _ => Imbalance::Sell,
    };
    ImbalanceIndicator {
        paired: (bits >> 16 & 0xfff) * 100,
        imbalance,
        direction,
        stock,
        far: price(middle + (bits >> 32 & 1) as u32),
        near: price(middle),
        reference: price(middle),
        cross,
        variation: b'L',
    }
}

fn cross(block: &mut Block, stocks: &Stocks, stock: u16) -> Event {
    let cross = CrossTrade {
        shares: 100 * (1 + (block.random() & 0xfff)),
        stock: stocks.listing(stock).symbol,
        price: price(block.ask(stock)),
        match_number: block.match_number(),
        cross: CrossType::Halted,
    };
    event(stock, Body::CrossTrade(cross))
}

fn interest(block: &mut Block, stocks: &Stocks, stock: u16) -> Event {
    let interest = b"BSAN"[block.random() as usize % 4];
    let symbol = stocks.listing(stock).symbol;
    event(
        stock,
        Body::RetailInterest(RetailInterest {
            stock: symbol,
            interest,
        }),
    )
}

fn short_sales(stocks: &Stocks, stock: u16) -> Event {
    let symbol = stocks.listing(stock).symbol;
    event(
        stock,
        Body::RegSho(RegSho {
            stock: symbol,
            action: b'1',
        }),
    )
}

fn position(block: &mut Block, stocks: &Stocks, stock: u16) -> Event {
    let bits = block.random();
    let position = ParticipantPosition {
        participant: PARTICIPANTS[bits as usize % PARTICIPANTS.len()],
        stock: stocks.listing(stock).symbol,
        is_primary: if bits & 8 == 0 { b'N' } else { b'Y' },
        mode: b'N',
        state: if bits & 0x70 == 0 { b'W' } else { b'A' },
    };
    event(stock, Body::ParticipantPosition(position))
}
