//! The format of tcpdump, version 2.4 (draft-ietf-opsawg-pcap).

use super::damage::Damage;
use super::number::{Order, len};
use super::step::{Packet, Part, Step};
use super::{PACKET_MAX, Precision};
use crate::inspect::frame::{LinkType, Timestamp};

const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
/// Kernels that were patched once wrote the interface, the protocol and the direction as well.
const PACKET_HEADER_MODIFIED: usize = 24;

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
const MODIFIED: u32 = 0xa1b2_cd34;

/// The bits of the link type's field that are the link type; others tell of a checksum at the end.
const LINK_TYPE: u32 = 0x03ff_ffff;

/// What a file's header says.
#[derive(Clone, Debug)]
pub(super) struct Pcap {
    order: Order,
    /// How many nanoseconds the unit of the times' second field has.
    unit: u64,
    packet_header: usize,
    link: LinkType,
    snapshot_len: u32,
}

impl Pcap {
    /// Whether a file that begins so is one of these.
    pub(super) fn begins(magic: [u8; 4]) -> bool {
        magic_of(magic).is_some()
    }

    /// Reads the header of a file; none while it is not whole. Says how long it is.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Damage> {
        let Some(header) = bytes.first_chunk::<FILE_HEADER>() else {
            return Ok(None);
        };
        let magic = [header[0], header[1], header[2], header[3]];
        let (order, magic) = magic_of(magic).ok_or(Damage::Unknown(magic))?;
        let (major, minor) = (order.u16(header, 4), order.u16(header, 6));
        if (major, minor) < (2, 3) || major > 2 {
            return Err(Damage::Version(major, minor));
        }
        let link = order.u32(header, 20) & LINK_TYPE;
        let pcap = Self {
            order,
            unit: if magic == NANOSECONDS { 1 } else { 1000 },
            packet_header: match magic {
                MODIFIED => PACKET_HEADER_MODIFIED,
                _ => PACKET_HEADER,
            },
            link: LinkType::from_number(link).ok_or(Damage::LinkType(link))?,
            snapshot_len: order.u32(header, 16),
        };
        Ok(Some((pcap, FILE_HEADER)))
    }

    pub(super) fn link(&self) -> LinkType {
        self.link
    }

    pub(super) fn snapshot_len(&self) -> u32 {
        self.snapshot_len
    }

    pub(super) fn precision(&self) -> Precision {
        match self.unit {
            1 => Precision::Nanoseconds,
            _ => Precision::Microseconds,
        }
    }

    /// Reads the next packet.
    pub(super) fn step(&self, bytes: &[u8]) -> Result<Step, Damage> {
        let Some((header, rest)) = bytes.split_at_checked(self.packet_header) else {
            return Ok(Step::More(Part::Header));
        };
        let captured = self.order.u32(header, 8);
        if len(captured) > PACKET_MAX {
            return Err(Damage::PacketTooLong(captured));
        }
        let taken = self.packet_header + len(captured);
        if rest.len() < len(captured) {
            return Ok(Step::More(Part::Body(taken as u64)));
        }
        let seconds = u64::from(self.order.u32(header, 0));
        let fraction = u64::from(self.order.u32(header, 4));
        Ok(Step::Packet(Packet {
            taken,
            captured: self.packet_header..taken,
            // 2^32 s and 2^32 µs are less than 2^64 ns.
            time: Timestamp(seconds * 1_000_000_000 + fraction * self.unit),
            link: Some(self.link),
            // Some writers leave it at 0, or swap the two.
            wire_len: len(self.order.u32(header, 12).max(captured)),
        }))
    }
}

fn magic_of(bytes: [u8; 4]) -> Option<(Order, u32)> {
    let orders = [
        (Order::Little, u32::from_le_bytes(bytes)),
        (Order::Big, u32::from_be_bytes(bytes)),
    ];
    orders
        .into_iter()
        .find(|(_, magic)| matches!(*magic, MICROSECONDS | NANOSECONDS | MODIFIED))
}

#[cfg(test)]
mod tests;
