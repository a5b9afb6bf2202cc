//! Writes packets as pcap, in the form that every reader knows.

use std::io::{self, Write};

use thiserror::Error;

use crate::inspect::frame::{Frame, LinkType, Timestamp};

const ETHERNET_ADDRESSES: usize = 12;
const VLAN: [u8; 2] = [0x81, 0x00];
const TAG: usize = 4;

/// Why a packet was not written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The system says why.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file of pcap has one link type for all of its packets.
    #[error("a packet of link type {} cannot follow those of {}", .packet.name(), .file.name())]
    LinkType {
        /// That of the packet.
        packet: LinkType,
        /// That of the packets before it.
        file: LinkType,
    },
}

/// How fine times are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// As tcpdump writes them.
    Microseconds,
    /// As few tools write them, and most read them.
    Nanoseconds,
}

/// A capture that is being written.
#[derive(Debug)]
pub struct Writer<W> {
    to: W,
    link: LinkType,
    precision: Precision,
}

impl<W: Write> Writer<W> {
    /// Writes the header of a file.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(
        mut to: W,
        link: LinkType,
        snapshot_len: u32,
        precision: Precision,
    ) -> io::Result<Self> {
        let magic: u32 = match precision {
            Precision::Microseconds => 0xa1b2_c3d4,
            Precision::Nanoseconds => 0xa1b2_3c4d,
        };
        to.write_all(&magic.to_le_bytes())?;
        to.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
        to.write_all(&snapshot_len.to_le_bytes())?;
        to.write_all(&link.number().to_le_bytes())?;
        Ok(Self {
            to,
            link,
            precision,
        })
    }

    /// Writes a packet; a tag that the kernel took out is put back.
    ///
    /// # Errors
    /// What the system says, or that the packet has another link type.
    pub fn write(&mut self, frame: &Frame<'_>) -> Result<(), WriteError> {
        if frame.link != self.link {
            return Err(WriteError::LinkType {
                packet: frame.link,
                file: self.link,
            });
        }
        let addresses = frame.bytes.split_at_checked(ETHERNET_ADDRESSES);
        match (frame.tag, addresses) {
            (Some(tag), Some((addresses, rest))) if frame.link == LinkType::Ethernet => {
                self.header(frame, TAG)?;
                self.to.write_all(addresses)?;
                self.to.write_all(&VLAN)?;
                self.to.write_all(&tag.id.to_be_bytes())?;
                self.to.write_all(rest)?;
            }
            _ => {
                self.header(frame, 0)?;
                self.to.write_all(frame.bytes)?;
            }
        }
        Ok(())
    }

    /// Hands what was written on to the system.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }

    fn header(&mut self, frame: &Frame<'_>, more: usize) -> io::Result<()> {
        let (seconds, fraction) = self.time(frame.time);
        let lens = [frame.bytes.len() + more, frame.wire_len + more];
        let lens = lens.map(|len| u32::try_from(len).unwrap_or(u32::MAX));
        let mut header = [0; 16];
        for (slot, number) in header
            .as_chunks_mut()
            .0
            .iter_mut()
            .zip([seconds, fraction, lens[0], lens[1]])
        {
            *slot = number.to_le_bytes();
        }
        self.to.write_all(&header)
    }

    /// Times end in 2106, where the format does.
    fn time(&self, time: Timestamp) -> (u32, u32) {
        let nanoseconds = time.0 % 1_000_000_000;
        let fraction = match self.precision {
            Precision::Microseconds => nanoseconds / 1000,
            Precision::Nanoseconds => nanoseconds,
        };
        (
            u32::try_from(time.0 / 1_000_000_000).unwrap_or(u32::MAX),
            // Less than 10^9.
            fraction as u32,
        )
    }
}
