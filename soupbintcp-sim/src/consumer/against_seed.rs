//! Judges a stream against the seed that it is said to come from.
//!
//! The message that counting expects is compared byte for byte with the seed's. Where they differ,
//! the message is looked for nearby, then by its timestamp anywhere: what the seed has elsewhere
//! was left out, came again or late; what it has nowhere is corrupt. Each mistake counts once, as
//! the comparison goes on from where the message was found.

use std::collections::{BTreeSet, VecDeque};

use super::verdict::{Fault, NEARBY, Recent, Tally, fingerprint, timestamp};
use crate::day::{Day, Messages};
use crate::itch::Timestamp;

/// A search of the whole seed takes milliseconds: so many are free, and one more for so many
/// messages, or a stream that is all wrong could not be followed.
const SEARCHES: u64 = 16;
const MESSAGES_PER_SEARCH: u64 = 4096;

/// A search gives up beyond this number: further than any run comes.
const FARTHEST: u64 = 1 << 37;

/// What is kept of a message of the seed.
#[derive(Clone, Copy, Debug)]
struct Made {
    fingerprint: u64,
    time: Timestamp,
}

impl Made {
    fn of(message: &[u8]) -> Self {
        let time = timestamp(message).unwrap_or_default();
        Self {
            fingerprint: fingerprint(message),
            time,
        }
    }
}

/// The judge.
#[derive(Debug)]
pub(super) struct AgainstSeed {
    day: Day,
    /// The seed's messages behind those of `ahead`.
    stream: Messages,
    /// The next messages, as far as they had to be looked at.
    ahead: VecDeque<Made>,
    /// Those of the messages before the next one.
    recent: Recent,
    /// The number of the next message in the seed: counting, but for mistakes.
    next: u64,
    /// Numbers below that which never came, or something else came for them: the newest ones.
    missing: BTreeSet<u64>,
    spoiled: BTreeSet<u64>,
    /// Where a line began again far behind: what comes there came before.
    again: Option<Messages>,
    first: u64,
    searches: u64,
}

impl AgainstSeed {
    /// The first message should be number `first`.
    pub(super) fn new(seed: u64, first: u64) -> Self {
        // A server may say anything; the seed has no number that does not fit.
        let first = first.clamp(1, Day::FARTHEST);
        let day = Day::new(seed);
        Self {
            stream: day.from(first),
            day,
            ahead: VecDeque::new(),
            recent: Recent::default(),
            next: first,
            missing: BTreeSet::new(),
            spoiled: BTreeSet::new(),
            again: None,
            first,
            searches: 0,
        }
    }

    /// Judges a message that counting gives number `at`.
    pub(super) fn judge(&mut self, message: &[u8], at: u64, tally: &mut Tally) {
        let own = fingerprint(message);
        if self.ahead.is_empty() && self.again.is_none() {
            // The seed's message is made once: if this is not it, it waits in front.
            let expected = self.stream.next();
            if expected == message {
                self.pass(own);
                return;
            }
            self.ahead.push_back(Made::of(expected));
        }
        self.judge_otherwise(message, own, at, tally);
    }

    #[cold]
    fn judge_otherwise(&mut self, message: &[u8], own: u64, at: u64, tally: &mut Tally) {
        if self.expected() == own {
            self.again = None;
            self.ahead.pop_front();
            self.pass(own);
        } else if self.is_again(message) {
            tally.count(Fault::Duplicate { at, of: None });
        } else if let Some(back) = self.recent.find(own) {
            self.came_from_behind(self.next - back, at, tally);
        } else if let Some(skipped) = self.find_ahead(own) {
            self.skip(skipped, at, tally);
        } else if let Some(number) = self.search(message, at) {
            self.came_from_afar(number, at, tally);
        } else {
            self.corrupt(at, tally);
        }
    }

    fn pass(&mut self, own: u64) {
        self.recent.push(own);
        self.next += 1;
    }

    fn expected(&mut self) -> u64 {
        let (ahead, stream) = (&mut self.ahead, &mut self.stream);
        if ahead.is_empty() {
            ahead.push_back(Made::of(stream.next()));
        }
        ahead[0].fingerprint
    }

    fn is_again(&mut self, message: &[u8]) -> bool {
        let Some(again) = &mut self.again else {
            return false;
        };
        let is_again = again.number() < self.next && again.next() == message;
        if !is_again {
            self.again = None;
        }
        is_again
    }

    fn came_from_behind(&mut self, number: u64, at: u64, tally: &mut Tally) {
        if self.spoiled.remove(&number) {
            // What was corrupt had been put in, not changed.
        } else if self.missing.remove(&number) {
            tally.came_late();
            tally.count(Fault::Reorder {
                at,
                of: Some(number),
            });
        } else {
            tally.count(Fault::Duplicate {
                at,
                of: Some(number),
            });
        }
    }

    /// How many messages before this one the seed has next, if not more than are nearby.
    fn find_ahead(&mut self, own: u64) -> Option<usize> {
        while self.ahead.len() < NEARBY {
            self.ahead.push_back(Made::of(self.stream.next()));
        }
        self.ahead.iter().position(|it| it.fingerprint == own)
    }

    fn skip(&mut self, skipped: usize, at: u64, tally: &mut Tally) {
        tally.count(Fault::Gap {
            at,
            missing: skipped as u64,
        });
        for made in self.ahead.drain(..skipped) {
            self.recent.push(made.fingerprint);
        }
        self.missing.extend(self.next..self.next + skipped as u64);
        self.next += skipped as u64;
        forget(&mut self.missing, self.next);
        if let Some(own) = self.ahead.pop_front() {
            self.pass(own.fingerprint);
        }
    }

    /// The number of a message anywhere in the seed, by its timestamp.
    fn search(&mut self, message: &[u8], at: u64) -> Option<u64> {
        let sought = timestamp(message).filter(|time| !self.is_nearby(*time))?;
        let allowed = SEARCHES + at.saturating_sub(self.first) / MESSAGES_PER_SEARCH;
        if self.searches >= allowed {
            return None;
        }
        self.searches += 1;
        let (mut low, mut high) = (1, FARTHEST);
        while low < high {
            let middle = low.midpoint(high);
            if self.day.from(middle).advance().header.timestamp < sought {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (self.day.from(low).next() == message).then_some(low)
    }

    /// Whether a message of this time would be one of those that were just looked at.
    fn is_nearby(&self, time: Timestamp) -> bool {
        let ends = self.ahead.front().zip(self.ahead.back());
        ends.is_some_and(|(first, last)| first.time <= time && time <= last.time)
    }

    fn came_from_afar(&mut self, number: u64, at: u64, tally: &mut Tally) {
        if number < self.next {
            self.again = Some(self.day.from(number + 1));
            self.came_from_behind(number, at, tally);
            return;
        }
        tally.count(Fault::Gap {
            at,
            missing: number - self.next,
        });
        self.stream = self.day.from(number + 1);
        self.ahead.clear();
        self.recent.clear();
        self.missing.clear();
        self.next = number + 1;
    }

    /// It stands for the message that was expected.
    fn corrupt(&mut self, at: u64, tally: &mut Tally) {
        tally.count(Fault::Corrupt { at });
        self.spoiled.insert(self.next);
        if let Some(expected) = self.ahead.pop_front() {
            self.recent.push(expected.fingerprint);
        }
        self.next += 1;
        forget(&mut self.spoiled, self.next);
    }
}

/// Drops numbers that are no longer nearby.
fn forget(numbers: &mut BTreeSet<u64>, next: u64) {
    *numbers = numbers.split_off(&next.saturating_sub(NEARBY as u64));
}
