//! When message n is made: a pure function of seed and n.
//!
//! Messages come in clusters of 16, a cluster at a random moment of the first half of its share of
//! time. In market hours the shares are small at both ends and large at noon. Later days have the
//! same pause between messages all day long, as 48 bits of nanoseconds are only 78 hours.

use super::calendar::{DAY, DAY_END, Part, part_of};
use super::random::hash;

/// Messages of a cluster.
const CLUSTER: u64 = 16;

/// Nanoseconds between messages after the first day: 10¹¹ messages fit into 48 bits.
const LATER_PAUSE: u64 = 2048;

/// At most so long between messages of one cluster, in nanoseconds.
const STEP_MAX: u64 = 1500;

/// Tells the time of messages one after another.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    seed: u64,
    /// The cluster it has at hand: its first message and the one after its last, counted in the
    /// whole stream from 0.
    first: u64,
    end: u64,
    start: u64,
    step: u64,
}

impl Clock {
    pub(super) fn new(seed: u64) -> Self {
        let seed = hash(seed, 0xc10c);
        Self {
            seed,
            first: 0,
            end: 0,
            start: 0,
            step: 1,
        }
    }

    /// Nanoseconds since midnight of the first day, for a message counted from 0.
    pub(super) fn at(&mut self, index: u64) -> u64 {
        if index < self.first || index >= self.end {
            self.turn_to(index);
        }
        let place = index - self.first;
        let jitter = (index ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
        self.start + place * self.step + ((jitter * self.step) >> 16)
    }

    fn turn_to(&mut self, index: u64) {
        let (day, m) = (index / DAY, index % DAY);
        let part = part_of(m);
        let cluster = (m - part.start) / CLUSTER;
        let (start, width) = share(day, part, cluster);
        self.first = day * DAY + part.start + cluster * CLUSTER;
        self.end = (self.first + CLUSTER).min(day * DAY + part.end);
        self.start = start + hash(self.seed, self.first) % (width / 2);
        self.step = (width / 2 / CLUSTER).min(STEP_MAX);
    }
}

/// When a cluster's share of time begins, and how long it is.
fn share(day: u64, part: &Part, cluster: u64) -> (u64, u64) {
    if day > 0 {
        let m = part.start + cluster * CLUSTER;
        let messages = CLUSTER.min(part.end - m);
        let start = DAY_END + ((day - 1) * DAY + m) * LATER_PAUSE;
        return (start, messages * LATER_PAUSE);
    }
    let start = moment(part, cluster);
    (start, moment(part, cluster + 1) - start)
}

/// When a cluster of the first day has its turn.
fn moment(part: &Part, cluster: u64) -> u64 {
    let clusters = (part.end - part.start).div_ceil(CLUSTER);
    let passed = (u128::from(cluster) << 32) / u128::from(clusters);
    let passed = if part.is_market_hours() {
        uneven(passed)
    } else {
        passed
    };
    part.from + ((passed * u128::from(part.until - part.from)) >> 32) as u64
}

/// How much of the time has passed when so much of the messages has, both of 2³²: 15 parts of 100
/// evenly, the rest by 3x² − 2x³. Both ends have nine times the messages of noon.
const fn uneven(messages: u128) -> u128 {
    let one = 1 << 32;
    let square = (messages * messages) >> 32;
    let curve = (square * (3 * one - 2 * messages)) >> 32;
    (15 * messages + 85 * curve) / 100
}
