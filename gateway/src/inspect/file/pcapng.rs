//! The format of Wireshark (draft-ietf-opsawg-pcapng).

mod interface;

use super::damage::Damage;
use super::number::{Order, len};
use super::step::{Packet, Part, Step};
use super::{INTERFACES_MAX, PACKET_MAX};
use interface::Interface;

use crate::inspect::frame::Timestamp;

/// A section's header, in either byte order.
pub(super) const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// A block's type and length.
const BLOCK_HEADER: usize = 8;
/// The length once more.
const BLOCK_END: usize = 4;
const BLOCK_MIN: usize = BLOCK_HEADER + BLOCK_END;

/// Where what follows the fixed part of a packet's block begins.
const PACKET_BODY: usize = 28;
const SIMPLE_PACKET_BODY: usize = 12;
const INTERFACE_BODY: usize = 16;

/// Most bytes of a block that is looked into: a packet, and options of more bytes than any writer
/// has for one. Others are passed over, as long as they like to be.
const BLOCK_MAX: usize = 2 * PACKET_MAX;

/// What was said so far.
#[derive(Debug)]
pub(super) struct PcapNg {
    order: Order,
    interfaces: Vec<Interface>,
}

impl PcapNg {
    pub(super) fn new() -> Self {
        Self {
            // The section that comes first says it.
            order: Order::Little,
            interfaces: Vec::new(),
        }
    }

    pub(super) fn first_interface(&self) -> Option<&Interface> {
        self.interfaces.first()
    }

    /// Reads the next block.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Result<Step, Damage> {
        let Some(header) = bytes.first_chunk::<BLOCK_HEADER>() else {
            return Ok(Step::More(Part::Header));
        };
        let kind = self.order.u32(header, 0);
        if kind == SECTION {
            return self.section(bytes);
        }
        let whole = self.order.u32(header, 4);
        check_len(whole)?;
        match kind {
            INTERFACE | OLD_PACKET | SIMPLE_PACKET | PACKET => {}
            _ => return Ok(Step::Pass(u64::from(whole))),
        }
        if len(whole) > BLOCK_MAX {
            return Err(Damage::BlockLength(whole));
        }
        let Some(block) = bytes.get(..len(whole)) else {
            return Ok(Step::More(Part::Body(u64::from(whole))));
        };
        self.check_end(block, whole)?;
        match kind {
            INTERFACE => self.interface(block),
            SIMPLE_PACKET => self.simple_packet(block),
            // A block has four bytes behind its header: its end, if nothing else.
            OLD_PACKET => self.packet(block, u32::from(self.order.u16(block, BLOCK_HEADER))),
            _ => self.packet(block, self.order.u32(block, BLOCK_HEADER)),
        }
    }

    /// A new section has its own byte order and interfaces.
    fn section(&mut self, bytes: &[u8]) -> Result<Step, Damage> {
        let Some(header) = bytes.first_chunk::<BLOCK_MIN>() else {
            return Ok(Step::More(Part::Header));
        };
        self.order = match BYTE_ORDER {
            magic if Order::Little.u32(header, 8) == magic => Order::Little,
            magic if Order::Big.u32(header, 8) == magic => Order::Big,
            _ => return Err(Damage::ByteOrder),
        };
        self.interfaces.clear();
        let whole = self.order.u32(header, 4);
        check_len(whole)?;
        Ok(Step::Pass(u64::from(whole)))
    }

    fn interface(&mut self, block: &[u8]) -> Result<Step, Damage> {
        if self.interfaces.len() == INTERFACES_MAX {
            return Err(Damage::Interfaces);
        }
        let content = &block[..block.len() - BLOCK_END];
        let short = || Damage::BlockLength(block.len() as u32);
        let (fixed, options) = content.split_at_checked(INTERFACE_BODY).ok_or_else(short)?;
        let interface = Interface::parse(self.order, fixed, options)?;
        self.interfaces.push(interface);
        Ok(Step::Pass(block.len() as u64))
    }

    /// A packet block; that of the first version differs in where it has the interface's number.
    fn packet(&self, block: &[u8], interface: u32) -> Result<Step, Damage> {
        let described = self.described(interface)?;
        let content = block.len() - BLOCK_END;
        if content < PACKET_BODY {
            return Err(Damage::BlockLength(block.len() as u32));
        }
        let (high, low) = (self.order.u32(block, 12), self.order.u32(block, 16));
        let captured = self.order.u32(block, 20);
        if len(captured) > PACKET_MAX || len(captured) > content - PACKET_BODY {
            return Err(Damage::PacketTooLong(captured));
        }
        Ok(Step::Packet(Packet {
            taken: block.len(),
            captured: PACKET_BODY..PACKET_BODY + len(captured),
            time: described.time(u64::from(high) << 32 | u64::from(low)),
            link: described.link,
            wire_len: len(self.order.u32(block, 24).max(captured)),
        }))
    }

    /// It has no time, belongs to the first interface, and is as long as the block and the snapshot
    /// length let it be.
    fn simple_packet(&self, block: &[u8]) -> Result<Step, Damage> {
        let described = self.described(0)?;
        let content = block.len() - BLOCK_END;
        let room = content.checked_sub(SIMPLE_PACKET_BODY);
        let room = room.ok_or(Damage::BlockLength(block.len() as u32))?;
        let wire_len = len(self.order.u32(block, 8));
        let snapshot_len = match described.snapshot_len {
            0 => usize::MAX,
            some => len(some),
        };
        let captured = wire_len.min(snapshot_len).min(room);
        Ok(Step::Packet(Packet {
            taken: block.len(),
            captured: SIMPLE_PACKET_BODY..SIMPLE_PACKET_BODY + captured,
            time: Timestamp(0),
            link: described.link,
            wire_len,
        }))
    }

    fn described(&self, interface: u32) -> Result<&Interface, Damage> {
        let described = self.interfaces.get(len(interface));
        described.ok_or(Damage::Interface(interface, self.interfaces.len()))
    }

    fn check_end(&self, block: &[u8], whole: u32) -> Result<(), Damage> {
        match self.order.u32(block, block.len() - BLOCK_END) {
            end if end == whole => Ok(()),
            end => Err(Damage::BlockEnd(whole, end)),
        }
    }
}

fn check_len(whole: u32) -> Result<(), Damage> {
    if len(whole) < BLOCK_MIN || !whole.is_multiple_of(4) {
        return Err(Damage::BlockLength(whole));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
