//! What a filter needs of a packet whose hello is told when the packet is gone.

use super::frame::{Frame, LinkType, Timestamp, VlanTag};
use super::packet::{Datagram, Decoded, Packet, Segment, TAGS_MAX, Transport};

/// A packet without what it carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outline {
    tags: [Option<VlanTag>; TAGS_MAX],
    packet: Packet<'static>,
    wire_len: usize,
}

impl Outline {
    /// The outline of a packet.
    pub(super) fn of(packet: &Decoded<'_>, frame: &Frame<'_>) -> Self {
        let outer = &packet.outer;
        let transport = match outer.transport {
            Transport::Tcp(segment) => Transport::Tcp(Segment {
                payload: &[],
                ..segment
            }),
            Transport::Udp(datagram) => Transport::Udp(Datagram {
                payload: &[],
                ..datagram
            }),
            Transport::Fragment(protocol) => Transport::Fragment(protocol),
            Transport::Other(protocol) => Transport::Other(protocol),
        };
        Self {
            tags: packet.tags,
            packet: Packet {
                source: outer.source,
                destination: outer.destination,
                transport,
                has_overlap: outer.has_overlap,
            },
            wire_len: frame.wire_len,
        }
    }

    /// A packet that a filter judges as the one that it was.
    pub(super) fn decoded(&self) -> Decoded<'static> {
        Decoded {
            tags: self.tags,
            outer: self.packet,
            inner: self.packet,
            fragmented: &[],
        }
    }

    /// Its frame, as far as a filter looks at it.
    pub(super) fn frame(&self) -> Frame<'static> {
        Frame {
            time: Timestamp::default(),
            link: LinkType::Ethernet,
            tag: None,
            bytes: &[],
            wire_len: self.wire_len,
        }
    }
}
