//! The judge: what a consumer got, against the messages of the feed's seed. It counts for itself,
//! and knows each message by its hash, so that no sequence number of anybody else is trusted. Pure.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};

use serde_json::{Value, json};
use soupbintcp_sim::day::{Day, Messages};

/// How far ahead a message is looked for that is not the next one.
const AHEAD: u64 = 200_000;

/// How many of the last messages are known again.
const BEHIND: usize = 200_000;

/// The hash of a message. Every message of a day has a time of its own: no two are equal.
pub(super) fn hash(message: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(message);
    hasher.finish()
}

/// What was wrong. All zero is what a feed promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Faults {
    /// Messages that were left out.
    pub(super) gaps: u64,
    /// Messages that came again.
    pub(super) duplicates: u64,
    /// Messages that came after later ones.
    pub(super) reorders: u64,
    /// Messages that are none of the feed's.
    pub(super) corruptions: u64,
    /// Connections that ended.
    pub(super) disconnects: u64,
}

/// Compares what came with what there is.
#[derive(Debug)]
pub(super) struct Oracle {
    day: Day,
    feed: Messages,
    next: u64,
    seen: VecDeque<u64>,
    missing: HashMap<u64, u64>,
    pub(super) faults: Faults,
}

impl Oracle {
    /// Of a consumer that gets the messages of this day from `first` on.
    pub(super) fn new(day: &Day, first: u64) -> Self {
        Self {
            day: day.clone(),
            feed: day.from(first),
            next: first,
            seen: VecDeque::new(),
            missing: HashMap::new(),
            faults: Faults::default(),
        }
    }

    /// The number of the message that is to come next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The consumer got a message with this hash.
    pub(super) fn received(&mut self, received: u64) {
        if hash(self.feed.next()) == received {
            self.next += 1;
        } else {
            self.look_elsewhere(received);
        }
        if self.seen.len() == BEHIND {
            self.seen.pop_front();
        }
        self.seen.push_back(received);
    }

    fn look_elsewhere(&mut self, received: u64) {
        if self.missing.remove(&received).is_some() {
            self.faults.gaps -= 1;
            self.faults.reorders += 1;
        } else if self.seen.contains(&received) {
            self.faults.duplicates += 1;
        } else if let Some(number) = self.ahead(received) {
            for (n, hash) in self.hashes(self.next).take((number - self.next) as usize) {
                self.missing.insert(hash, n);
            }
            self.faults.gaps += number - self.next;
            self.next = number + 1;
        } else {
            self.faults.corruptions += 1;
            self.next += 1;
        }
        self.feed = self.day.from(self.next);
    }

    /// The number of a later message with this hash.
    fn ahead(&self, wanted: u64) -> Option<u64> {
        let mut ahead = self.hashes(self.next + 1).take(AHEAD as usize);
        ahead.find(|(_, hash)| *hash == wanted).map(|(n, _)| n)
    }

    fn hashes(&self, from: u64) -> impl Iterator<Item = (u64, u64)> + use<> {
        let mut messages = self.day.from(from);
        (from..).map(move |n| (n, hash(messages.next())))
    }
}

impl Faults {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.gaps += other.gaps;
        self.duplicates += other.duplicates;
        self.reorders += other.reorders;
        self.corruptions += other.corruptions;
        self.disconnects += other.disconnects;
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "gaps": self.gaps,
            "duplicates": self.duplicates,
            "reorders": self.reorders,
            "corruptions": self.corruptions,
            "disconnects": self.disconnects,
        })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} gaps, {} duplicates, {} reorders, {} corruptions, {} disconnects",
            self.gaps, self.duplicates, self.reorders, self.corruptions, self.disconnects
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(numbers: &[u64]) -> (Faults, u64) {
        let day = Day::new(7);
        let mut oracle = Oracle::new(&day, 1000);
        for n in numbers {
            // 0 stands for a message that is none.
            oracle.received(match n {
                0 => 0,
                n => hash(&day.message(*n)),
            });
        }
        (oracle.faults, oracle.next())
    }

    #[test]
    fn the_feed_as_it_is_has_no_fault() {
        assert_eq!(judged(&[1000, 1001, 1002]), (Faults::default(), 1003));
    }

    #[test]
    fn every_fault_is_called_by_its_name() {
        let gaps = Faults {
            gaps: 2,
            ..Faults::default()
        };
        assert_eq!(judged(&[1000, 1003, 1004]), (gaps, 1005));
        let duplicates = Faults {
            duplicates: 1,
            ..Faults::default()
        };
        assert_eq!(judged(&[1000, 1001, 1000, 1002]), (duplicates, 1003));
        let reorders = Faults {
            reorders: 1,
            ..Faults::default()
        };
        assert_eq!(judged(&[1000, 1002, 1001, 1003]), (reorders, 1004));
        let corruptions = Faults {
            corruptions: 1,
            ..Faults::default()
        };
        assert_eq!(judged(&[1000, 0, 1002]), (corruptions, 1003));
    }
}
