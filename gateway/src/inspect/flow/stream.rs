//! One direction of a TCP connection: segments in, bytes in order out.

use std::collections::BTreeMap;

use super::super::frame::Timestamp;
use super::super::packet::Segment;

/// How far ahead of the next byte segments are held. A hello takes no more on the wire; what lies
/// further ahead is of no use.
const WINDOW: u64 = 64 * 1024;

/// Most segments that are held of a direction. A hello of 64 KiB has 45 of the usual size.
const HELD_MAX: usize = 512;

/// What is further ahead than any receiver's window is not of this connection.
const FOREIGN: i64 = 16 << 20;

/// How many segments beyond [`WINDOW`] say that what is missing will not come any more.
const BEYOND_MAX: u32 = 64;

/// What a segment that is held takes beside its bytes, roughly.
const OVERHEAD: usize = 64;

/// Whether a number is as near to that of the next byte as a receiver's window reaches.
pub(super) fn is_near(next: u32, sequence: u32) -> bool {
    let ahead = i64::from(sequence.wrapping_sub(next).cast_signed());
    ahead.unsigned_abs() <= WINDOW
}

/// Whether a number is of what a hello at `place` was sent with: as far behind it as a second hello
/// may stand, and end.
pub(super) fn is_shortly_behind(place: u32, sequence: u32) -> bool {
    u64::from(sequence.wrapping_sub(place)) <= 2 * WINDOW
}

/// Bytes of a stream, and what is missing before more can follow.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// The number of the next byte in order; none as long as no segment said it.
    next: Option<u32>,
    /// How many bytes came in order. It bounds `held`, whose keys count as it does.
    at: u64,
    /// The last of those bytes, as far as anybody wanted them kept.
    kept: Vec<u8>,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    beyond: u32,
    has_overlap: bool,
}

/// A part of a stream.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Box<[u8]>,
    /// Whether bytes follow that were not captured.
    pub(super) is_cut: bool,
    pub(super) time: Timestamp,
}

/// What a segment brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival<'a> {
    /// Nothing that was not there.
    Nothing,
    /// What is next, and whether bytes follow that were not captured.
    InOrder(&'a [u8], bool),
    /// It is held; [`Stream::next_held`] gives what is next.
    Held,
    /// So much follows what is missing that it will not come.
    Hopeless,
}

impl Stream {
    /// The next byte is the one behind this SYN.
    pub(super) fn behind_syn(sequence: Option<u32>) -> Self {
        Self {
            next: sequence.map(|syn| syn.wrapping_add(1)),
            ..Self::default()
        }
    }

    /// A SYN came, after segments that it may precede.
    pub(super) fn syn(&mut self, sequence: u32) {
        if self.at == 0 && self.held.is_empty() {
            self.next = Some(sequence.wrapping_add(1));
        }
    }

    /// Whether a SYN of this number stands in front of what came.
    pub(super) fn begins_behind(&self, sequence: u32) -> bool {
        // Numbers wrap at 2^32, and so does what is taken off them.
        let start = self.next.map(|next| next.wrapping_sub(self.at as u32));
        start.is_none_or(|start| start == sequence.wrapping_add(1))
    }

    /// The number of the next byte; none as long as no segment said it.
    pub(super) fn next_byte(&self) -> Option<u32> {
        self.next
    }

    /// The number of the first of the last `len` bytes in order.
    pub(super) fn place_before(&self, len: usize) -> u32 {
        // Numbers wrap at 2^32, and so does what is taken off them.
        self.next.unwrap_or_default().wrapping_sub(len as u32)
    }

    /// Whether bytes came twice that were not the same.
    pub(super) fn has_overlap(&self) -> bool {
        self.has_overlap
    }

    /// Bytes came twice within one packet, in its fragments.
    pub(super) fn note_overlap(&mut self) {
        self.has_overlap = true;
    }

    /// What was kept of the bytes in order.
    pub(super) fn kept(&self) -> &[u8] {
        &self.kept
    }

    /// Keeps bytes that came in order: behind what is kept.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
    }

    /// Keeps none of them any more.
    pub(super) fn drop_kept(&mut self) {
        self.kept = Vec::new();
    }

    /// Holds nothing any more.
    pub(super) fn clear(&mut self) {
        self.drop_kept();
        self.held = BTreeMap::new();
        self.held_bytes = 0;
    }

    /// How much memory it takes. What is kept is in a reader too.
    pub(super) fn cost(&self) -> usize {
        2 * self.kept.len() + self.held_bytes + self.held.len() * OVERHEAD
    }

    /// Takes a segment.
    pub(super) fn push<'a>(&mut self, segment: &Segment<'a>, time: Timestamp) -> Arrival<'a> {
        let first = segment.sequence.wrapping_add(u32::from(segment.is_syn));
        let next = *self.next.get_or_insert(first);
        let ahead = i64::from(first.wrapping_sub(next).cast_signed());
        let (payload, is_cut) = (segment.payload, segment.cut > 0);
        if ahead > FOREIGN {
            return Arrival::Nothing;
        }
        let Ok(ahead) = u64::try_from(ahead) else {
            return self.again(ahead.unsigned_abs(), payload, segment.cut, time);
        };
        if ahead == 0 && self.held.is_empty() {
            self.advance(payload.len());
            return Arrival::InOrder(payload, is_cut);
        }
        self.hold(ahead, payload, is_cut, time)
    }

    /// A segment that begins `back` bytes before the next: what is new in it comes in order.
    fn again<'a>(
        &mut self,
        back: u64,
        payload: &'a [u8],
        cut: usize,
        time: Timestamp,
    ) -> Arrival<'a> {
        let back = usize::try_from(back).unwrap_or(usize::MAX);
        let (old, new) = payload.split_at(back.min(payload.len()));
        // A keepalive sends the last byte again, or any in its place (RFC 9293 §3.8.4).
        let is_keepalive = back == 1 && payload.len() == 1;
        if !is_keepalive {
            self.compare_kept(back, old);
        }
        let is_cut = cut > 0 && payload.len() + cut > back;
        if new.is_empty() && !is_cut {
            return Arrival::Nothing;
        }
        if self.held.is_empty() {
            self.advance(new.len());
            return Arrival::InOrder(new, is_cut);
        }
        self.hold(0, new, is_cut, time)
    }

    fn compare_kept(&mut self, back: usize, old: &[u8]) {
        // Where `old` begins within what is kept, or how much of `old` is from before that.
        let (from, skipped) = match self.kept.len().checked_sub(back) {
            Some(from) => (from, 0),
            None => (0, back - self.kept.len()),
        };
        let kept = &self.kept[from..];
        if let Some(old) = old.get(skipped..)
            && !old.iter().zip(kept).all(|(one, two)| one == two)
        {
            self.has_overlap = true;
        }
    }

    /// Holds what is not held yet: what came first stays.
    fn hold<'a>(
        &mut self,
        ahead: u64,
        payload: &[u8],
        is_cut: bool,
        time: Timestamp,
    ) -> Arrival<'a> {
        if ahead >= WINDOW {
            self.beyond += 1;
            return self.hope();
        }
        let room = usize::try_from(WINDOW - ahead).unwrap_or(usize::MAX);
        let is_cut = is_cut && payload.len() <= room;
        let payload = &payload[..payload.len().min(room)];
        let start = self.at + ahead;
        let end = start + payload.len() as u64;
        for (hole_start, hole_end) in self.holes(start, end, payload) {
            let bytes = slice(payload, start, hole_start, hole_end);
            self.insert(hole_start, bytes, is_cut && hole_end == end, time);
        }
        self.hope()
    }

    /// The parts between `start` and `end` that are not held; those that are, are compared.
    fn holes(&mut self, start: u64, end: u64, payload: &[u8]) -> Vec<(u64, u64)> {
        let mut holes = Vec::new();
        let mut from = start;
        let mut differ = false;
        let before = self.held.range(..start).next_back();
        for (&at, held) in before.into_iter().chain(self.held.range(start..end)) {
            let held_end = at + held.bytes.len() as u64;
            if held_end <= start {
                continue;
            }
            if at > from {
                holes.push((from, at));
            }
            let (both, both_end) = (at.max(start), held_end.min(end));
            differ |=
                slice(&held.bytes, at, both, both_end) != slice(payload, start, both, both_end);
            from = from.max(held_end);
        }
        if from < end {
            holes.push((from, end));
        }
        self.has_overlap |= differ;
        holes
    }

    fn insert(&mut self, at: u64, bytes: &[u8], is_cut: bool, time: Timestamp) {
        self.held_bytes += bytes.len();
        let held = Held {
            bytes: bytes.into(),
            is_cut,
            time,
        };
        self.held.insert(at, held);
    }

    fn hope<'a>(&self) -> Arrival<'a> {
        if self.held.len() > HELD_MAX || self.beyond > BEYOND_MAX {
            Arrival::Hopeless
        } else {
            Arrival::Held
        }
    }

    /// What is next, if it was held.
    pub(super) fn next_held(&mut self) -> Option<Held> {
        let entry = self.held.first_entry()?;
        if *entry.key() != self.at {
            return None;
        }
        let held = entry.remove();
        self.held_bytes -= held.bytes.len();
        self.advance(held.bytes.len());
        Some(held)
    }

    fn advance(&mut self, len: usize) {
        self.at += len as u64;
        // A segment has at most as many bytes as a frame, which is less than 2^32.
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        self.next = self.next.map(|next| next.wrapping_add(len));
    }
}

/// The bytes from `from` to `to` of a part that begins at `start`.
fn slice(part: &[u8], start: u64, from: u64, to: u64) -> &[u8] {
    let at = |place: u64| usize::try_from(place - start).unwrap_or(usize::MAX);
    part.get(at(from)..at(to)).unwrap_or_default()
}
