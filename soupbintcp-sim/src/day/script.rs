//! The parts of a day that are spelled out: morning, auctions, night.

use super::block::{Event, PARTICIPANTS, event};
use super::calendar::{
    BLOCK, CLOSE_WINDOW, INDICATED, LISTED, NOTICES, STOCKS, WINDOWS, is_listed,
};
use super::episode::imbalance;
use super::lane::auctions_id;
use super::random::hash;
use super::stocks::{Listing, Stocks, price};
use crate::itch::{
    Body, CrossTrade, CrossType, DeclineLevels, DeclineStatus, DirectListing, MatchNumber,
    OperationalHalt, ParticipantPosition, Price8, QuotingPeriod, RegSho, StockDirectory,
    SystemEvent, SystemEventCode, TradingAction, TradingState,
};

/// A day's own script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script<'a> {
    pub(super) seed: u64,
    pub(super) stocks: &'a Stocks,
    pub(super) day: u64,
}

impl Script<'_> {
    /// Message `at` of the morning: the directory, notices, trading actions, restrictions on short
    /// sales, market makers.
    pub(super) fn morning(self, at: usize) -> Event {
        let Some(at) = at.checked_sub(1) else {
            return system(SystemEventCode::StartOfMessages);
        };
        let Some(at) = beyond(at, STOCKS) else {
            return self.directory(at as u16);
        };
        let Some(at) = beyond(at, NOTICES) else {
            return self.notice(at);
        };
        let Some(at) = beyond(at, STOCKS) else {
            return self.opens(at as u16);
        };
        let Some(at) = beyond(at, LISTED) else {
            return self.short_sales(listed(at));
        };
        let Some(_) = beyond(at, LISTED) else {
            return self.market_maker(listed(at));
        };
        system(SystemEventCode::StartOfSystemHours)
    }

    /// Message `at` of the opening: imbalances, the bell, the crosses.
    pub(super) fn opening(self, at: usize) -> Event {
        self.auction(at, CrossType::Opening, SystemEventCode::StartOfMarketHours)
    }

    /// Message `at` of the close, likewise.
    pub(super) fn closing(self, at: usize) -> Event {
        self.auction(at, CrossType::Closing, SystemEventCode::EndOfMarketHours)
    }

    /// Message `at` of the night.
    pub(super) fn night(self, at: usize) -> Event {
        system(match at {
            0 => SystemEventCode::EndOfSystemHours,
            _ => SystemEventCode::EndOfMessages,
        })
    }

    fn directory(self, stock: u16) -> Event {
        let Listing { symbol, traits, .. } = *self.stocks.listing(stock);
        let is_fund = traits & 7 == 0;
        let market_category = if is_listed(stock) {
            b"QQGS"[(traits >> 3) as usize % 4]
        } else {
            b"NNAP"[(traits >> 3) as usize % 4]
        };
        let directory = StockDirectory {
            stock: symbol,
            market_category,
            financial_status: if is_listed(stock) { b'N' } else { b' ' },
            round_lot: 100,
            round_lots_only: b'N',
            classification: if is_fund { b'Q' } else { b'C' },
            subtype: if is_fund { *b"I " } else { *b"Z " },
            authenticity: b'P',
            short_sale_threshold: b'N',
            ipo: if is_listed(stock) { b'N' } else { b' ' },
            luld_tier: if traits >> 5 & 3 == 0 { b'1' } else { b'2' },
            etp: if is_fund { b'Y' } else { b'N' },
            leverage: u32::from(is_fund),
            inverse: b'N',
        };
        event(stock, Body::StockDirectory(directory))
    }

    /// The levels of market-wide halts, and that one was reached yesterday near the close, so that
    /// all stocks are released this morning; one market out of order and back; a new listing.
    fn notice(self, at: usize) -> Event {
        let stock = self.stocks.quiet(self.day);
        let symbol = self.stocks.listing(stock).symbol;
        let middle = self.middle(stock, 0);
        let halt = |action| {
            event(
                stock,
                Body::OperationalHalt(OperationalHalt {
                    stock: symbol,
                    market: b'B',
                    action,
                }),
            )
        };
        match at {
            0 => market(Body::DeclineLevels(self.decline_levels())),
            1 => market(Body::DeclineStatus(DeclineStatus { level: b'1' })),
            2 => halt(b'H'),
            3 => halt(b'T'),
            4 => event(
                stock,
                Body::QuotingPeriod(QuotingPeriod {
                    stock: symbol,
                    release_time: 10 * 3600,
                    qualifier: b'A',
                    price: price(middle),
                }),
            ),
            _ => event(
                stock,
                Body::DirectListing(DirectListing {
                    stock: symbol,
                    is_open: b'N',
                    minimum: price(middle - middle / 5),
                    maximum: price(middle + middle / 5),
                    near: price(middle),
                    near_time: 3 * 3600 * 1_000_000_000,
                    lower: price(middle - middle / 10),
                    upper: price(middle + middle / 10),
                }),
            ),
        }
    }

    fn decline_levels(self) -> DeclineLevels {
        // The index stood between 4000 and 5000 points yesterday.
        let index = 4_000_000 + hash(self.seed, self.day) % 1_000_000;
        let level = |percent: u64| Price8(index * (100 - percent) * 1000);
        DeclineLevels {
            level1: level(7),
            level2: level(13),
            level3: level(20),
        }
    }

    fn opens(self, stock: u16) -> Event {
        let action = TradingAction {
            stock: self.stocks.listing(stock).symbol,
            state: TradingState::Trading,
            reserved: b' ',
            reason: *b"MWCQ",
        };
        event(stock, Body::TradingAction(action))
    }

    fn short_sales(self, stock: u16) -> Event {
        let Listing { symbol, traits, .. } = *self.stocks.listing(stock);
        let action = if traits >> 8 & 0x3f == 0 { b'2' } else { b'0' };
        event(
            stock,
            Body::RegSho(RegSho {
                stock: symbol,
                action,
            }),
        )
    }

    fn market_maker(self, stock: u16) -> Event {
        let Listing { symbol, traits, .. } = *self.stocks.listing(stock);
        let position = ParticipantPosition {
            participant: PARTICIPANTS[(traits >> 16) as usize % PARTICIPANTS.len()],
            stock: symbol,
            is_primary: b'Y',
            mode: b'N',
            state: b'A',
        };
        event(stock, Body::ParticipantPosition(position))
    }

    fn auction(self, at: usize, cross: CrossType, bell: SystemEventCode) -> Event {
        let Some(at) = beyond(at, INDICATED) else {
            return self.indicator(at, cross);
        };
        match at.checked_sub(1) {
            None => system(bell),
            Some(at) => self.cross(listed(at), cross),
        }
    }

    fn indicator(self, at: usize, cross: CrossType) -> Event {
        let stock = self.stocks.indicated(at);
        let symbol = self.stocks.listing(stock).symbol;
        let bits = hash(
            self.seed,
            self.day << 32 | u64::from(cross.letter()) << 16 | u64::from(stock),
        );
        let middle = self.middle(stock, window(cross));
        event(
            stock,
            Body::ImbalanceIndicator(imbalance(symbol, middle, bits, cross)),
        )
    }

    fn cross(self, stock: u16, cross: CrossType) -> Event {
        let Listing { symbol, rank, .. } = *self.stocks.listing(stock);
        let bits = hash(
            self.seed,
            self.day << 32 | u64::from(cross.letter()) << 16 | u64::from(stock),
        );
        let half = if cross == CrossType::Opening {
            0
        } else {
            LISTED as u64
        };
        let trade = CrossTrade {
            shares: 100 * ((bits & 0xf_ffff) / (u64::from(rank) + 12)),
            stock: symbol,
            price: price(self.middle(stock, window(cross))),
            match_number: MatchNumber(auctions_id(self.day) * BLOCK + half + u64::from(stock / 2)),
            cross,
        };
        event(stock, Body::CrossTrade(trade))
    }

    fn middle(self, stock: u16, window: u64) -> u32 {
        self.stocks.middle(stock, self.day * WINDOWS + window)
    }
}

/// The window in which an auction falls.
const fn window(cross: CrossType) -> u64 {
    match cross {
        CrossType::Closing => CLOSE_WINDOW,
        _ => 0,
    }
}

/// The stock listed on Nasdaq in that place of their order by locate number.
const fn listed(at: usize) -> u16 {
    2 * at as u16
}

/// The place after `length` others; none if it is among them.
const fn beyond(at: usize, length: usize) -> Option<usize> {
    at.checked_sub(length)
}

const fn market(body: Body) -> Event {
    Event { locate: 0, body }
}

const fn system(code: SystemEventCode) -> Event {
    market(Body::SystemEvent(SystemEvent { code }))
}
