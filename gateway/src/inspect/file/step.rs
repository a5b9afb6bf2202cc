//! What a format makes of the bytes at the front of the buffer.

use std::ops::Range;

use crate::inspect::frame::{LinkType, Timestamp};

/// What the bytes at the front are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The beginning of something that is not whole yet.
    More(Part),
    /// Something that carries no packet: as many bytes, of which some may still have to come.
    Pass(u64),
    /// A packet.
    Packet(Packet),
}

/// A packet at the front of the buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// How many bytes it takes, headers and padding included; all of them are there.
    pub(super) taken: usize,
    /// Where what was captured of it is.
    pub(super) captured: Range<usize>,
    pub(super) time: Timestamp,
    /// None for a link type that nobody here can read.
    pub(super) link: Option<LinkType>,
    pub(super) wire_len: usize,
}

/// What a file ends within, if it ends now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The header of the file.
    FileHeader,
    /// The header of a packet, or of a block.
    Header,
    /// A packet with its headers, or a block, of as many bytes.
    Body(u64),
}
