//! Messages in a row, as frames, ready to be written. Pure.

use l4_failover::soupbin::packet::{HEADER, Packet, TooLong};

/// Messages of a chunk. Some ten kilobytes of a day's frames: one write takes a chunk, and making
/// one delays nobody by more than some tens of microseconds.
pub(super) const CHUNK: u64 = 256;

/// The chunk that message `n` is in, counted from 0.
pub(super) fn chunk_of(n: u64) -> u64 {
    (n.max(1) - 1) / CHUNK
}

/// The first message of a chunk.
pub(super) fn first_of(chunk: u64) -> u64 {
    chunk * CHUNK + 1
}

/// Frames of messages in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    first: u64,
    bytes: Vec<u8>,
    /// Where the frame of each message ends in `bytes`.
    ends: Vec<usize>,
}

/// What may be wrong with a message, to see who notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blemish {
    /// Nothing.
    None,
    /// Its last byte differs.
    Corrupt,
    /// It is left out, and the next takes its number.
    Omit,
    /// It comes twice.
    Repeat,
}

impl Chunk {
    /// No message yet; `first` is the number of the first.
    pub(super) fn new(first: u64) -> Self {
        Self {
            first,
            ..Self::default()
        }
    }

    /// The next message.
    pub(super) fn push(&mut self, message: &[u8]) -> Result<(), TooLong> {
        Packet::Sequenced(message).encode(&mut self.bytes)?;
        self.ends.push(self.bytes.len());
        Ok(())
    }

    pub(super) fn holds(&self, n: u64) -> bool {
        (self.first..self.after()).contains(&n)
    }

    /// The number of its first message.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The number of the first message after these.
    pub(super) fn after(&self) -> u64 {
        self.first + self.ends.len() as u64
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the frame of message `n` begins; where all end, for one after these.
    pub(super) fn start(&self, n: u64) -> usize {
        let before = n.saturating_sub(self.first) as usize;
        match before.min(self.ends.len()) {
            0 => 0,
            before => self.ends[before - 1],
        }
    }

    /// The first message whose frame ends after the byte `at`.
    pub(super) fn message_at(&self, at: usize) -> u64 {
        let whole = self.ends.partition_point(|end| *end <= at);
        self.first + whole as u64
    }

    /// The same, with these blemishes, by message number.
    pub(super) fn blemished(&self, blemishes: &[(u64, Blemish)]) -> Self {
        let mut chunk = Self::new(self.first);
        for n in self.first..self.after() {
            let frame = &self.bytes[self.start(n)..self.start(n + 1)];
            let blemish = blemishes.iter().rev().find(|(number, _)| *number == n);
            chunk.push_frame(frame, blemish.map(|(_, blemish)| *blemish));
        }
        chunk
    }

    fn push_frame(&mut self, frame: &[u8], blemish: Option<Blemish>) {
        match blemish {
            None | Some(Blemish::None) => self.bytes.extend_from_slice(frame),
            Some(Blemish::Omit) => {}
            Some(Blemish::Repeat) => {
                self.bytes.extend_from_slice(frame);
                self.bytes.extend_from_slice(frame);
            }
            Some(Blemish::Corrupt) => {
                self.bytes.extend_from_slice(frame);
                // The type of an empty message is not its own.
                if let Some(byte) = self.bytes.last_mut().filter(|_| frame.len() > HEADER) {
                    *byte ^= 1;
                }
            }
        }
        self.ends.push(self.bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk() -> Chunk {
        let mut chunk = Chunk::new(257);
        for message in [&b"a"[..], b"bb", b""] {
            chunk.push(message).unwrap();
        }
        chunk
    }

    #[test]
    fn numbers_and_chunks() {
        assert_eq!([1, 256, 257].map(chunk_of), [0, 0, 1]);
        assert_eq!([0, 1].map(first_of), [1, 257]);
    }

    #[test]
    fn a_chunk_knows_where_its_frames_are() {
        let chunk = chunk();
        assert_eq!(chunk.bytes(), b"\0\x02Sa\0\x03Sbb\0\x01S");
        assert_eq!([257, 258, 259, 260].map(|n| chunk.start(n)), [0, 4, 9, 12]);
        assert_eq!(
            [0, 3, 4, 8, 9, 11, 12].map(|at| chunk.message_at(at)),
            [257, 257, 258, 258, 259, 259, 260]
        );
        assert!(!chunk.holds(256) && chunk.holds(257) && chunk.holds(259) && !chunk.holds(260));
    }

    #[test]
    fn blemishes_change_their_messages_alone() {
        let blemished = |blemish| {
            let chunk = chunk().blemished(&[(258, blemish)]);
            assert_eq!(chunk.after(), 260);
            chunk.bytes().to_vec()
        };
        assert_eq!(blemished(Blemish::Corrupt), b"\0\x02Sa\0\x03Sbc\0\x01S");
        assert_eq!(blemished(Blemish::Omit), b"\0\x02Sa\0\x01S");
        assert_eq!(
            blemished(Blemish::Repeat),
            b"\0\x02Sa\0\x03Sbb\0\x03Sbb\0\x01S"
        );
    }
}
