//! Whether a consumer got every message once, in order: each by its bytes, against the seed's
//! message of that number. Nobody's count is believed, and no decoder is shared.

use std::collections::BTreeSet;

use soupbintcp_sim::day::{Day, Messages};

/// How far around the place a message is looked for that is not the one that was expected.
const NEAR: u64 = 100_000;

/// What came, and what was wrong with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages that came.
    pub messages: u64,
    /// Messages that were left out, at least for a while.
    pub gaps: u64,
    /// Messages that came again.
    pub duplicates: u64,
    /// Messages that came after later ones.
    pub reorders: u64,
    /// Messages that the seed does not have near that place.
    pub corruptions: u64,
}

impl Tally {
    /// Whether nothing was wrong.
    pub fn is_clean(&self) -> bool {
        let clean = Self {
            messages: self.messages,
            ..Self::default()
        };
        *self == clean
    }
}

/// Compares what comes with a seed's messages.
#[derive(Debug)]
pub struct Oracle {
    day: Day,
    ahead: Messages,
    next: u64,
    missing: BTreeSet<u64>,
    tally: Tally,
}

impl Oracle {
    /// Of a consumer that gets message `first` first.
    pub fn new(day: &Day, first: u64) -> Self {
        Self {
            ahead: day.from(first),
            day: day.clone(),
            next: first,
            missing: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    /// The number of the message that is to come next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// What came so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// A message came.
    pub fn take(&mut self, message: &[u8]) {
        self.tally.messages += 1;
        if self.ahead.next() == message {
            self.next += 1;
            return;
        }
        match self.find(message) {
            Some(number) if number > self.next => {
                self.tally.gaps += number - self.next;
                self.missing.extend(self.next..number);
                self.next = number + 1;
            }
            Some(number) if self.missing.remove(&number) => self.tally.reorders += 1,
            Some(_) => self.tally.duplicates += 1,
            None => {
                self.tally.corruptions += 1;
                self.next += 1;
            }
        }
        self.ahead = self.day.from(self.next);
    }

    /// The number of a message that is not the next. No two have the same bytes: each has a later
    /// time than the one before.
    fn find(&self, message: &[u8]) -> Option<u64> {
        let first = self.next.saturating_sub(NEAR).max(1);
        let mut messages = self.day.from(first);
        let after = self.next + NEAR;
        (first..after).find(|_| messages.next() == message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(numbers: impl IntoIterator<Item = u64>) -> Tally {
        let day = Day::new(7);
        let mut oracle = Oracle::new(&day, 101);
        let messages = numbers.into_iter().map(|number| day.message(number));
        messages.for_each(|message| oracle.take(&message));
        oracle.tally()
    }

    #[test]
    fn what_is_whole_is_clean() {
        let whole = tally(101..=200);
        assert!(whole.is_clean() && whole.messages == 100, "{whole:?}");
    }

    #[test]
    fn what_is_wrong_is_told_apart() {
        let gap = tally([101, 102, 105, 106]);
        assert_eq!((gap.gaps, gap.is_clean()), (2, false));
        let again = tally([101, 102, 102, 103]);
        assert_eq!((again.duplicates, again.gaps), (1, 0));
        let turned = tally([101, 103, 102, 104]);
        assert_eq!((turned.reorders, turned.gaps, turned.duplicates), (1, 1, 0));
    }

    #[test]
    fn what_the_seed_does_not_have_is_corrupt() {
        let day = Day::new(7);
        let mut oracle = Oracle::new(&day, 5);
        oracle.take(&Day::new(8).message(5));
        oracle.take(&day.message(6));
        let tally = oracle.tally();
        assert_eq!((tally.corruptions, tally.gaps, oracle.next()), (1, 0, 7));
    }
}
