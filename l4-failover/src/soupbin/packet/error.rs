//! What can be wrong with frames and packets.

use thiserror::Error;

use super::frame::Kind;
use super::{LoginRequest, PAYLOAD_MAX};

/// The bytes are no frame: nothing after them can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// A length that does not even count the type.
    #[error("a frame of length 0")]
    Empty,
    /// A type that the protocol does not have.
    #[error("a packet of the unknown type {:?}", *.0 as char)]
    Kind(u8),
}

/// A frame whose payload is not what its type promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// Of another size; of frames, as their length field counts.
    #[error("{0} with a length of {1}, where {wanted} belongs", wanted = size(*.0))]
    Size(Kind, usize),
    /// A field that is no number, or one above the greatest.
    #[error("{kind}: {field} is no number")]
    Number {
        /// The packet.
        kind: Kind,
        /// The field, as the specification calls it.
        field: &'static str,
    },
    /// A field with bytes that are not printable ASCII.
    #[error("{kind}: {field} has bytes that are not printable ASCII")]
    Text {
        /// The packet.
        kind: Kind,
        /// The field, as the specification calls it.
        field: &'static str,
    },
    /// A reason of a reject that the protocol does not have.
    #[error("{kind}: unknown reason {:?}", *.reason as char, kind = Kind::LoginRejected)]
    Reason {
        /// The byte.
        reason: u8,
    },
}

/// A payload of more than [`PAYLOAD_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a payload of {0} bytes; a frame takes {PAYLOAD_MAX}")]
pub struct TooLong(pub usize);

fn size(kind: Kind) -> &'static str {
    const _: () = assert!(LoginRequest::SHORT == 47 && LoginRequest::LONG == 52);
    match kind {
        Kind::LoginRequest => "47 (versions 3.00 and 4.00) or 52 (4.10)",
        Kind::LoginAccepted => "31",
        Kind::LoginRejected => "2",
        _ => "1",
    }
}
