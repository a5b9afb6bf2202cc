//! What the consumer got last, to compare another line with that brings it later.

use std::collections::VecDeque;

use crate::soupbin::packet::{HEADER, split};

/// A place for a mark, at least so many bytes after the one before: a message is looked for from the
/// nearest one on.
const MARK_EVERY: u64 = 4096;

/// Room beyond what is kept at least: from one mark to the next, which the longest frame may lie between,
/// twice, so that room is soon enough.
const SLACK: usize = 256 * 1024;

/// The frames that the consumer got last, as they were on the wire: a line that brings the same later
/// brings the same bytes, so that they are compared a stretch at a time.
///
/// A place is counted in bytes from the beginning of all frames there ever were, so that it stays
/// what it is while frames are dropped before it.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    bytes: VecDeque<u8>,
    /// The place of the first byte.
    begin: u64,
    /// The number after the last message.
    next: u64,
    /// Frames here and there, the first one among them.
    marks: VecDeque<Mark>,
    /// Bytes that are kept, at least.
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    number: u64,
    at: u64,
}

impl Ring {
    /// One that keeps so many bytes, and up to [`SLACK`] more.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: VecDeque::new(),
            begin: 0,
            next: 0,
            marks: VecDeque::new(),
            limit,
        }
    }

    /// Begins anew with this number: no place of before is known any more.
    pub(super) fn restart(&mut self, next: u64) {
        self.begin = self.end();
        self.bytes.clear();
        self.marks.clear();
        self.next = next;
    }

    /// Keeps whole frames of messages, which follow the last.
    pub(super) fn push(&mut self, frames: &[u8]) {
        self.reserve(frames.len());
        let (start, mut taken) = (self.end(), 0);
        while let Ok(Some(frame)) = split(&frames[taken..]) {
            let at = start + taken as u64;
            if self
                .marks
                .back()
                .is_none_or(|last| at >= last.at + MARK_EVERY)
            {
                let number = self.next;
                self.marks.push_back(Mark { number, at });
            }
            self.next += 1;
            taken += HEADER + frame.payload.len();
        }
        self.bytes.extend(&frames[..taken]);
        self.drop_oldest();
    }

    /// Room grows by doubling, and not beyond what may be kept.
    fn reserve(&mut self, more: usize) {
        let (length, room) = (self.bytes.len(), self.bytes.capacity());
        let needed = length + more;
        if needed > room {
            let doubled = (2 * room).min(self.limit + SLACK + more).max(needed);
            self.bytes.reserve_exact(doubled - length);
        }
    }

    /// Drops what lies before the last mark behind which there is enough.
    fn drop_oldest(&mut self) {
        let enough = self.end().saturating_sub(self.limit as u64);
        while self.marks.get(1).is_some_and(|mark| mark.at <= enough) {
            self.marks.pop_front();
        }
        let begin = self.marks.front().map_or(self.begin, |mark| mark.at);
        self.bytes.drain(..(begin - self.begin) as usize);
        self.begin = begin;
    }

    /// The number of the first message that is kept; that of the next one if none is.
    pub(super) fn first(&self) -> u64 {
        self.marks.front().map_or(self.next, |mark| mark.number)
    }

    /// The place after the last message.
    pub(super) fn end(&self) -> u64 {
        self.begin + self.bytes.len() as u64
    }

    /// Whether what lies at this place is kept yet, or will be.
    pub(super) fn has(&self, place: u64) -> bool {
        place >= self.begin
    }

    /// The place of a message; none if it is kept no longer, or not yet followed by the next.
    pub(super) fn place_of(&self, number: u64) -> Option<u64> {
        if number == self.next {
            return Some(self.end());
        }
        if number > self.next {
            return None;
        }
        let after = self.marks.partition_point(|mark| mark.number <= number);
        let Mark { number: from, at } = *self.marks.get(after.checked_sub(1)?)?;
        (from..number).try_fold(at, |at, _| Some(at + self.length_at(at)?))
    }

    /// Bytes of the frame at a place.
    fn length_at(&self, place: u64) -> Option<u64> {
        let start = place.checked_sub(self.begin)? as usize;
        let byte = |at: usize| self.bytes.get(at).copied();
        let length = u16::from_be_bytes([byte(start)?, byte(start + 1)?]);
        Some(2 + u64::from(length))
    }

    /// How many bytes are the same as those from this place on.
    pub(super) fn same(&self, place: u64, bytes: &[u8]) -> usize {
        let start = (place - self.begin) as usize;
        let (front, back) = self.bytes.as_slices();
        let in_front = front.get(start..).unwrap_or_default();
        let in_back = &back[start.saturating_sub(front.len()).min(back.len())..];
        let same = common(in_front, bytes);
        match same == in_front.len() {
            true => same + common(in_back, &bytes[same..]),
            false => same,
        }
    }
}

/// How many bytes two stretches begin with that are the same.
fn common(kept: &[u8], bytes: &[u8]) -> usize {
    let length = kept.len().min(bytes.len());
    let (kept, bytes) = (&kept[..length], &bytes[..length]);
    if kept == bytes {
        return length;
    }
    let mut pairs = kept.iter().zip(bytes);
    pairs.position(|(a, b)| a != b).unwrap_or(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soupbin::packet::Packet;

    /// Frames of these numbers, each message as long as its number modulo 100 says.
    fn frames(numbers: std::ops::Range<u64>) -> Vec<u8> {
        let mut frames = Vec::new();
        for number in numbers {
            let message = vec![number as u8; (number % 100) as usize];
            Packet::Sequenced(&message).encode(&mut frames).unwrap();
        }
        frames
    }

    fn filled(limit: usize, numbers: std::ops::Range<u64>) -> Ring {
        let mut ring = Ring::new(limit);
        ring.restart(numbers.start);
        for number in numbers {
            ring.push(&frames(number..number + 1));
        }
        ring
    }

    #[test]
    fn every_message_that_is_kept_is_found_and_is_what_it_was() {
        let ring = filled(100_000, 7..5000);
        assert!(ring.first() > 7 && (100_000..105_000).contains(&ring.bytes.len()));
        let room = ring.bytes.capacity();
        assert!(room <= 100_000 + SLACK + 200, "{room}");
        for number in ring.first()..5000 {
            let place = ring.place_of(number).unwrap();
            let rest = frames(number..5000);
            assert_eq!(ring.same(place, &rest), rest.len(), "{number}");
        }
        assert_eq!(ring.place_of(ring.first() - 1), None);
        assert_eq!(ring.place_of(5000), Some(ring.end()));
        assert_eq!(ring.place_of(5001), None);
    }

    #[test]
    fn the_first_byte_that_differs_is_told_wherever_the_bytes_lie() {
        let mut ring = filled(10_000, 1..400);
        for number in 400..700 {
            ring.push(&frames(number..number + 1));
            let place = ring.place_of(number - 50).unwrap();
            let mut bytes = frames(number - 50..number + 1);
            assert_eq!(ring.same(place, &bytes), bytes.len());
            let wrong = number as usize % bytes.len();
            bytes[wrong] ^= 1;
            assert_eq!(ring.same(place, &bytes), wrong);
        }
        let place = ring.place_of(699).unwrap();
        let longer = [frames(699..700), vec![0; 10]].concat();
        assert_eq!(ring.same(place, &longer), longer.len() - 10);
    }

    #[test]
    fn places_stay_what_they_are_and_are_known_to_be_gone() {
        let mut ring = filled(8192, 1..20);
        let place = ring.place_of(10).unwrap();
        assert!(ring.has(place));
        ring.push(&frames(20..1000));
        assert!(!ring.has(place));
        assert!(ring.has(ring.end()));
        let end = ring.end();
        ring.restart(5000);
        assert_eq!((ring.first(), ring.end()), (5000, end));
        assert_eq!(ring.place_of(5000), Some(end));
        assert_eq!(ring.place_of(999), None);
    }

    #[test]
    fn a_stretch_beyond_the_limit_is_cut_to_what_is_near_it() {
        let ring = filled(1000, 1..1);
        assert_eq!((ring.first(), ring.place_of(1)), (1, Some(0)));
        let mut ring = ring;
        ring.push(&frames(1..1000));
        assert!(ring.bytes.len() <= 1000 + 2 * MARK_EVERY as usize);
    }
}
