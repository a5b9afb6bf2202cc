//! Puts packets together from their fragments.

use std::hash::RandomState;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use lru::LruCache;

use super::super::frame::Timestamp;
use super::ip::{Fragment, Header};

/// Most packets of which fragments are held.
pub const PACKETS_MAX: usize = 4096;

/// Most bytes that are held of fragments: 128 packets of the greatest length.
pub const BYTES_MAX: usize = 8 << 20;

/// How long fragments wait for the others, in the time of frames: as long as Linux waits
/// (`net.ipv4.ipfrag_time`).
pub const AGE_MAX: Duration = Duration::from_secs(30);

/// Most parts of one packet. The longest has 240 where each hop takes 300 bytes.
const PARTS_MAX: usize = 512;

/// RFC 791 §3.1: the greatest length of a packet.
const PACKET_MAX: usize = 65_535;

/// What a packet with fragments missing takes beside its parts, roughly; and a part beside its bytes.
const PACKET_OVERHEAD: usize = 256;
const PART_OVERHEAD: usize = 64;

/// What is the same in all fragments of a packet.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    /// With IPv4; with IPv6 the one of the first fragment counts (RFC 8200 §4.5).
    protocol: Option<u8>,
}

/// A packet of which fragments are missing.
#[derive(Debug)]
struct Partial {
    began: Timestamp,
    /// What has come, in order; none overlaps another.
    parts: Vec<Part>,
    /// How many bytes they hold.
    held: usize,
    /// Known by the fragment that none follows.
    len: Option<usize>,
    /// Known by the first fragment.
    protocol: Option<u8>,
    has_overlap: bool,
}

/// A packet that is whole; its bytes are put elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole {
    pub(super) protocol: u8,
    /// How many of its last bytes were not captured.
    pub(super) cut: usize,
    /// Whether fragments had different bytes for the same place: the first ones count.
    pub(super) has_overlap: bool,
}

/// Bytes that came, from `start` to `end` of the packet; fewer if not all were captured.
#[derive(Debug)]
struct Part {
    start: usize,
    end: usize,
    bytes: Box<[u8]>,
}

/// The packets of which fragments are missing; last the one for which none came for the longest.
#[derive(Debug)]
pub(super) struct Fragments {
    /// Hashed with a secret: the keys are the sender's.
    partials: LruCache<Key, Partial, RandomState>,
    held: usize,
    evicted: u64,
}

impl Default for Fragments {
    fn default() -> Self {
        Self {
            partials: LruCache::unbounded_with_hasher(RandomState::new()),
            held: 0,
            evicted: 0,
        }
    }
}

impl Fragments {
    /// Packets that were forgotten with fragments missing.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Takes a fragment. If its packet is whole by that, its bytes go to `whole`.
    pub(super) fn push(
        &mut self,
        header: &Header<'_>,
        fragment: Fragment,
        time: Timestamp,
        whole: &mut Vec<u8>,
    ) -> Option<Whole> {
        self.forget_old(time);
        let key = Key {
            source: header.source,
            destination: header.destination,
            id: fragment.id,
            protocol: header.source.is_ipv4().then_some(header.protocol),
        };
        let mut partial = self.take(&key, time);
        if !partial.push(header, fragment) {
            self.evicted += 1;
            return None;
        }
        match partial.whole() {
            Some((protocol, len)) => {
                partial.put_together(len, whole);
                Some(Whole {
                    protocol,
                    cut: len - whole.len(),
                    has_overlap: partial.has_overlap,
                })
            }
            None => {
                self.keep(key, partial);
                None
            }
        }
    }

    fn take(&mut self, key: &Key, time: Timestamp) -> Partial {
        let Some(partial) = self.partials.pop(key) else {
            return Partial::new(time);
        };
        self.held -= partial.cost();
        if partial.is_old(time) {
            // Ids are used again: what comes now is of another packet.
            self.evicted += 1;
            return Partial::new(time);
        }
        partial
    }

    /// Puts it in front. So one that has fragments coming outlives others; yet past its age nothing
    /// is added to it.
    fn keep(&mut self, key: Key, partial: Partial) {
        self.held += partial.cost();
        self.partials.push(key, partial);
        while self.held > BYTES_MAX || self.partials.len() > PACKETS_MAX {
            self.forget();
        }
    }

    fn forget_old(&mut self, time: Timestamp) {
        while let Some((_, last)) = self.partials.peek_lru()
            && last.is_old(time)
        {
            self.forget();
        }
    }

    fn forget(&mut self) {
        if let Some((_, partial)) = self.partials.pop_lru() {
            self.held -= partial.cost();
            self.evicted += 1;
        }
    }
}

impl Partial {
    fn new(began: Timestamp) -> Self {
        Self {
            began,
            parts: Vec::new(),
            held: 0,
            len: None,
            protocol: None,
            has_overlap: false,
        }
    }

    /// Whether its fragments have waited for longer than they may.
    fn is_old(&self, time: Timestamp) -> bool {
        let age_max = u64::try_from(AGE_MAX.as_nanos()).unwrap_or(u64::MAX);
        time.0.saturating_sub(self.began.0) > age_max
    }

    fn cost(&self) -> usize {
        PACKET_OVERHEAD + self.parts.len() * PART_OVERHEAD + self.held
    }

    /// Whether the packet may yet become whole. What came first stays where fragments overlap.
    fn push(&mut self, header: &Header<'_>, fragment: Fragment) -> bool {
        let place = fragment.offset..fragment.offset + header.payload.wire_len();
        if place.end > PACKET_MAX {
            return false;
        }
        if !fragment.has_more {
            self.len.get_or_insert(place.end);
        } else if !place.len().is_multiple_of(8) {
            return false;
        }
        if fragment.offset == 0 {
            self.protocol.get_or_insert(header.protocol);
        }
        self.has_overlap |= self.contradicts(&place, header.payload.bytes);
        for hole in self.holes(&place) {
            self.fill(&hole, fragment.offset, header.payload.bytes);
        }
        self.parts.len() <= PARTS_MAX
    }

    /// Whether other bytes came before for a part of a place. What was not captured is not compared.
    fn contradicts(&self, place: &Range<usize>, bytes: &[u8]) -> bool {
        let first = self.parts.partition_point(|part| part.end <= place.start);
        let parts = self.parts[first..].iter();
        parts.take_while(|part| part.start < place.end).any(|part| {
            let start = part.start.max(place.start);
            let before = part.bytes.iter().skip(start - part.start);
            let again = bytes.iter().skip(start - place.start);
            before.zip(again).any(|(one, two)| one != two)
        })
    }

    /// What has not come of a place.
    fn holes(&self, place: &Range<usize>) -> Vec<Range<usize>> {
        let mut holes = Vec::new();
        let mut at = place.start;
        let first = self.parts.partition_point(|part| part.end <= at);
        for part in &self.parts[first..] {
            if part.start >= place.end {
                break;
            }
            if part.start > at {
                holes.push(at..part.start);
            }
            at = part.end;
        }
        if at < place.end {
            holes.push(at..place.end);
        }
        holes
    }

    /// Fills a hole with the bytes of a fragment that begins at `offset`.
    fn fill(&mut self, hole: &Range<usize>, offset: usize, bytes: &[u8]) {
        let captured = &bytes[(hole.start - offset).min(bytes.len())..];
        let captured = &captured[..captured.len().min(hole.len())];
        let at = self.parts.partition_point(|part| part.start < hole.start);
        self.held += captured.len();
        self.parts.insert(
            at,
            Part {
                start: hole.start,
                end: hole.end,
                bytes: captured.into(),
            },
        );
    }

    /// The protocol and the length, if nothing is missing.
    fn whole(&self) -> Option<(u8, usize)> {
        let (len, protocol) = (self.len?, self.protocol?);
        let mut end = 0;
        for part in &self.parts {
            if part.start != end {
                break;
            }
            end = part.end;
        }
        (end >= len).then_some((protocol, len))
    }

    /// Puts the bytes together, down to the first that was not captured.
    fn put_together(&self, len: usize, whole: &mut Vec<u8>) {
        whole.clear();
        for part in &self.parts {
            whole.extend_from_slice(&part.bytes);
            if part.bytes.len() < part.end - part.start {
                break;
            }
        }
        whole.truncate(len);
    }
}
