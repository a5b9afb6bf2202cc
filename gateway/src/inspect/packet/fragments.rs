//! Puts packets together from their fragments.

use std::hash::RandomState;
use std::net::IpAddr;
use std::ops::Range;
use std::time::Duration;

use lru::LruCache;

use super::super::frame::Timestamp;
use super::ip::{Fragment, Header};
use super::span::Span;

/// Most packets of which fragments are held.
pub const PACKETS_MAX: usize = 4096;

/// Most bytes that are held of fragments: 128 packets of the greatest length.
pub const BYTES_MAX: usize = 8 << 20;

/// How long fragments wait for the others, in the time of frames: as long as Linux waits
/// (`net.ipv4.ipfrag_time`).
pub const AGE_MAX: Duration = Duration::from_secs(30);

/// Most separate runs of bytes of one packet. Fragments come in some order, rarely in every other
/// place.
const RUNS_MAX: usize = 64;

/// RFC 791 §3.1: the greatest length of a packet.
const PACKET_MAX: usize = 65_535;

/// What a packet with fragments missing takes beside its bytes, roughly.
const OVERHEAD: usize = 256;

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
    bytes: Vec<u8>,
    /// The runs that have come, in order, none touching another.
    runs: Vec<Range<usize>>,
    /// Where the first byte is that came and was not captured.
    captured: usize,
    /// Known by the fragment that none follows.
    len: Option<usize>,
    /// Known by the first fragment.
    protocol: Option<u8>,
}

/// The packets of which fragments are missing, oldest last.
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

    /// Takes a fragment. If its packet is whole by that, it goes to `whole`, and its protocol and
    /// the number of bytes that were not captured are returned.
    pub(super) fn push(
        &mut self,
        header: &Header<'_>,
        fragment: Fragment,
        time: Timestamp,
        whole: &mut Vec<u8>,
    ) -> Option<(u8, usize)> {
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
            Some((protocol, captured, cut)) => {
                partial.bytes.truncate(captured);
                *whole = partial.bytes;
                Some((protocol, cut))
            }
            None => {
                self.keep(key, partial);
                None
            }
        }
    }

    fn take(&mut self, key: &Key, time: Timestamp) -> Partial {
        match self.partials.pop(key) {
            Some(partial) => {
                self.held -= partial.cost();
                partial
            }
            None => Partial::new(time),
        }
    }

    /// Puts it in front. So one that has fragments coming outlives others, yet not its age.
    fn keep(&mut self, key: Key, partial: Partial) {
        self.held += partial.cost();
        self.partials.push(key, partial);
        while self.held > BYTES_MAX || self.partials.len() > PACKETS_MAX {
            self.forget();
        }
    }

    fn forget_old(&mut self, time: Timestamp) {
        let age_max = u64::try_from(AGE_MAX.as_nanos()).unwrap_or(u64::MAX);
        while let Some((_, oldest)) = self.partials.peek_lru() {
            if time.0.saturating_sub(oldest.began.0) <= age_max {
                break;
            }
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
            bytes: Vec::new(),
            runs: Vec::new(),
            captured: usize::MAX,
            len: None,
            protocol: None,
        }
    }

    fn cost(&self) -> usize {
        OVERHEAD + self.bytes.len()
    }

    /// Whether the packet may yet become whole. What came first stays where fragments overlap.
    fn push(&mut self, header: &Header<'_>, fragment: Fragment) -> bool {
        let Span { bytes, .. } = header.payload;
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
        for hole in self.holes(&place) {
            self.fill(hole, fragment.offset, bytes);
        }
        self.cover(place);
        self.runs.len() <= RUNS_MAX
    }

    /// What has not come of a place.
    fn holes(&self, place: &Range<usize>) -> Vec<Range<usize>> {
        let mut holes = Vec::new();
        let mut at = place.start;
        for run in &self.runs {
            if run.start >= place.end {
                break;
            }
            if run.start > at {
                holes.push(at..run.start);
            }
            at = at.max(run.end);
        }
        if at < place.end {
            holes.push(at..place.end);
        }
        holes
    }

    fn fill(&mut self, hole: Range<usize>, offset: usize, bytes: &[u8]) {
        let end = hole.end.min(offset + bytes.len());
        if end < hole.end {
            self.captured = self.captured.min(end.max(hole.start));
        }
        if end > hole.start {
            self.bytes.resize(self.bytes.len().max(end), 0);
            self.bytes[hole.start..end].copy_from_slice(&bytes[hole.start - offset..end - offset]);
        }
    }

    fn cover(&mut self, place: Range<usize>) {
        let touched = |run: &Range<usize>| run.start <= place.end && place.start <= run.end;
        let first = self.runs.partition_point(|run| run.end < place.start);
        let count = self.runs[first..]
            .iter()
            .take_while(|run| touched(run))
            .count();
        let merged = self.runs[first..first + count]
            .iter()
            .fold(place.clone(), |merged, run| {
                merged.start.min(run.start)..merged.end.max(run.end)
            });
        self.runs.splice(first..first + count, [merged]);
    }

    /// The protocol, how much was captured, and how much more there was, if nothing is missing.
    fn whole(&self) -> Option<(u8, usize, usize)> {
        let (len, protocol) = (self.len?, self.protocol?);
        let run = self.runs.first()?;
        if run.start > 0 || run.end < len {
            return None;
        }
        let captured = self.captured.min(len);
        Some((protocol, captured, len - captured))
    }
}
