//! Frames that brought fragments of packets which are not whole yet.

use std::hash::RandomState;

use lru::LruCache;

use super::Stored;
use crate::inspect::packet::Fragmented;

/// Most bytes that are kept of fragments whose packet is not whole yet.
pub const FRAGMENT_BYTES_MAX: usize = 4 << 20;

/// What a packet takes beside its frames, roughly.
const PACKET_OVERHEAD: usize = 128;

/// Frames by the packet that they belong to, in the order in which they came. Where there is a tunnel,
/// a fragment within may itself have come in several frames.
#[derive(Debug)]
pub(super) struct Parts {
    /// Hashed with a secret: the keys are the sender's.
    packets: LruCache<Fragmented, Frames, RandomState>,
    bytes: usize,
    /// Frames that made room.
    evicted: u64,
}

/// Those of a packet, and what they take.
#[derive(Debug, Default)]
struct Frames {
    frames: Vec<Stored>,
    bytes: usize,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            packets: LruCache::unbounded_with_hasher(RandomState::new()),
            bytes: 0,
            evicted: 0,
        }
    }
}

impl Parts {
    /// Keeps a frame. Those of packets that had none for the longest make room.
    pub(super) fn keep(&mut self, of: Fragmented, frame: Stored) {
        let packet = self.packets.get_or_insert_mut(of, Frames::default);
        let overhead = match packet.frames.is_empty() {
            true => PACKET_OVERHEAD,
            false => 0,
        };
        let cost = overhead + frame.cost();
        packet.bytes += cost;
        packet.frames.push(frame);
        self.bytes += cost;
        while self.bytes > FRAGMENT_BYTES_MAX {
            let Some((_, oldest)) = self.packets.pop_lru() else {
                break;
            };
            self.bytes -= oldest.bytes;
            self.evicted += oldest.frames.len() as u64;
        }
    }

    /// Takes what is kept of these packets, the last one's first: what brings a packet within a tunnel
    /// comes after the fragments of it that were brought before.
    pub(super) fn take(&mut self, of: &[Fragmented]) -> Vec<Stored> {
        let mut taken = Vec::new();
        for packet in of.iter().rev() {
            if let Some(packet) = self.packets.pop(packet) {
                self.bytes -= packet.bytes;
                taken.extend(packet.frames);
            }
        }
        taken
    }

    /// How many frames came for nothing, if no more come: the rest of their packets did not, or they are
    /// copies of what was whole.
    pub(super) fn incomplete(&self) -> u64 {
        let kept = self.packets.iter().map(|(_, packet)| packet.frames.len());
        self.evicted + kept.sum::<usize>() as u64
    }

    /// What is kept: packets, and bytes.
    #[cfg(test)]
    pub(super) fn kept(&self) -> (usize, usize) {
        (self.packets.len(), self.bytes)
    }
}
