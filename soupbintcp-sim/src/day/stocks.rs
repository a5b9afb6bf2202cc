//! The stocks of a day: symbols, prices, and who is traded how much.

use super::calendar::{INDICATED, QUIET, STOCKS, is_listed};
use super::random::{Random, hash};
use crate::itch::{Price, Stock};

/// Entries of the table that a random number is looked up in: even the least active stock has one.
const DRAWS: usize = 1 << 15;

/// Ticks are cents.
const TICK: u32 = 100;

/// How far a price strays from its level of the seed, in parts of a million, over so many windows
/// (as a power of two). The sum looks like a random walk, yet any window is known without those
/// before it.
const WAVES: [(u32, i64); 5] = [(0, 150), (3, 450), (6, 1300), (9, 3700), (13, 11_000)];

/// One stock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub(super) symbol: Stock,
    /// Its place in the order of activity, from 0.
    pub(super) rank: u16,
    /// The level its price strays from, in ticks: 2 to 500 dollars.
    level: u32,
    /// 64 bits of its own.
    pub(super) traits: u64,
}

/// All stocks, by index; the locate number is index + 1.
#[derive(Debug)]
pub(super) struct Stocks {
    seed: u64,
    listings: Vec<Listing>,
    quiet: Vec<u16>,
    indicated: Vec<u16>,
    draws: Vec<u16>,
}

impl Stocks {
    pub(super) fn new(seed: u64) -> Self {
        let seed = hash(seed, 0x570c);
        let mut random = Random::new(seed);
        let by_rank = shuffled(&mut random);
        let mut listings: Vec<_> = symbols(&mut random)
            .into_iter()
            .map(listing(&mut random))
            .collect();
        for (rank, index) in by_rank.iter().enumerate() {
            listings[usize::from(*index)].rank = rank as u16;
        }
        let listed = by_rank.iter().copied().filter(|index| is_listed(*index));
        let indicated = listed.take(INDICATED).collect();
        let draws = draws(&by_rank);
        let quiet = by_rank[STOCKS - QUIET..].to_vec();
        Self {
            seed,
            listings,
            quiet,
            indicated,
            draws,
        }
    }

    pub(super) fn listing(&self, index: u16) -> &Listing {
        &self.listings[usize::from(index)]
    }

    /// All of them, in the order of their locate numbers.
    pub(super) fn indices(&self) -> impl Iterator<Item = u16> + use<> {
        0..STOCKS as u16
    }

    /// One of the stocks whose auctions are announced: the most active ones first.
    pub(super) fn indicated(&self, at: usize) -> u16 {
        self.indicated[at]
    }

    /// One of the quiet ones, by any number.
    pub(super) fn quiet(&self, number: u64) -> u16 {
        self.quiet[(number % QUIET as u64) as usize]
    }

    /// An active stock, from 15 random bits: the most active ones most often.
    pub(super) fn drawn(&self, bits: u64) -> u16 {
        self.draws[bits as usize % DRAWS]
    }

    /// The middle of a stock's book in a window counted over all days, in ticks: at least 1 dollar.
    pub(super) fn middle(&self, index: u16, window: u64) -> u32 {
        let level = i64::from(self.listing(index).level);
        let strayed: i64 = WAVES
            .iter()
            .map(|(power, part)| self.wave(index, window, *power) * part)
            .sum();
        (level + level * strayed / (32_768 * 1_000_000)) as u32
    }

    /// A line between two random points, −32768 to 32767, that are 2^power windows apart.
    fn wave(&self, index: u16, window: u64, power: u32) -> i64 {
        let place = window >> power;
        let passed = (window & ((1 << power) - 1)) as i64;
        let from = self.point(index, place, power);
        if passed == 0 {
            return from;
        }
        from + (((self.point(index, place + 1, power) - from) * passed) >> power)
    }

    fn point(&self, index: u16, place: u64, power: u32) -> i64 {
        let key = (place << 20) ^ (u64::from(index) << 4) ^ u64::from(power);
        i64::from(hash(self.seed, key) as u16) - 32_768
    }
}

/// So many ticks as a price.
pub(super) const fn price(ticks: u32) -> Price {
    Price(ticks * TICK)
}

/// All indices in a random order.
fn shuffled(random: &mut Random) -> Vec<u16> {
    let mut order: Vec<u16> = (0..STOCKS as u16).collect();
    for last in (1..STOCKS).rev() {
        order.swap(last, random.below(last as u32 + 1) as usize);
    }
    order
}

/// Different symbols of 1 to 5 letters, in alphabetical order, as an exchange numbers them.
fn symbols(random: &mut Random) -> Vec<Stock> {
    let mut symbols = std::collections::BTreeSet::new();
    while symbols.len() < STOCKS {
        let length = [1, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 5][random.below(12) as usize];
        let text: String = (0..length)
            .map(|_| char::from(b'A' + random.below(26) as u8))
            .collect();
        symbols.extend(Stock::parse(&text));
    }
    symbols.into_iter().collect()
}

/// Levels from 2 to 500 dollars, as many between 4 and 8 as between 100 and 200.
fn listing(random: &mut Random) -> impl FnMut(Stock) -> Listing {
    |symbol| {
        let octave = 200_u32 << random.below(8);
        let level = octave + random.below(octave);
        Listing {
            symbol,
            rank: 0,
            level: level.min(50_000),
            traits: random.next(),
        }
    }
}

/// The table of draws: stock of rank r has a share of about 1 / (r + 12).
fn draws(by_rank: &[u16]) -> Vec<u16> {
    let active = &by_rank[..STOCKS - QUIET];
    let weight = |rank: usize| (1_u64 << 32) / (rank as u64 + 12);
    let sum: u64 = (0..active.len()).map(weight).sum();
    let spare = (DRAWS - active.len()) as u64;
    let mut draws = Vec::with_capacity(DRAWS);
    for (rank, index) in active.iter().enumerate() {
        let share = 1 + weight(rank) * spare / sum;
        draws.extend(std::iter::repeat_n(*index, share as usize));
    }
    // What rounding left over goes to the most active one.
    draws.resize(DRAWS, active[0]);
    draws
}
