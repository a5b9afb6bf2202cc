//! Follows the flows of TCP and UDP as far as their ClientHello, and says what was seen.
//!
//! [`Flows`] is told the packets one after the other. It puts together what a stream begins with,
//! in both directions, until the hello and its answer were there or cannot come; from then on a
//! flow is a few counts. Every memory is bounded by [`FlowBounds`].

mod event;
mod partial;

pub use event::{
    Answer, Carrier, Ended, Ending, FlowEvent, FlowId, Message, Said, Sighting, Stage, Touched,
    Traffic,
};

use super::frame::Timestamp;
use super::packet::Packet;
use crate::hello::HelloBounds;

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
#[derive(Debug)]
pub struct Flows {
    bounds: FlowBounds,
    counts: FlowCounts,
}

impl Flows {
    /// None yet.
    #[must_use]
    pub fn new(bounds: FlowBounds) -> Self {
        Self {
            bounds,
            counts: FlowCounts::default(),
        }
    }

    /// Takes a packet, the inner one of its frame, and appends to `events` what is known by it.
    /// None if it belongs to no flow that is followed.
    pub fn packet(
        &mut self,
        _time: Timestamp,
        _packet: &Packet<'_>,
        _events: &mut Vec<FlowEvent>,
    ) -> Option<Touched> {
        None
    }

    /// The capture is over: every flow ends, oldest first.
    pub fn finish(&mut self, _events: &mut Vec<FlowEvent>) {}

    /// What was not remembered.
    #[must_use]
    pub fn counts(&self) -> FlowCounts {
        self.counts
    }

    /// How much may be remembered.
    #[must_use]
    pub fn bounds(&self) -> &FlowBounds {
        &self.bounds
    }
}
