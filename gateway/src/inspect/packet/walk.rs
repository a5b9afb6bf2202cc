//! From header to header, down to what the innermost IP packet carries.

use std::net::IpAddr;
use std::slice::IterMut;

use super::super::frame::{Frame, Timestamp, VlanTag};
use super::fragments::Fragments;
use super::ip::{self, Header};
use super::link::{self, Layer, Next};
use super::span::Span;
use super::transport::transport;
use super::tunnel;
use super::{DEPTH_MAX, Decoded, Fragmented, Packet, TAGS_MAX, Transport};

/// Most headers that are gone through: [`DEPTH_MAX`] times Ethernet, a few tags and labels, IP.
const STEPS_MAX: usize = 64;

/// What is known of a frame on the way.
pub(super) struct Walk<'a> {
    time: Timestamp,
    fragments: &'a mut Fragments,
    /// Where packets that were put together go: one at each depth, so that all can be lent.
    wholes: IterMut<'a, Vec<u8>>,
    tags: [Option<VlanTag>; TAGS_MAX],
    outer: Option<Packet<'a>>,
    inner: Option<Packet<'a>>,
    /// Whether fragments contradicted each other, at any depth so far.
    has_overlap: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        frame: &Frame<'_>,
        fragments: &'a mut Fragments,
        wholes: &'a mut [Vec<u8>; DEPTH_MAX],
    ) -> Self {
        let mut tags = [None; TAGS_MAX];
        tags[0] = frame.tag;
        Self {
            time: frame.time,
            fragments,
            wholes: wholes.iter_mut(),
            tags,
            outer: None,
            inner: None,
            has_overlap: false,
        }
    }

    /// None if there is no IP. Where a tunnel holds something else, what it is carried by counts.
    /// Packets that came in fragments are put into `fragmented`.
    pub(super) fn run(
        mut self,
        frame: &Frame<'a>,
        fragmented: &'a mut Vec<Fragmented>,
    ) -> Option<Decoded<'a>> {
        let mut at = Some((
            Layer::from(frame.link),
            Span::new(frame.bytes, frame.wire_len),
        ));
        for _ in 0..STEPS_MAX {
            let Some((layer, span)) = at else { break };
            at = self.step(layer, span, fragmented);
        }
        Some(Decoded {
            tags: self.tags,
            outer: self.outer?,
            inner: self.inner?,
            fragmented,
        })
    }

    fn step(&mut self, layer: Layer, span: Span<'a>, fragmented: &mut Vec<Fragmented>) -> Next<'a> {
        match layer {
            Layer::Ethernet => link::ethernet(span),
            Layer::EtherType(kind) if link::is_vlan(kind) => self.vlan(span),
            Layer::EtherType(kind) => link::ether_type(kind, span),
            Layer::Loopback => link::loopback(span),
            Layer::Sll => link::sll(span),
            Layer::Sll2 => link::sll2(span),
            Layer::Ppp => link::ppp(span),
            Layer::Mpls => link::mpls(span),
            Layer::Ip => link::ip(span),
            Layer::Ipv4 => self.packet(ip::ipv4(span)?, fragmented),
            Layer::Ipv6 => self.packet(ip::ipv6(span)?, fragmented),
        }
    }

    fn vlan(&mut self, span: Span<'a>) -> Next<'a> {
        let (tag, next, rest) = link::vlan(span)?;
        let free = self.tags.iter_mut().find(|tag| tag.is_none());
        if let (Some(free), None) = (free, self.outer) {
            *free = Some(tag);
        }
        Some((next, rest))
    }

    fn packet(&mut self, header: Header<'a>, fragmented: &mut Vec<Fragmented>) -> Next<'a> {
        // Each depth has one, whether or not its packet comes in fragments.
        let whole = self.wholes.next()?;
        let Some(fragment) = header.fragment else {
            return self.carried(header);
        };
        fragmented.push(Fragmented {
            source: header.source,
            destination: header.destination,
            id: fragment.id,
        });
        self.found(&header, Transport::Fragment(header.protocol));
        let found = self.fragments.push(&header, fragment, self.time, whole)?;
        self.has_overlap |= found.has_overlap;
        let header = Header {
            protocol: found.protocol,
            fragment: None,
            payload: Span {
                bytes: whole,
                cut: found.cut,
            },
            ..header
        };
        let header = match header.source {
            IpAddr::V4(_) => header,
            IpAddr::V6(_) => ip::extensions(header)?,
        };
        self.carried(header)
    }

    fn carried(&mut self, header: Header<'a>) -> Next<'a> {
        let carried = transport(header.protocol, header.payload);
        self.found(&header, carried);
        match carried {
            Transport::Udp(datagram) => tunnel::in_udp(
                datagram.destination_port,
                Span {
                    bytes: datagram.payload,
                    cut: datagram.cut,
                },
            ),
            Transport::Other(protocol) => tunnel::in_ip(protocol, header.payload),
            Transport::Tcp(_) | Transport::Fragment(_) => None,
        }
    }

    fn found(&mut self, header: &Header<'a>, transport: Transport<'a>) {
        let packet = Packet {
            source: header.source,
            destination: header.destination,
            transport,
            has_overlap: self.has_overlap,
        };
        // One that was put together takes the place of its last fragment.
        if self.depth() == 1 {
            self.outer = Some(packet);
        }
        self.inner = Some(packet);
    }

    /// How many headers of IP were there, this one too.
    fn depth(&self) -> usize {
        DEPTH_MAX - self.wholes.len()
    }
}
