//! A believable ITCH 5.0 day from a seed, regenerated from any message on and never held.
//!
//! Message n has the same bytes whoever asks, however many are asked for, and wherever the reader
//! began: they depend on the seed and n alone. The seed's day has [`Day::LENGTH`] messages:
//!
//! | part | messages |
//! |---|---|
//! | morning: `O`; stock directory; notices; trading actions, short sales, market makers; `S` | 9008 |
//! | orders before the open | 4096 |
//! | opening: imbalances, `Q`, crosses | 1757 |
//! | orders in market hours | 266 334 208 |
//! | close: imbalances, `M`, crosses | 1757 |
//! | orders after hours | 2 097 152 |
//! | night: `E`, `C` | 2 |
//!
//! After that comes another day of the same stocks, and so on. Order references and match numbers
//! are unique over all days, and timestamps go on past midnight and strictly increase, as a feed
//! that never ends must have it: 48 bits are enough for 10¹¹ messages.
//!
//! # How
//!
//! The orders are two lanes of blocks, even messages from one lane and odd ones from the other.
//! The orders of a block are born, live and die within it, and derive from the block's number:
//! nothing of the past is needed to make it. The second lane is shifted by half a block, so live
//! orders span every boundary. Prices are a function of stock and time that both lanes know.

mod block;
mod calendar;
mod clock;
mod episode;
mod lane;
mod messages;
mod random;
mod script;
mod stocks;

use std::sync::Arc;

use stocks::Stocks;

// The public interface is, besides `Day`:
pub use messages::Messages;

/// What is made from the seed once.
#[derive(Debug)]
struct Seeded {
    seed: u64,
    stocks: Stocks,
}

/// A seed's messages. Cheap to clone.
///
/// ```
/// use soupbintcp_sim::day::Day;
///
/// let day = Day::new(7);
/// let mut messages = day.from(1);
/// assert_eq!(messages.next()[0], b'S');
/// assert_eq!(messages.next()[0], b'R');
/// assert_eq!(messages.number(), 3);
/// assert_eq!(day.from(1_000_000_000).next(), day.message(1_000_000_000));
/// ```
#[derive(Clone, Debug)]
pub struct Day {
    seeded: Arc<Seeded>,
}

impl Day {
    /// Messages until the end of the day, `C` included; the next day follows at once.
    pub const LENGTH: u64 = calendar::DAY;

    /// The number beyond which nobody begins: 16 million days, far more than anything sends, and so
    /// few that times and references are computed without overflow.
    pub const FARTHEST: u64 = 1 << 52;

    /// The day of a seed.
    pub fn new(seed: u64) -> Self {
        let stocks = Stocks::new(seed);
        Self {
            seeded: Arc::new(Seeded { seed, stocks }),
        }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seeded.seed
    }

    /// All messages from number `number` on, counted from 1 (0 is taken as 1, and what is beyond
    /// [`FARTHEST`](Self::FARTHEST) as that). The first one takes some milliseconds, wherever that is; the others a fraction of a microsecond.
    pub fn from(&self, number: u64) -> Messages {
        Messages::new(Arc::clone(&self.seeded), number)
    }

    /// One message. For several in a row, [`from`](Self::from) is faster by far.
    pub fn message(&self, number: u64) -> Vec<u8> {
        self.from(number).next().to_vec()
    }
}
