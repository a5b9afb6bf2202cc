//! What stands where in a day, by message numbers alone.
//!
//! A day is a row of pieces: parts that are spelled out (the morning's directory, the auctions,
//! the night) and three stretches of one flow of orders between them. Orders live across the
//! pieces between the stretches.

/// Stocks of the day; their locate numbers are 1 to this.
pub(super) const STOCKS: usize = 3000;

/// Stocks with an order flow too thin to be seen, except around a halt or a first listing.
pub(super) const QUIET: usize = 64;

/// Stocks listed on Nasdaq: every other one. They open and close by auctions.
pub(super) const LISTED: usize = STOCKS / 2;

/// Stocks whose auctions are announced by imbalance indicators: the most active ones listed.
pub(super) const INDICATED: usize = 256;

/// Messages of a block. A power of two, as order references are numbered by block; so small that
/// two blocks are made anew in a few milliseconds, which is what starting at any message costs.
pub(super) const BLOCK: u64 = 1 << 14;

/// Blocks of a lane in a day. With two lanes, 2²⁸ messages: about what a busy day has.
pub(super) const BLOCKS: u64 = 1 << 13;

/// Messages of the flow in a day.
pub(super) const FLOW: u64 = 2 * BLOCK * BLOCKS;

/// Half a block of each lane: prices move from one window to the next.
pub(super) const WINDOWS: u64 = 2 * BLOCKS;

/// Messages of the flow before the market opens. Few, so that short runs see an open market.
pub(super) const BEFORE_OPEN: u64 = 4096;

/// Messages of the flow after the market has closed: about 1 %.
pub(super) const AFTER_CLOSE: u64 = FLOW / 128;

/// The window in which the market closes.
pub(super) const CLOSE_WINDOW: u64 = (FLOW - AFTER_CLOSE) / BLOCK;

/// Messages that are about the market or a single stock, between directory and trading actions.
pub(super) const NOTICES: usize = 6;

/// Whether a stock, by index, is listed on Nasdaq.
pub(super) const fn is_listed(stock: u16) -> bool {
    stock.is_multiple_of(2)
}

/// A piece of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// The directory, and what else is said before orders are taken.
    Morning,
    /// The flow of orders, from this place in it on.
    Flow(u64),
    /// The opening auctions.
    Opening,
    /// The closing auctions.
    Closing,
    /// The end of the day.
    Night,
}

/// A piece with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) piece: Piece,
    /// Number of its first message within the day, from 0.
    pub(super) start: u64,
    /// Number after its last.
    pub(super) end: u64,
    /// When it begins, in nanoseconds since midnight; it ends when the next one begins.
    pub(super) from: u64,
    pub(super) until: u64,
}

impl Part {
    /// Whether the market is open: the long stretch of the flow.
    pub(super) const fn is_market_hours(&self) -> bool {
        matches!(self.piece, Piece::Flow(BEFORE_OPEN))
    }
}

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

const MORNING: u64 = (2 * STOCKS + 2 * LISTED + NOTICES + 2) as u64;
const OPENING: u64 = (INDICATED + LISTED + 1) as u64;
const CLOSING: u64 = OPENING;
const NIGHT: u64 = 2;

/// When a day's messages have ended: those of the next one begin.
pub(super) const DAY_END: u64 = 20 * HOUR + 30 * MINUTE;

/// The row: what, how many messages, from when.
const ROW: [(Piece, u64, u64); 7] = [
    (Piece::Morning, MORNING, 3 * HOUR),
    (Piece::Flow(0), BEFORE_OPEN, 4 * HOUR),
    (Piece::Opening, OPENING, 9 * HOUR + 30 * MINUTE),
    (
        Piece::Flow(BEFORE_OPEN),
        FLOW - BEFORE_OPEN - AFTER_CLOSE,
        9 * HOUR + 30 * MINUTE + SECOND,
    ),
    (Piece::Closing, CLOSING, 16 * HOUR),
    (
        Piece::Flow(FLOW - AFTER_CLOSE),
        AFTER_CLOSE,
        16 * HOUR + SECOND,
    ),
    (Piece::Night, NIGHT, 20 * HOUR),
];

/// All pieces of a day, in order and without a gap.
pub(super) const PARTS: [Part; ROW.len()] = parts();

/// Messages of a day.
pub(super) const DAY: u64 = PARTS[ROW.len() - 1].end;

const fn parts() -> [Part; ROW.len()] {
    let mut parts = [Part {
        piece: Piece::Morning,
        start: 0,
        end: 0,
        from: 0,
        until: 0,
    }; ROW.len()];
    let mut start = 0;
    let mut i = 0;
    while i < ROW.len() {
        let (piece, messages, from) = ROW[i];
        let until = if i + 1 < ROW.len() {
            ROW[i + 1].2
        } else {
            DAY_END
        };
        parts[i] = Part {
            piece,
            start,
            end: start + messages,
            from,
            until,
        };
        start += messages;
        i += 1;
    }
    parts
}

/// The piece that message `m` of a day, from 0, is in.
pub(super) fn part_of(m: u64) -> &'static Part {
    let part = PARTS.iter().find(|part| m < part.end);
    part.unwrap_or(&PARTS[ROW.len() - 1])
}
