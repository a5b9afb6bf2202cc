//! What a client is to be sent: messages of the tape, and other packets between them. Pure.

use std::sync::Arc;

use l4_failover::soupbin::packet::Packet;

use super::chunk::Chunk;

/// Bytes of packets that are no messages and wait for a client that takes nothing.
const ASIDE_MAX: usize = 256 * 1024;

/// Bytes on their way to a client. Other packets go first, but never into a message's frame.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    chunk: Arc<Chunk>,
    /// Byte of the chunk that is to be written next.
    at: usize,
    /// The message that this byte belongs to: all before it are written.
    next: u64,
    /// Byte of the chunk that may not be written yet.
    limit: usize,
    aside: Vec<u8>,
}

impl Outgoing {
    /// Messages from `first` on.
    pub(super) fn begin(&mut self, first: u64) {
        self.next = first;
    }

    /// The number of the first message that is not wholly written; 0 before there is any.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether the chunk at hand has the next message.
    pub(super) fn has_next(&self) -> bool {
        self.chunk.holds(self.next)
    }

    /// Goes on with this chunk, which has the next message.
    pub(super) fn load(&mut self, chunk: Arc<Chunk>) {
        self.at = chunk.start(self.next) + self.within();
        self.limit = self.at;
        self.chunk = chunk;
    }

    /// Messages up to and including `last` may be written.
    pub(super) fn allow(&mut self, last: u64) {
        let limit = self.chunk.start(last.saturating_add(1));
        self.limit = limit.max(self.at);
        // A message that is left out has no bytes whose writing would count it.
        let reached = self.chunk.message_at(self.at).min(last.saturating_add(1));
        if self.has_next() {
            self.next = self.next.max(reached);
        }
    }

    /// A packet that is no message.
    pub(super) fn say(&mut self, packet: &Packet<'_>) {
        // None is longer than a frame takes: orders were looked at.
        let _ = packet.encode(&mut self.aside);
    }

    /// What is to be written next; empty, if nothing is.
    pub(super) fn bytes(&self) -> &[u8] {
        let to = match (self.within(), self.aside.is_empty()) {
            (_, true) => self.limit.max(self.frame_end_if_within()),
            (0, false) => return &self.aside,
            (_, false) => self.chunk.start(self.next + 1),
        };
        &self.chunk.bytes()[self.at..to]
    }

    /// So many of [`bytes`](Self::bytes) were written; how many messages are whole by that.
    pub(super) fn wrote(&mut self, count: usize) -> u64 {
        if self.within() == 0 && !self.aside.is_empty() {
            self.aside.drain(..count);
            return 0;
        }
        self.at += count;
        let next = self.chunk.message_at(self.at);
        next - std::mem::replace(&mut self.next, next)
    }

    /// Half of the next frame, for a connection that is cut: as far as it is not written already.
    pub(super) fn half(&self) -> &[u8] {
        let (from, to) = (self.chunk.start(self.next), self.chunk.start(self.next + 1));
        let half = from + (to - from) / 2;
        self.chunk.bytes().get(self.at..half).unwrap_or_default()
    }

    /// Whether packets that are no messages wait.
    pub(super) fn is_saying(&self) -> bool {
        !self.aside.is_empty()
    }

    /// Whether too many of them wait.
    pub(super) fn is_full(&self) -> bool {
        self.aside.len() > ASIDE_MAX
    }

    /// Whether no frame is half written.
    pub(super) fn is_between(&self) -> bool {
        self.within() == 0
    }

    /// Bytes of the next frame that are written.
    fn within(&self) -> usize {
        match self.has_next() {
            true => self.at.saturating_sub(self.chunk.start(self.next)),
            false => 0,
        }
    }

    /// A frame that was begun is ended, whatever may be written.
    fn frame_end_if_within(&self) -> usize {
        match self.within() {
            0 => self.at,
            _ => self.chunk.start(self.next + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Blemish;
    use super::*;

    /// Messages 1 to 4, of four, five, four and four bytes each as frames.
    fn chunk() -> Arc<Chunk> {
        let mut chunk = Chunk::new(1);
        for message in [&b"a"[..], b"bb", b"c", b"d"] {
            chunk.push(message).unwrap();
        }
        Arc::new(chunk)
    }

    fn from(first: u64) -> Outgoing {
        let mut outgoing = Outgoing::default();
        outgoing.begin(first);
        outgoing.load(chunk());
        outgoing
    }

    #[test]
    fn messages_go_as_far_as_they_may() {
        let mut outgoing = from(2);
        assert_eq!(outgoing.bytes(), b"");
        outgoing.allow(3);
        assert_eq!(outgoing.bytes(), b"\0\x03Sbb\0\x02Sc");
        assert_eq!(outgoing.wrote(9), 2);
        assert_eq!((outgoing.bytes(), outgoing.next()), (&b""[..], 4));
        outgoing.allow(100);
        assert_eq!(outgoing.wrote(4), 1);
        assert!(!outgoing.has_next());
    }

    #[test]
    fn other_packets_wait_for_the_end_of_a_frame() {
        let mut outgoing = from(1);
        outgoing.allow(4);
        assert_eq!(outgoing.wrote(6), 1);
        outgoing.say(&Packet::ServerHeartbeat);
        assert_eq!(outgoing.bytes(), b"Sbb", "the rest of the frame");
        assert_eq!(outgoing.wrote(3), 1);
        assert_eq!(outgoing.bytes(), b"\0\x01H");
        assert_eq!(outgoing.wrote(2), 0);
        assert_eq!(outgoing.bytes(), b"H");
        outgoing.wrote(1);
        assert_eq!(outgoing.bytes(), b"\0\x02Sc\0\x02Sd");
    }

    #[test]
    fn a_frame_that_was_begun_is_ended_though_no_more_is_allowed() {
        let mut outgoing = from(1);
        outgoing.allow(4);
        outgoing.wrote(1);
        outgoing.allow(0);
        assert_eq!(outgoing.bytes(), b"\x02Sa");
        outgoing.wrote(3);
        assert_eq!(outgoing.bytes(), b"");
    }

    #[test]
    fn a_message_that_is_left_out_is_passed_when_it_may_be_sent() {
        let mut outgoing = Outgoing::default();
        outgoing.begin(4);
        let without = chunk().blemished(&[(4, Blemish::Omit)]);
        outgoing.load(Arc::new(without));
        outgoing.allow(3);
        assert_eq!(outgoing.next(), 4);
        outgoing.allow(4);
        assert_eq!((outgoing.bytes(), outgoing.next()), (&b""[..], 5));
    }

    #[test]
    fn a_cut_leaves_half_a_frame() {
        let mut outgoing = from(2);
        assert_eq!(outgoing.half(), b"\0\x03");
        outgoing.allow(4);
        outgoing.wrote(4);
        assert_eq!(outgoing.half(), b"", "more than half is out already");
    }
}
