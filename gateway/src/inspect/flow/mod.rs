//! Follows the flows of TCP and UDP as far as their ClientHello, and says what was seen.
//!
//! [`Flows`] is told the packets one after the other. It puts together what a stream begins with,
//! in both directions, until the hello and its answer were there or cannot come; from then on a
//! flow is a few counts. Every memory is bounded by [`FlowBounds`].
//!
//! Addresses and ports are used again: over TCP, by a SYN, by a hello behind the connection's end,
//! or, where neither was captured, by one nowhere near the hello that was told; over UDP, where no end
//! is told, by another's first packet, perhaps at the same time. What comes again is none.
//!
//! A flow of TCP begins with its SYN. One whose SYN was not captured is followed if what is seen of
//! it first begins as a record with a hello does; a flow of UDP, if its first datagram does. Whatever
//! else there is takes no place in the table.
//!
//! Of bytes that came twice the first count. Whether the others were the same can be said only as
//! long as the first are held: until the hello is whole.

mod dialogue;
mod event;
mod exchange;
mod held;
mod key;
mod opening;
mod partial;
mod past;
mod records;
mod siblings;
mod stream;
mod track;

pub use event::{
    Answer, Carrier, Ended, Ending, FlowEvent, FlowId, Message, Said, Sighting, Stage, Touched,
    Traffic,
};

use std::hash::RandomState;

use lru::LruCache;

use self::dialogue::Scene;
use self::key::{Key, Side};
use self::past::TcpPast;
use self::track::{Past, Track};
use super::frame::Timestamp;
use super::packet::{Packet, Segment, Transport};
use crate::hello::HelloBounds;

/// The numbers of TCP and UDP as protocols of IP.
const TCP: u8 = 6;
const UDP: u8 = 17;

/// How much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowBounds {
    /// Most flows at once, at least 1; 65 536 by default.
    pub flows: usize,
    /// Most bytes that are held for hellos which are not whole, of all flows together; 64 MiB by
    /// default. Beyond it, the flow that has waited for the longest is given up.
    pub held_bytes: usize,
    /// How large a hello may be.
    pub hello: HelloBounds,
}

impl Default for FlowBounds {
    fn default() -> Self {
        Self {
            flows: 65_536,
            held_bytes: 64 << 20,
            hello: HelloBounds::default(),
        }
    }
}

/// What was not remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowCounts {
    /// Flows that began.
    pub begun: u64,
    /// Flows that were forgotten before they ended, since the table was full.
    pub evicted: u64,
    /// Flows whose hello was given up, since too much was held.
    pub given_up: u64,
}

/// The flows that are known.
///
/// Keys are chosen by whoever sends packets, so the table is hashed with the standard library's
/// SipHash and a secret. The faster hashers promise less, or nothing, where an adversary chooses
/// keys, and a look-up waits longer for memory than for the hash.
#[derive(Debug)]
pub struct Flows {
    bounds: FlowBounds,
    counts: FlowCounts,
    /// Those that are open; the one that was silent for the longest is the next to be forgotten.
    open: LruCache<Key, Track, RandomState>,
    /// Those that have ended, which are forgotten before any that is open; the first that ended first.
    /// They have a table of their own, so that what most packets need lies close together in memory.
    ended: LruCache<Key, Track, RandomState>,
    /// Those that hold bytes; the first that began to is the next to be given up.
    holders: LruCache<FlowId, Key, RandomState>,
    held_bytes: usize,
    /// What marks of hellos are made with: see [`past::Mark`].
    secret: RandomState,
    /// When the last packet passed, and whether its fragments contradicted each other.
    now: Timestamp,
    has_overlap: bool,
}

impl Flows {
    /// None yet.
    #[must_use]
    pub fn new(bounds: FlowBounds) -> Self {
        Self {
            bounds,
            counts: FlowCounts::default(),
            open: LruCache::unbounded_with_hasher(RandomState::new()),
            ended: LruCache::unbounded_with_hasher(RandomState::new()),
            holders: LruCache::unbounded_with_hasher(RandomState::new()),
            held_bytes: 0,
            secret: RandomState::new(),
            now: Timestamp::default(),
            has_overlap: false,
        }
    }

    /// Takes a packet, the inner one of its frame, and appends to `events` what is known by it.
    /// None if it belongs to no flow that is followed.
    pub fn packet(
        &mut self,
        time: Timestamp,
        packet: &Packet<'_>,
        events: &mut Vec<FlowEvent>,
    ) -> Option<Touched> {
        self.now = time;
        self.has_overlap = packet.has_overlap;
        let (source, destination) = packet.ends()?;
        match packet.transport {
            Transport::Tcp(segment) => {
                let (key, side) = Key::new(TCP, source, destination);
                self.segment(key, side, &segment, events)
            }
            Transport::Udp(datagram) => {
                let (key, side) = Key::new(UDP, source, destination);
                self.datagram(key, side, &datagram, events)
            }
            Transport::Fragment(_) | Transport::Other(_) => None,
        }
    }

    /// The capture is over: every flow ends, the one first that was silent for the longest.
    pub fn finish(&mut self, events: &mut Vec<FlowEvent>) {
        while self.forget(Ending::CaptureEnd, events) {}
    }

    /// What was not remembered.
    #[must_use]
    pub fn counts(&self) -> FlowCounts {
        self.counts
    }

    /// How many bytes are held for hellos that are not whole; at most
    /// [`FlowBounds::held_bytes`].
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// How much may be remembered.
    #[must_use]
    pub fn bounds(&self) -> &FlowBounds {
        &self.bounds
    }

    fn segment(
        &mut self,
        key: Key,
        side: Side,
        segment: &Segment<'_>,
        events: &mut Vec<FlowEvent>,
    ) -> Option<Touched> {
        // The one look-up that most packets need.
        if let Some(touched) = self.known(key, side, segment, events) {
            return Some(touched);
        }
        if !track::may_begin(segment) {
            return None;
        }
        let past = Past::Tcp(TcpPast::default());
        self.begin(key, track::opener(side, segment), past, events);
        self.known(key, side, segment, events)
    }

    /// Takes a segment, if it belongs to a flow that is known.
    fn known(
        &mut self,
        key: Key,
        side: Side,
        segment: &Segment<'_>,
        events: &mut Vec<FlowEvent>,
    ) -> Option<Touched> {
        self.take(key, events, |track, scene| {
            let is_its = !track.is_followed_by(side, segment, scene.secret);
            if is_its {
                track.segment(side, segment, scene);
            }
            is_its
        })
    }

    /// Has a flow that is known take a packet, unless it says that the packet is not its.
    fn take(
        &mut self,
        key: Key,
        events: &mut Vec<FlowEvent>,
        packet: impl FnOnce(&mut Track, &mut Scene<'_>) -> bool,
    ) -> Option<Touched> {
        let track = match self.open.get_mut(&key) {
            Some(track) => track,
            None => self.ended.peek_mut(&key)?, // What comes late does not make it later.
        };
        let had_ended = track.has_ended();
        let held_before = track.cost();
        let mut scene = Scene {
            flow: track.id,
            key,
            time: self.now,
            bounds: &self.bounds.hello,
            secret: &self.secret,
            has_overlap: self.has_overlap,
            events,
        };
        if !packet(track, &mut scene) {
            return None;
        }
        let (touched, held, has_ended) = (track.touched(), track.cost(), track.has_ended());
        if held != held_before {
            self.note_held(touched.flow, key, held_before, held, events);
        }
        if has_ended && !had_ended {
            self.retire(key);
        }
        Some(touched)
    }

    /// A flow begins. One that had the place before leaves its own past; else it has `past`.
    fn begin(&mut self, key: Key, opener: Side, mut past: Past, events: &mut Vec<FlowEvent>) {
        let before = self.open.pop(&key).or_else(|| self.ended.pop(&key));
        if let Some(mut track) = before {
            self.end(key, &mut track, Ending::Reused, events);
            past = track.heir();
        } else if self.open.len() + self.ended.len() >= self.bounds.flows.max(1) {
            self.forget(Ending::Evicted, events);
        }
        let id = FlowId(self.counts.begun);
        self.counts.begun += 1;
        self.open.put(key, Track::new(id, self.now, opener, past));
    }

    /// A flow has ended.
    fn retire(&mut self, key: Key) {
        if let Some(track) = self.open.pop(&key) {
            self.ended.put(key, track);
        }
    }

    /// Forgets the flow that ended first, or else the one that was silent for the longest; false if there
    /// is none.
    fn forget(&mut self, ending: Ending, events: &mut Vec<FlowEvent>) -> bool {
        let first = self.ended.pop_lru().or_else(|| self.open.pop_lru());
        let Some((key, mut track)) = first else {
            return false;
        };
        if ending == Ending::Evicted && !track.has_ended() {
            self.counts.evicted += 1;
        }
        self.end(key, &mut track, ending, events);
        true
    }

    /// Tells the end of a flow that is in the table no more.
    fn end(&mut self, key: Key, track: &mut Track, ending: Ending, events: &mut Vec<FlowEvent>) {
        let held = track.cost();
        let mut scene = Scene {
            flow: track.id,
            key,
            time: self.now,
            bounds: &self.bounds.hello,
            secret: &self.secret,
            has_overlap: false,
            events,
        };
        track.end(ending, &mut scene);
        if held > 0 {
            self.note_held(track.id, key, held, 0, events);
        }
    }
}

#[cfg(test)]
mod tests;
