//! Packets of connections whose hello has not come yet, kept for a file of those that are wanted.
//!
//! Within a connection packets keep their order; those that were kept follow others that passed
//! later.

mod parts;

use std::collections::{HashMap, VecDeque};

use super::flow::{FlowId, Stage, Touched};
use super::frame::{Frame, LinkType, Timestamp, VlanTag};
use super::packet::{Decoded, Transport};
use parts::Parts;

pub use parts::FRAGMENT_BYTES_MAX;

/// Most bytes that are kept of a connection: a hello of the greatest length, each byte in a packet of
/// its own, takes more; one that a client sends takes a hundredth.
pub const FLOW_BYTES_MAX: usize = 256 * 1024;

/// Most bytes that are kept of all connections.
pub const BYTES_MAX: usize = 64 << 20;

/// Connections that ended and whose last packets may still come: an ACK of the last FIN, or what was
/// sent again.
const ENDED_MAX: usize = 4096;

/// What a packet that is kept takes beside its bytes.
const OVERHEAD: usize = size_of::<Stored>();

/// A frame that outlives its source's memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    time: Timestamp,
    link: LinkType,
    tag: Option<VlanTag>,
    bytes: Box<[u8]>,
    wire_len: usize,
}

impl Stored {
    /// The frame that it was.
    #[must_use]
    pub fn frame(&self) -> Frame<'_> {
        Frame {
            time: self.time,
            link: self.link,
            tag: self.tag,
            bytes: &self.bytes,
            wire_len: self.wire_len,
        }
    }

    fn of(frame: &Frame<'_>) -> Self {
        Self {
            time: frame.time,
            link: frame.link,
            tag: frame.tag,
            bytes: frame.bytes.into(),
            wire_len: frame.wire_len,
        }
    }

    fn cost(&self) -> usize {
        OVERHEAD + self.bytes.len()
    }
}

/// What is to be done with a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// Nothing.
    Leave,
    /// It is to be written.
    Take,
    /// It is to be written after these.
    TakeAfter(Vec<Stored>),
}

/// What is kept.
#[derive(Debug, Default)]
pub struct Keeper {
    flows: HashMap<FlowId, Kept>,
    /// Those of them that are wanted and have ended, in this order.
    ended: VecDeque<FlowId>,
    bytes: usize,
    fragments: Parts,
    left_out: u64,
}

#[derive(Debug)]
enum Kept {
    /// Frames, and what they take.
    Waiting(Vec<Stored>, usize),
    Wanted,
}

impl Keeper {
    /// Decides about a frame of a flow, or a fragment; `wanted` are the flows whose hello came with
    /// it, and is to be told.
    pub fn frame(
        &mut self,
        frame: &Frame<'_>,
        packet: &Decoded<'_>,
        touched: Option<Touched>,
        wanted: &[FlowId],
    ) -> Pick {
        let Some(touched) = touched else {
            self.part(frame, packet);
            return Pick::Leave;
        };
        let parts = self.fragments.take(packet.fragmented);
        let is_wanted = wanted.contains(&touched.flow);
        self.flow_frame(touched, is_wanted, parts, frame)
    }

    /// A flow ended. One that is wanted is remembered for a while.
    pub fn end(&mut self, flow: FlowId) {
        if !matches!(self.flows.get(&flow), Some(Kept::Wanted)) {
            self.take(flow);
            return;
        }
        self.ended.push_back(flow);
        if self.ended.len() > ENDED_MAX {
            self.ended.pop_front().map(|oldest| self.take(oldest));
        }
    }

    /// How many packets were not kept, since there were too many.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many fragments belong to no flow up to now, since their packet is not whole: neither those of
    /// which the rest never comes, nor copies that come when it was whole, are ever picked.
    #[must_use]
    pub fn incomplete(&self) -> u64 {
        self.fragments.incomplete()
    }

    /// Keeps a frame of a packet that is not whole yet, behind those that came before.
    fn part(&mut self, frame: &Frame<'_>, packet: &Decoded<'_>) {
        match (packet.inner.transport, packet.fragmented.split_last()) {
            (Transport::Fragment(_), Some((of, whole))) => {
                // What brought a fragment within a tunnel belongs to the packet within.
                for earlier in self.fragments.take(whole) {
                    self.fragments.keep(*of, earlier);
                }
                self.fragments.keep(*of, Stored::of(frame));
            }
            // It is whole, and of no flow.
            _ => drop(self.fragments.take(packet.fragmented)),
        }
    }

    fn flow_frame(
        &mut self,
        touched: Touched,
        is_wanted: bool,
        parts: Vec<Stored>,
        frame: &Frame<'_>,
    ) -> Pick {
        let flow = touched.flow;
        if is_wanted {
            let mut before = self.take(flow);
            before.extend(parts);
            self.flows.insert(flow, Kept::Wanted);
            return Pick::TakeAfter(before);
        }
        match (self.flows.get(&flow), touched.stage) {
            (Some(Kept::Wanted), _) if parts.is_empty() => Pick::Take,
            (Some(Kept::Wanted), _) => Pick::TakeAfter(parts),
            (_, Stage::Before) => {
                for part in parts {
                    self.keep(flow, part);
                }
                self.keep(flow, Stored::of(frame));
                Pick::Leave
            }
            // Its hello was there and is not wanted, or none will come.
            (_, Stage::Seen | Stage::Other) => {
                self.take(flow);
                Pick::Leave
            }
        }
    }

    fn keep(&mut self, flow: FlowId, frame: Stored) {
        let kept = self.flows.entry(flow);
        let Kept::Waiting(frames, held) = kept.or_insert_with(|| Kept::Waiting(Vec::new(), 0))
        else {
            return;
        };
        let cost = frame.cost();
        if *held + cost > FLOW_BYTES_MAX || self.bytes + cost > BYTES_MAX {
            self.left_out += 1;
            return;
        }
        self.bytes += cost;
        *held += cost;
        frames.push(frame);
    }

    fn take(&mut self, flow: FlowId) -> Vec<Stored> {
        match self.flows.remove(&flow) {
            Some(Kept::Waiting(frames, held)) => {
                self.bytes -= held;
                frames
            }
            Some(Kept::Wanted) | None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
