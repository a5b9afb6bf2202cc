//! Finding again what was there before, where most of it stands as it stood.

use std::collections::HashMap;
use std::hash::Hash;

/// Things that are asked for one after the other, as a rule in the order in which they stand: then each
/// is found beside the one before it. Only where the order is another, all are put into a table by
/// their keys, once.
#[derive(Debug)]
pub(crate) struct InOrder<'a, T, K> {
    all: &'a [T],
    key: fn(&T) -> K,
    /// Where the next is, if the order is as it was.
    next: usize,
    places: Option<HashMap<K, usize>>,
}

impl<'a, T, K: Eq + Hash> InOrder<'a, T, K> {
    /// Of `all`, each has a `key` of its own.
    pub(crate) fn new(all: &'a [T], key: fn(&T) -> K) -> Self {
        Self {
            all,
            key,
            next: 0,
            places: None,
        }
    }

    /// The place of the one of this `key`, which is the one that `is_it`.
    pub(crate) fn find(
        &mut self,
        is_it: impl Fn(&T) -> bool,
        key: impl FnOnce() -> K,
    ) -> Option<usize> {
        let place = match self.all.get(self.next).is_some_and(is_it) {
            true => self.next,
            false => self.look_up(&key())?,
        };
        self.next = place + 1;
        Some(place)
    }

    fn look_up(&mut self, key: &K) -> Option<usize> {
        let places = self.places.get_or_insert_with(|| {
            let keys = self.all.iter().map(self.key);
            keys.zip(0..).collect()
        });
        places.get(key).copied()
    }

    /// Whether another order made it look all of them up.
    #[cfg(test)]
    pub(crate) fn has_looked_up(&self) -> bool {
        self.places.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(all: &[&str], asked: &[&str]) -> (Vec<Option<usize>>, bool) {
        let mut before = InOrder::new(all, |it| (*it).to_owned());
        let place = |name: &&str| before.find(|it| it == name, || (*name).to_owned());
        let places = asked.iter().map(place).collect();
        (places, before.has_looked_up())
    }

    #[test]
    fn what_stands_as_it_stood_is_never_looked_up() {
        let places = vec![Some(0), Some(1), Some(2)];
        assert_eq!(found(&["a", "b", "c"], &["a", "b", "c"]), (places, false));
    }

    #[test]
    fn what_stands_elsewhere_is_found_all_the_same() {
        for (asked, places) in [
            (["c", "a", "b"], [Some(2), Some(0), Some(1)]),
            (["a", "x", "b"], [Some(0), None, Some(1)]),
            (["b", "b", "c"], [Some(1), Some(1), Some(2)]),
        ] {
            let (found, _) = found(&["a", "b", "c"], &asked);
            assert_eq!(found, places, "{asked:?}");
        }
    }
}
