//! How connections over UDP begin, and whose a datagram is that may begin one.

use super::super::packet::Datagram;
use super::super::{dtls, quic};

/// Types of records and of packets that a connection may begin with: a handshake record, or any
/// packet of QUIC with a long header.
const RECORD: u8 = 22;
const LONG_HEADER: u8 = 0x80;

/// What may begin a connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening<'a> {
    Quic(quic::Opening<'a>),
    Dtls(dtls::Opening<'a>),
}

/// What a flow says of a datagram of its addresses and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// It belongs to its connection.
    Its,
    /// It is of one that was over, and comes again.
    Past,
    /// Nothing in it says to whom it belongs.
    Unknown,
    /// It begins another connection.
    Another,
}

impl<'a> Opening<'a> {
    /// What a datagram begins with. Most do not, which its first byte says.
    pub(super) fn of(datagram: &Datagram<'a>) -> Option<Self> {
        match *datagram.payload.first()? {
            RECORD => dtls::Opening::of(datagram.payload).map(Self::Dtls),
            LONG_HEADER.. => {
                let wire_len = datagram.payload.len() + datagram.cut;
                quic::Opening::of(datagram.payload, wire_len).map(Self::Quic)
            }
            _ => None,
        }
    }

    /// The bytes by which it is known when it comes again.
    pub(super) fn known_by(&self) -> &'a [u8] {
        match self {
            Self::Quic(opening) => opening.id(),
            Self::Dtls(opening) => opening.random(),
        }
    }

    /// Whether it does begin a connection, if it is of none that is known.
    pub(super) fn is_proved(&self) -> bool {
        match self {
            Self::Quic(opening) => opening.is_proved(),
            Self::Dtls(opening) => opening.is_client(),
        }
    }
}
