//! The messages that a port keeps for its consumers: one ring of whole frames, shared by all of them.
//!
//! Each message is copied here once, into segments that many messages share. A consumer gets pieces of
//! those segments, counted and not copied, so that the ring may go on while a piece is being written.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use crate::soupbin::packet::split;

/// Bytes that are set aside at once. What is evicted frees them once nothing of the segment is kept.
const SEGMENT: usize = 64 * 1024;
/// Frames that are more than this have a segment of their own size: of one that others share so much is
/// left over at most.
const OWN: usize = SEGMENT / 8;
/// Bytes of a piece, beyond which it takes no further frame: to find a message in one stays quick.
pub(super) const PIECE: usize = 16 * 1024;
/// Pieces that a consumer is given at once: one write of several.
const PULL_PIECES: usize = 16;
/// Bytes of all of them: what a consumer that takes nothing may keep of what was evicted.
const PULL_BYTES: usize = 128 * 1024;

/// How much a port keeps for its consumers, whichever bound is met first. The newest message is kept
/// even if it alone is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryLimits {
    /// Bytes of frames. On top come an eighth of them and a segment of 64 KiB at most, and 64 bytes for
    /// each read of the line.
    pub bytes: usize,
    /// Messages.
    pub messages: usize,
}

impl Default for HistoryLimits {
    /// 64 MiB and a million messages: a minute of a busy feed.
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            messages: 1_000_000,
        }
    }
}

/// A ring of whole frames, each a message of the session.
#[derive(Debug)]
pub(super) struct History {
    limits: HistoryLimits,
    pieces: VecDeque<Piece>,
    /// What is left of the newest segment.
    room: BytesMut,
    first: u64,
    next: u64,
    bytes: usize,
}

/// Frames that follow one another.
#[derive(Debug)]
struct Piece {
    first: u64,
    end: u64,
    frames: Bytes,
}

/// A message that was asked for is no longer kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Evicted {
    /// The oldest that is.
    pub(super) first: u64,
}

/// A repeated message is not the one that is kept under its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Differs {
    /// The number.
    pub(super) sequence: u64,
}

impl History {
    /// Nothing yet; the first message will be number `next`.
    pub(super) fn new(limits: HistoryLimits, next: u64) -> Self {
        Self {
            limits,
            pieces: VecDeque::new(),
            room: BytesMut::new(),
            first: next,
            next,
            bytes: 0,
        }
    }

    /// The number of the oldest message that is kept; that of the next one if none is.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The number of the message that comes next.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// How many messages are kept.
    pub(super) fn messages(&self) -> u64 {
        self.next - self.first
    }

    /// Bytes of their frames.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// From here on no more is kept than that.
    pub(super) fn limit(&mut self, limits: HistoryLimits) {
        self.limits = limits;
        self.evict();
    }

    /// Keeps whole frames of `messages` messages that come next, and forgets as many of the oldest as
    /// are too many then.
    pub(super) fn append(&mut self, frames: &[u8], messages: u64) {
        let (first, end) = (self.next, self.next + messages);
        let kept = self.kept(frames);
        self.pieces.push_back(Piece {
            first,
            end,
            frames: kept,
        });
        self.next = end;
        self.bytes += frames.len();
        self.evict();
    }

    /// A copy that lasts.
    fn kept(&mut self, frames: &[u8]) -> Bytes {
        if frames.len() > OWN {
            return Bytes::copy_from_slice(frames);
        }
        if self.room.capacity() < frames.len() {
            self.room = BytesMut::with_capacity(SEGMENT);
        }
        self.room.extend_from_slice(frames);
        self.room.split().freeze()
    }

    fn evict(&mut self) {
        while self.is_too_much() {
            let Some(oldest) = self.pieces.front_mut() else {
                return;
            };
            let length = split(&oldest.frames).ok().flatten().map(|it| it.len());
            let length = length.unwrap_or(oldest.frames.len());
            oldest.frames.advance(length);
            oldest.first += 1;
            (self.first, self.bytes) = (oldest.first, self.bytes - length);
            if oldest.frames.is_empty() {
                self.pieces.pop_front();
            }
        }
    }

    fn is_too_much(&self) -> bool {
        let HistoryLimits { bytes, messages } = self.limits;
        let is_too_much = self.bytes > bytes || self.messages() > messages as u64;
        is_too_much && self.messages() > 1
    }

    /// Adds to `pieces` what follows from message `from` on, as much as a consumer may have at once and
    /// no piece that begins at `until` or later: the number behind the last.
    ///
    /// # Errors
    ///
    /// [`Evicted`]: that message is not kept any more.
    pub(super) fn pull(
        &self,
        from: u64,
        until: u64,
        pieces: &mut VecDeque<Bytes>,
    ) -> Result<u64, Evicted> {
        if from < self.first {
            return Err(Evicted { first: self.first });
        }
        let (mut next, mut bytes, mut count) = (from, 0, 0);
        for piece in self.pieces_from(from) {
            if piece.first >= until || count == PULL_PIECES || bytes >= PULL_BYTES {
                break;
            }
            let frames = piece.after(next);
            (bytes, count, next) = (bytes + frames.len(), count + 1, piece.end);
            pieces.push_back(frames);
        }
        Ok(next)
    }

    /// Compares whole frames, the first of which is message `from`, with those that are kept: how many
    /// were the same. Those that are not kept are passed over.
    ///
    /// # Errors
    ///
    /// [`Differs`]: one is another.
    pub(super) fn compare(&self, from: u64, frames: &[u8]) -> Result<u64, Differs> {
        let (mut rest, mut sequence, mut same) = (frames, from, 0);
        let mut kept = self.frames_from(from.max(self.first));
        while let Ok(Some(frame)) = split(rest) {
            if sequence >= self.next {
                break;
            }
            if sequence >= self.first {
                if kept.next() != Some(frame.payload) {
                    return Err(Differs { sequence });
                }
                same += 1;
            }
            (rest, sequence) = (&rest[frame.len()..], sequence + 1);
        }
        Ok(same)
    }

    fn pieces_from(&self, from: u64) -> impl Iterator<Item = &Piece> {
        let place = self.pieces.partition_point(|piece| piece.end <= from);
        self.pieces.range(place..)
    }

    /// What the messages from this one on say.
    fn frames_from(&self, from: u64) -> impl Iterator<Item = &[u8]> {
        let pieces = self.pieces_from(from);
        let payloads = pieces.flat_map(|piece| Payloads(&piece.frames).zip(piece.first..));
        let wanted = payloads.skip_while(move |(_, number)| *number < from);
        wanted.map(|(payload, _)| payload)
    }
}

impl Piece {
    /// Its frames from this message on, which is one of them or the next.
    fn after(&self, from: u64) -> Bytes {
        let mut frames = self.frames.clone();
        for _ in self.first..from {
            let Ok(Some(frame)) = split(&frames) else {
                break;
            };
            let length = frame.len();
            frames.advance(length);
        }
        frames
    }
}

/// What each of some frames says.
struct Payloads<'a>(&'a [u8]);

impl<'a> Iterator for Payloads<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let frame = split(self.0).ok().flatten()?;
        self.0 = &self.0[frame.len()..];
        Some(frame.payload)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::soupbin::packet::Packet;

    /// Message `number`, whose length depends on its number.
    fn message(number: u64) -> Vec<u8> {
        format!("{number}{}", "x".repeat((number % 37) as usize)).into_bytes()
    }

    fn frames(numbers: std::ops::Range<u64>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in numbers {
            let message = message(number);
            Packet::Sequenced(&message).encode(&mut bytes).unwrap();
        }
        bytes
    }

    fn append(history: &mut History, count: u64) {
        let next = history.next();
        history.append(&frames(next..next + count), count);
    }

    /// Takes what is there at once, and checks that it is what follows `from`.
    fn take(history: &History, from: u64, until: u64) -> Result<u64, Evicted> {
        let mut pieces = VecDeque::new();
        let next = history.pull(from, until, &mut pieces)?;
        let bytes: Vec<u8> = pieces.iter().flatten().copied().collect();
        assert_eq!(bytes, frames(from..next));
        assert!(pieces.len() <= PULL_PIECES);
        Ok(next)
    }

    #[test]
    fn what_is_kept_is_bounded_by_messages_and_by_bytes_to_the_message() {
        let limits = HistoryLimits {
            bytes: usize::MAX,
            messages: 10,
        };
        let mut history = History::new(limits, 1);
        append(&mut history, 7);
        append(&mut history, 7);
        assert_eq!((history.first(), history.next()), (5, 15));
        let bytes = frames(6..15).len();
        history.limit(HistoryLimits { bytes, ..limits });
        assert_eq!((history.first(), history.bytes()), (6, bytes));
        assert_eq!(take(&history, 5, u64::MAX), Err(Evicted { first: 6 }));
        // One that is larger than all that may be kept is there for those who wait for it.
        history.limit(HistoryLimits { bytes: 1, ..limits });
        assert_eq!((history.first(), history.messages()), (14, 1));
    }

    #[test]
    fn what_lies_in_memory_is_little_more_than_what_is_kept() {
        for length in [40, 5000, 20_000, 33_000, 60_000] {
            let message = vec![b'x'; length];
            let mut frame = Vec::new();
            Packet::Sequenced(&message).encode(&mut frame).unwrap();
            let mut history = History::new(HistoryLimits::default(), 1);
            let (mut segments, mut room) = (0, 0);
            while history.bytes() < 4 << 20 {
                history.append(&frame, 1);
                let left = history.room.capacity();
                segments += match frame.len() > OWN {
                    true => frame.len(),
                    false if left + frame.len() == room => 0,
                    false => SEGMENT,
                };
                room = left;
            }
            let most = history.bytes() + history.bytes() / 8 + SEGMENT;
            assert!(segments <= most, "{length}: {segments} of {most}");
        }
    }

    #[test]
    fn what_was_pulled_stays_as_it_was_when_it_is_evicted() {
        let limits = HistoryLimits {
            messages: 3,
            ..HistoryLimits::default()
        };
        let mut history = History::new(limits, 1);
        append(&mut history, 3);
        let mut pulled = VecDeque::new();
        history.pull(1, u64::MAX, &mut pulled).unwrap();
        append(&mut history, 10_000);
        assert_eq!(pulled, [frames(1..4)]);
        assert_eq!(history.first(), 10_001);
    }

    #[test]
    fn what_is_repeated_is_compared_as_far_as_it_is_kept() {
        let limits = HistoryLimits {
            messages: 10,
            ..HistoryLimits::default()
        };
        let mut history = History::new(limits, 1);
        (0..15).for_each(|_| append(&mut history, 1));
        assert_eq!(history.compare(1, &frames(1..6)), Ok(0));
        assert_eq!(history.compare(3, &frames(3..9)), Ok(3));
        assert_eq!(history.compare(12, &frames(12..20)), Ok(4));
        assert_eq!(history.compare(16, &frames(16..20)), Ok(0));
        let other = frames(2..10);
        assert_eq!(history.compare(7, &other), Err(Differs { sequence: 7 }));
    }

    proptest! {
        /// Consumers that begin anywhere and come and go get what follows, or hear that it is gone.
        #[test]
        fn every_cursor_gets_every_message_once_or_is_told(
            begins in 1..1000_u64,
            messages in 1..300_usize,
            bytes in 1..20_000_usize,
            steps in prop::collection::vec((1..200_u64, 0..4_usize, any::<prop::sample::Index>()), 1..60),
        ) {
            let mut history = History::new(HistoryLimits { bytes, messages }, begins);
            let mut cursors = [begins; 4];
            for (count, moves, joins) in steps {
                append(&mut history, count);
                let (kept, last) = (history.messages(), history.next() - 1);
                prop_assert!(kept <= messages as u64);
                prop_assert!(history.bytes() <= bytes || kept == 1);
                prop_assert_eq!(history.bytes(), frames(history.first()..last + 1).len());
                let first = history.first();
                // One of them joins anew, anywhere in what is kept or right behind it.
                cursors[3] = first + joins.index(kept as usize + 1) as u64;
                for cursor in &mut cursors[moves..] {
                    match take(&history, *cursor, u64::MAX) {
                        Ok(next) => {
                            prop_assert!(next > *cursor || *cursor == history.next());
                            *cursor = next;
                        }
                        Err(evicted) => {
                            prop_assert!(*cursor < first && evicted.first == first);
                            *cursor = first;
                        }
                    }
                }
            }
        }
    }
}
