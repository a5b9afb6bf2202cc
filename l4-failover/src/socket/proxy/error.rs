//! What is wrong with a header.

use super::{UNIQUE_ID_MAX, V1_LENGTH_MAX, V2_LENGTH_MAX};

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// The first bytes begin no header of either version.
    #[error("no PROXY header, which whoever connects from there has to send first")]
    Absent,
    /// The signature of version 2, and another version.
    #[error("a PROXY header of version {0}, where 1 and 2 are known")]
    Version(u8),
    /// A command that the protocol does not have.
    #[error("a PROXY header with the command {0}, which the protocol does not have")]
    Command(u8),
    /// A family of addresses, or a protocol, that version 2 does not have.
    #[error(
        "a PROXY header with addresses of the kind 0x{0:02x}, which the protocol does not have"
    )]
    Family(u8),
    /// A header of version 2 beyond [`V2_LENGTH_MAX`].
    #[error("a PROXY header of {0} bytes; the limit is {V2_LENGTH_MAX}")]
    TooLong(usize),
    /// A line of version 1 beyond [`V1_LENGTH_MAX`].
    #[error("a PROXY line that does not end within {V1_LENGTH_MAX} bytes")]
    Endless,
    /// A line of version 1 whose named part is not what it must be.
    #[error("a PROXY line with a wrong {0}")]
    Line(&'static str),
    /// A length that does not even hold the addresses.
    #[error(
        "a PROXY header that lies about its length: it gives {given} bytes to addresses that \
         take {needed}"
    )]
    Short {
        /// What the header says follows its first 16 bytes.
        given: usize,
        /// What its addresses take.
        needed: usize,
    },
    /// A field that does not end where the header does, or before.
    #[error("a PROXY header that lies about its length: it ends within its last field")]
    Field,
    /// A unique id beyond [`UNIQUE_ID_MAX`].
    #[error("a PROXY header with a unique id of {0} bytes; the limit is {UNIQUE_ID_MAX}")]
    UniqueId(usize),
    /// A checksum that is not that of the bytes.
    #[error("a PROXY header whose checksum is wrong: it was changed on its way")]
    Checksum,
}
