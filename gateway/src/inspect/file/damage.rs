//! What can be wrong with a capture file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::shown::shown;
use super::step::Part;
use super::{INTERFACES_MAX, PACKET_MAX};

/// Why a file could not be read to its end.
#[derive(Debug, Error)]
#[error("{}: {kind}", called(.file))]
pub struct FileError {
    /// Which file; `-` is what came in on stdin.
    pub file: PathBuf,
    /// What happened.
    #[source]
    pub kind: FileErrorKind,
}

/// What happened to a file.
#[derive(Debug, Error)]
pub enum FileErrorKind {
    /// It could not be opened.
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    /// It could not be read from here on.
    #[error("cannot be read at offset {offset}{}: {source}", unpacked(*.is_packed))]
    Read {
        /// How many bytes were read before.
        offset: u64,
        /// Whether the offset is one of what the file was packed from.
        is_packed: bool,
        /// What the system, or gzip, says.
        source: io::Error,
    },
    /// What is there is not what it should be.
    #[error("at offset {offset}{}: {damage}", unpacked(*.is_packed))]
    Damaged {
        /// Where what is wrong begins.
        offset: u64,
        /// Whether the offset is one of what the file was packed from.
        is_packed: bool,
        /// What is wrong.
        #[source]
        damage: Damage,
    },
}

/// What is wrong with the bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Damage {
    /// Neither pcap nor pcapng.
    #[error("not a capture file: neither pcap nor pcapng begins with {0:02x?}")]
    Unknown([u8; 4]),
    /// A version of the format that is not read.
    #[error("a file of version {0}.{1}, which is not read")]
    Version(u16, u16),
    /// A link type that is not read.
    #[error("link type {0} is not read")]
    LinkType(u32),
    /// It ends too early.
    #[error("the file ends within {}", within(*.part, *.there))]
    Truncated {
        /// What it ends within.
        part: Part,
        /// How much of that is there, in bytes.
        there: u64,
    },
    /// A packet that is longer than packets are.
    #[error("a packet of {0} bytes, where {PACKET_MAX} are allowed")]
    PacketTooLong(u32),
    /// A block with a length that it cannot have.
    #[error("a block with the impossible length of {0} bytes")]
    BlockLength(u32),
    /// A block's length stands at its end too.
    #[error("a block of {0} bytes that says {1} at its end")]
    BlockEnd(u32, u32),
    /// A section's header has no byte order.
    #[error("a section without a byte order")]
    ByteOrder,
    /// A packet of an interface that was not described.
    #[error("a packet of interface {0}, where {1} were described")]
    Interface(u32, usize),
    /// More than are allowed.
    #[error("more than {INTERFACES_MAX} interfaces in a section")]
    Interfaces,
    /// A resolution of times that makes no sense.
    #[error("an interface with times in units of 10^-{0} s, which are not read")]
    Resolution(u8),
    /// Nothing says how packets begin.
    #[error("a capture that describes no interface")]
    NoInterface,
}

/// As people call it.
fn called(file: &std::path::Path) -> String {
    match file == std::path::Path::new(super::STDIN) {
        true => "stdin".to_owned(),
        false => shown(file),
    }
}

fn unpacked(is_packed: bool) -> &'static str {
    match is_packed {
        true => " of what it unpacks to",
        false => "",
    }
}

fn within(part: Part, there: u64) -> String {
    match part {
        Part::FileHeader => format!("its header: it has {there} bytes"),
        Part::Header => format!("a header, of which {there} bytes are there"),
        Part::Body(whole) => {
            format!("a packet or block of {whole} bytes, of which {there} are there")
        }
    }
}
