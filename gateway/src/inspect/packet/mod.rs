//! Where a frame's packet goes, and what it carries.
//!
//! [`Decoder`] goes from header to header: through VLAN tags, labels and tunnels, down to what the
//! innermost IP packet carries. It allocates nothing, but for fragments, which it puts together
//! under the bounds of [`fragments`].
//!
//! The headers are read by some lines of our own each. The crates there are know no tunnels, want
//! whole headers of TCP, and do not say how much a snapshot length has cut, without which a stream
//! has bytes missing that nobody knows of.

pub mod fragments;
mod ip;
mod link;
mod span;
mod transport;
mod tunnel;
mod walk;

use std::net::{IpAddr, SocketAddr};

use self::fragments::Fragments;
use self::walk::Walk;
use super::frame::{Frame, VlanTag};

/// Most headers of IP that are looked through, one inside of the other: a tunnel in a tunnel, and one
/// more. A hostile frame could else hold hundreds.
pub const DEPTH_MAX: usize = 4;

/// Most VLAN tags that are kept of a packet.
pub const TAGS_MAX: usize = 4;

/// A frame, looked into.
#[derive(Clone, Copy, Debug)]
pub struct Decoded<'a> {
    /// Its VLAN tags from the outermost on, the one that the kernel took out among them; of more than
    /// [`TAGS_MAX`] the first.
    pub tags: [Option<VlanTag>; TAGS_MAX],
    /// The packet behind them, as a filter sees it: of a tunnel the outer one.
    pub outer: Packet<'a>,
    /// The packet inside of all tunnels; the outer one where there are none.
    pub inner: Packet<'a>,
    /// Of which packets the frame brings a fragment, from the outermost on. All but the last are whole
    /// by it, and the last unless `inner` is a [`Transport::Fragment`].
    pub fragmented: &'a [Fragmented],
}

/// A packet that came in fragments, by what is the same in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fragmented {
    /// Who sends it.
    pub source: IpAddr,
    /// Who is to receive it.
    pub destination: IpAddr,
    /// Its number, which IPv4 gives in 16 bits.
    pub id: u32,
}

/// A packet of IP, whole, or put together from its fragments.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Who sends.
    pub source: IpAddr,
    /// Who is to receive.
    pub destination: IpAddr,
    /// What IP carries.
    pub transport: Transport<'a>,
    /// Whether it was put together from fragments that had different bytes for the same place, or came
    /// in a tunnel whose packet was. The first ones count.
    pub has_overlap: bool,
}

/// What IP carries, as far as it was captured.
#[derive(Clone, Copy, Debug)]
pub enum Transport<'a> {
    /// A segment of TCP.
    Tcp(Segment<'a>),
    /// A datagram of UDP.
    Udp(Datagram<'a>),
    /// A fragment, by the number of its protocol, as long as others of its packet are missing. The
    /// one that completes the packet is told as the whole packet.
    Fragment(u8),
    /// Another protocol, by its number.
    Other(u8),
}

/// A segment of TCP (RFC 9293 §3.1).
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The number of the payload's first byte, or of SYN.
    pub sequence: u32,
    /// Whether SYN is set.
    pub is_syn: bool,
    /// Whether ACK is set.
    pub is_ack: bool,
    /// Whether FIN is set.
    pub is_fin: bool,
    /// Whether RST is set.
    pub is_rst: bool,
    /// What was captured of its payload.
    pub payload: &'a [u8],
    /// How many bytes of payload follow that were not captured.
    pub cut: usize,
}

/// A datagram of UDP.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// What was captured of its payload.
    pub payload: &'a [u8],
    /// How many bytes of payload follow that were not captured.
    pub cut: usize,
}

/// Looks into frames.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
    /// Packets that were put together, as long as they are lent.
    wholes: [Vec<u8>; DEPTH_MAX],
    /// Which packets they are, at most one for each depth; its memory stays.
    fragmented: Vec<Fragmented>,
}

impl Decoder {
    /// Looks into a frame; None if there is no packet of IP in it. What it carries is lent from
    /// the frame, or from the decoder if it came in fragments.
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Option<Decoded<'a>> {
        self.fragmented.clear();
        let walk = Walk::new(frame, &mut self.fragments, &mut self.wholes);
        walk.run(frame, &mut self.fragmented)
    }

    /// Packets that were forgotten, since fragments of them did not come in time, or too many were
    /// missing some.
    #[must_use]
    pub fn packets_incomplete(&self) -> u64 {
        self.fragments.evicted()
    }
}

impl Packet<'_> {
    /// The sender's and the receiver's address, if what is carried has ports.
    #[must_use]
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let (source, destination) = match self.transport {
            Transport::Tcp(segment) => (segment.source_port, segment.destination_port),
            Transport::Udp(datagram) => (datagram.source_port, datagram.destination_port),
            Transport::Fragment(_) | Transport::Other(_) => return None,
        };
        Some((
            SocketAddr::new(self.source, source),
            SocketAddr::new(self.destination, destination),
        ))
    }
}

#[cfg(test)]
mod tests;
