//! Messages, and their numbers, as they lie in the bytes that came.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::pipe::Missing;
use crate::soupbin::packet::{FrameError, HEADER, Kind, split};

/// A message of a feed.
///
/// Its payload is not copied: it is a part of the bytes that the messages around it came in, which are
/// kept for as long as one of them is, some 300 KiB at most with the default
/// [buffer](super::FeedBuilder::buffer). Whoever keeps few of many messages for long keeps copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    sequence: u64,
    payload: Bytes,
}

impl Message {
    /// Its number in the session; the first is 1.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// What it says.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What it says, to be kept or sent elsewhere without a copy.
    #[must_use]
    pub fn into_payload(self) -> Bytes {
        self.payload
    }
}

/// Messages that follow one another without a gap, in the bytes that they came in.
///
/// To look at each where it lies costs less than to be given one by one: nothing is counted for who
/// keeps what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Whole frames of sequenced data.
    frames: Bytes,
    /// Where the next one begins.
    at: usize,
    /// The number of the next one.
    next: u64,
    /// The number of the one behind the last.
    end: u64,
}

impl Batch {
    pub(super) fn empty_at(next: u64) -> Self {
        Self {
            next,
            end: next,
            ..Self::default()
        }
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        (self.end - self.next) as usize
    }

    /// The number of the message that comes behind the last.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Whether there is no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at == self.frames.len()
    }

    /// The number of the first message; of an empty one that of the message that would come next.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.next
    }

    /// Each message where it lies: its number, and what it says.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = &self.frames[self.at..];
        (self.next..).map_while(move |number| {
            let frame = split(rest).ok().flatten()?;
            rest = &rest[frame.len()..];
            Some((number, frame.payload))
        })
    }

    /// The next message, which is no longer here.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Message> {
        let frame = split(&self.frames[self.at..]).ok().flatten()?;
        let (begin, end) = (self.at + HEADER, self.at + frame.len());
        let sequence = self.next;
        (self.at, self.next) = (end, sequence + 1);
        Some(Message {
            sequence,
            payload: self.frames.slice(begin..end),
        })
    }

    /// Its memory, to be used again, if nobody keeps a message of it.
    pub(super) fn into_spare(self) -> BytesMut {
        self.frames.try_into_mut().unwrap_or_default()
    }
}

impl Iterator for Batch {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        self.pop()
    }
}

/// Counts messages in the frames that come, and puts those together that follow one another.
#[derive(Debug, Default)]
pub(super) struct Count {
    /// What came and is in no batch yet.
    rest: Bytes,
    /// Numbers that no message has, and that come next or later.
    missing: VecDeque<Missing>,
    next: u64,
}

impl Count {
    /// The first message will have this number.
    pub(super) fn from(next: u64) -> Self {
        Self {
            next,
            ..Self::default()
        }
    }

    /// More came.
    pub(super) fn came(&mut self, frames: Bytes, missing: VecDeque<Missing>) {
        debug_assert!(self.rest.is_empty());
        self.rest = frames;
        self.missing.extend(missing);
    }

    /// What came and was not counted.
    pub(super) fn take_rest(&mut self) -> Bytes {
        std::mem::take(&mut self.rest)
    }

    /// The next messages of those that came.
    ///
    /// # Errors
    ///
    /// [`FrameError`]: what came are no frames.
    pub(super) fn batch(&mut self) -> Result<Option<Batch>, FrameError> {
        let (mut run, next) = (0, self.skip_missing());
        let until = self.missing.front().map(|(from, _)| *from);
        while let Some(frame) = split(&self.rest[run..])? {
            let is_message = frame.kind == Kind::Sequenced;
            if is_message && Some(self.next) != until {
                run += frame.len();
                self.next += 1;
            } else if is_message || run > 0 {
                break;
            } else {
                // Text for people, and the end of the session, which the bridge tells as well.
                let _ = self.rest.split_to(frame.len());
            }
        }
        if run == 0 {
            debug_assert!(self.rest.is_empty(), "only whole frames are written");
            return Ok(None);
        }
        let frames = self.rest.split_to(run);
        Ok(Some(Batch {
            frames,
            at: 0,
            next,
            end: self.next,
        }))
    }

    /// The number of the next message, those that are missing before it left out.
    fn skip_missing(&mut self) -> u64 {
        while let Some((_, to)) = self.missing.front().filter(|(from, _)| *from == self.next) {
            self.next = *to;
            self.missing.pop_front();
        }
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::soupbin::packet::Packet;

    fn frames(packets: &[Packet<'_>]) -> Bytes {
        let mut bytes = Vec::new();
        for packet in packets {
            packet.encode(&mut bytes).unwrap();
        }
        bytes.into()
    }

    fn numbers(batch: Option<Batch>) -> Vec<(u64, Vec<u8>)> {
        let batch = batch.into_iter().flatten();
        let told = batch.map(|it| (it.sequence(), it.into_payload().to_vec()));
        told.collect()
    }

    #[test]
    fn messages_are_counted_and_the_rest_is_passed_over() {
        let mut count = Count::from(7);
        let (a, b, c) = (b"a".as_slice(), b"b".as_slice(), b"c".as_slice());
        let came = [
            Packet::Debug(b"hello"),
            Packet::Sequenced(a),
            Packet::Sequenced(b),
            Packet::Debug(b"still here"),
            Packet::Sequenced(c),
            Packet::EndOfSession,
        ];
        count.came(frames(&came), VecDeque::new());
        let first = count.batch().unwrap().unwrap();
        let seen: Vec<_> = first.iter().collect();
        assert_eq!((seen, first.sequence()), (vec![(7, a), (8, b)], 7));
        assert_eq!(numbers(Some(first)), [(7, a.to_vec()), (8, b.to_vec())]);
        assert_eq!(numbers(count.batch().unwrap()), [(9, c.to_vec())]);
        assert_eq!(count.batch().unwrap(), None);
    }

    #[test]
    fn what_no_line_has_is_left_out_of_the_count() {
        let mut count = Count::from(1);
        let letters = b"abc".each_ref().map(std::slice::from_ref);
        count.came(frames(&letters.map(Packet::Sequenced)), [(2, 10)].into());
        assert_eq!(numbers(count.batch().unwrap()), [(1, b"a".to_vec())]);
        let after = numbers(count.batch().unwrap());
        assert_eq!(after, [(10, b"b".to_vec()), (11, b"c".to_vec())]);
    }

    #[test]
    fn a_batch_that_nobody_keeps_gives_its_memory_back() {
        let mut count = Count::from(1);
        count.came(frames(&[Packet::Sequenced(b"a")]), VecDeque::new());
        let mut batch = count.batch().unwrap().unwrap();
        let kept = batch.pop().unwrap();
        assert!(batch.is_empty() && batch.sequence() == 2);
        assert_eq!(batch.clone().into_spare().capacity(), 0);
        assert_eq!(kept.payload(), b"a");
        drop(kept);
        assert!(batch.into_spare().capacity() > 0);
    }
}
