//! What a line says beside its messages: text for people, and messages without a number.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::soupbin::packet::Kind;

/// How many are kept for consumers that have yet to come to their place.
const ASIDES_MAX: usize = 64;
/// Bytes of all of them; one that is larger is kept alone.
const BYTES_MAX: usize = 64 * 1024;

/// One of them, at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Aside {
    /// Which one of the session's it is, from 0.
    serial: u64,
    /// The message that it came before.
    pub(super) at: u64,
    pub(super) kind: Kind,
    pub(super) frame: Bytes,
}

/// The last ones. They are no history: they have no number to ask for them by, so that who logs in gets
/// those that come later only. A consumer that lags gets them at their place, if they are kept until it
/// comes there.
#[derive(Debug, Default)]
pub(super) struct Asides {
    kept: VecDeque<Aside>,
    bytes: usize,
    next: u64,
}

impl Asides {
    /// What comes from here on begins with this one.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn push(&mut self, at: u64, kind: Kind, frame: &[u8]) {
        self.bytes += frame.len();
        self.kept.push_back(Aside {
            serial: self.next,
            at,
            kind,
            frame: Bytes::copy_from_slice(frame),
        });
        self.next += 1;
        while self.kept.len() > ASIDES_MAX || (self.bytes > BYTES_MAX && self.kept.len() > 1) {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |it| it.frame.len());
        }
    }

    /// The first that a consumer gets who stands before message `at` and had all before `serial`, which
    /// is moved behind those that it has passed by.
    pub(super) fn first(&self, at: u64, serial: &mut u64) -> Option<&Aside> {
        let mut left = self.kept.iter().filter(|it| it.serial >= *serial);
        let found = left.find(|it| it.at >= at);
        *serial = found.map_or(self.next, |it| it.serial);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_given_at_its_place_or_passed_by() {
        let mut asides = Asides::default();
        for at in [3, 5, 5] {
            asides.push(at, Kind::Debug, b"x");
        }
        let mut serial = 0;
        assert_eq!(asides.first(4, &mut serial).unwrap().at, 5);
        assert_eq!(serial, 1, "the first is passed by");
        serial += 1;
        assert_eq!(asides.first(5, &mut serial).unwrap().serial, 2);
        serial += 1;
        assert_eq!(asides.first(5, &mut serial), None);
    }

    #[test]
    fn no_more_are_kept_than_that() {
        let mut asides = Asides::default();
        (0..100).for_each(|at| asides.push(at, Kind::Debug, b"x"));
        assert_eq!((asides.kept.len(), asides.bytes), (64, 64));
        asides.push(100, Kind::Unsequenced, &[0; BYTES_MAX + 1]);
        assert_eq!((asides.kept.len(), asides.bytes), (1, BYTES_MAX + 1));
    }
}
