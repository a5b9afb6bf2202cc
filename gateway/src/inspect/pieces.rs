//! Puts a handshake message together from pieces that may come in any order, twice, or overlapping.

use std::collections::BTreeMap;

use crate::hello::HelloBounds;

/// Most pieces that are held beyond the first gap. Chromium cuts a hello into some ten; each costs
/// an allocation, so bytes alone would bound too little.
pub(crate) const PIECES_MAX: usize = 256;

/// More than a [`Pieces`] takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch {
    pub(crate) bytes: usize,
    pub(crate) limit: usize,
}

/// A stream's beginning in the making. What came first stays: a piece never changes bytes that
/// are there. Memory grows with what arrived, never with what an offset claims.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    /// What is there without a gap.
    head: Vec<u8>,
    /// What lies beyond a gap, by its place; none overlaps another, none begins within `head`.
    later: BTreeMap<usize, Box<[u8]>>,
}

impl Pieces {
    /// Adds the bytes that stand at `at`.
    pub(crate) fn put(&mut self, at: usize, bytes: &[u8], limit: usize) -> Result<(), TooMuch> {
        let end = at.saturating_add(bytes.len());
        let too_much = TooMuch { bytes: end, limit };
        if end > limit {
            return Err(too_much);
        }
        let known = self.head.len().saturating_sub(at).min(bytes.len());
        self.insert(at + known, &bytes[known..]);
        while let Some(piece) = self.later.remove(&self.head.len()) {
            self.head.extend_from_slice(&piece);
        }
        if self.later.len() > PIECES_MAX {
            return Err(too_much);
        }
        Ok(())
    }

    /// What is there without a gap.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// Takes the first `len` bytes away; what is behind them moves to the front.
    pub(crate) fn take(&mut self, len: usize) -> Vec<u8> {
        let rest = self.head.split_off(len);
        let later = std::mem::take(&mut self.later);
        self.later = later.into_iter().map(|(at, it)| (at - len, it)).collect();
        std::mem::replace(&mut self.head, rest)
    }

    /// Fills with `bytes` what is not there yet.
    fn insert(&mut self, mut at: usize, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let len = match self.end_of_piece_at(at) {
                Some(end) => bytes.len().min(end - at),
                None => {
                    let len = bytes.len().min(self.room_at(at));
                    self.later.insert(at, bytes[..len].into());
                    len
                }
            };
            (at, bytes) = (at + len, &bytes[len..]);
        }
    }

    fn end_of_piece_at(&self, at: usize) -> Option<usize> {
        let (start, piece) = self.later.range(..=at).next_back()?;
        let end = start + piece.len();
        (end > at).then_some(end)
    }

    fn room_at(&self, at: usize) -> usize {
        let next = self.later.range(at..).next();
        next.map_or(usize::MAX, |(next, _)| next - at)
    }
}

/// The header of a handshake message (RFC 8446 §4): its type, and a length of three bytes.
pub(crate) const MESSAGE_HEADER: usize = 4;

/// So much may a handshake message take, its header included.
pub(crate) fn message_max(bounds: &HelloBounds) -> usize {
    MESSAGE_HEADER.saturating_add(bounds.handshake_bytes)
}

/// The type and the length of the handshake message that `bytes` begin with.
pub(crate) fn message_header(bytes: &[u8]) -> Option<(u8, usize)> {
    let &[kind, high, middle, low] = bytes.first_chunk()?;
    let len = u32::from_be_bytes([0, high, middle, low]);
    Some((kind, len as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_gives_the_same_bytes() {
        let whole: Vec<u8> = (0..60).collect();
        let cuts = [(40, 60), (0, 5), (10, 30), (3, 12), (25, 41), (20, 22)];
        for turn in 0..cuts.len() {
            let mut pieces = Pieces::default();
            for (from, to) in cuts.iter().cycle().skip(turn).take(cuts.len()) {
                pieces.put(*from, &whole[*from..*to], 60).unwrap();
            }
            assert_eq!(pieces.head(), whole, "from piece {turn} on");
            assert!(pieces.later.is_empty());
        }
    }

    #[test]
    fn what_came_first_stays() {
        let mut pieces = Pieces::default();
        pieces.put(2, b"cd", 9).unwrap();
        pieces.put(0, b"xxxxxx", 9).unwrap();
        pieces.put(0, b"yyyyyyyy", 9).unwrap();
        assert_eq!(pieces.head(), b"xxcdxxyy");
    }

    #[test]
    fn what_is_behind_a_message_moves_to_the_front() {
        let mut pieces = Pieces::default();
        pieces.put(0, b"abcde", 9).unwrap();
        pieces.put(6, b"g", 9).unwrap();
        assert_eq!(pieces.take(3), b"abc");
        pieces.put(2, b"f", 9).unwrap();
        assert_eq!(pieces.head(), b"defg");
    }

    #[test]
    fn an_offset_that_lies_takes_no_memory() {
        let mut pieces = Pieces::default();
        let error = pieces.put(usize::MAX, b"x", 9).unwrap_err();
        assert_eq!(
            error,
            TooMuch {
                bytes: usize::MAX,
                limit: 9
            }
        );
        for at in 1..=PIECES_MAX {
            pieces.put(at * 2, b"x", 2000).unwrap();
        }
        assert!(pieces.put(1, b"x", 2000).is_err());
    }
}
