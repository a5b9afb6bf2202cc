//! What tells flows apart.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The two ends of a flow: the same in both directions.
///
/// It does not say by which tunnel or VLAN packets came: one that was captured in several places on
/// its way is one that was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    V4([u8; V4_BYTES]),
    V6([u8; V6_BYTES]),
}

/// Stands in the place of UDP's number; it is that of no protocol.
const SIBLING: u8 = u8::MAX;

/// Twice address and port, and the protocol.
const V4_BYTES: usize = 2 * (4 + 2) + 1;
const V6_BYTES: usize = 2 * (16 + 2) + 1;

/// One end of a flow: the one whose address and port are lower, or the other. It stands for the
/// direction of what that end sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Lower,
    Upper,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Lower, Self::Upper];

    pub(super) fn other(self) -> Self {
        match self {
            Self::Lower => Self::Upper,
            Self::Upper => Self::Lower,
        }
    }

    /// Its place in an array of two.
    pub(super) fn at(self) -> usize {
        match self {
            Self::Lower => 0,
            Self::Upper => 1,
        }
    }
}

// The bytes alone: the standard library hashes a length and a discriminant too, which is twice the
// work for IPv4. Both kinds differ in length, which the hasher takes into account at its end.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::V4(bytes) => state.write(bytes),
            Self::V6(bytes) => state.write(bytes),
        }
    }
}

impl Key {
    /// The key of a packet, and which end sent it.
    pub(super) fn new(protocol: u8, source: SocketAddr, destination: SocketAddr) -> (Self, Side) {
        let (lower, upper, side) = if source <= destination {
            (source, destination, Side::Lower)
        } else {
            (destination, source, Side::Upper)
        };
        let key = match (lower.ip(), upper.ip()) {
            (IpAddr::V4(one), IpAddr::V4(two)) => {
                let mut bytes = [protocol; V4_BYTES];
                bytes[..4].copy_from_slice(&one.octets());
                bytes[4..6].copy_from_slice(&lower.port().to_be_bytes());
                bytes[6..10].copy_from_slice(&two.octets());
                bytes[10..12].copy_from_slice(&upper.port().to_be_bytes());
                Self::V4(bytes)
            }
            (one, two) => {
                let mut bytes = [protocol; V6_BYTES];
                bytes[..16].copy_from_slice(&v6(one).octets());
                bytes[16..18].copy_from_slice(&lower.port().to_be_bytes());
                bytes[18..34].copy_from_slice(&v6(two).octets());
                bytes[34..36].copy_from_slice(&upper.port().to_be_bytes());
                Self::V6(bytes)
            }
        };
        (key, side)
    }

    /// The key of another connection over UDP that has the same ends at the same time.
    pub(super) fn sibling(mut self) -> Self {
        match &mut self {
            Self::V4([.., protocol]) | Self::V6([.., protocol]) => *protocol = SIBLING,
        }
        self
    }

    /// The address and port of an end.
    pub(super) fn end(&self, side: Side) -> SocketAddr {
        match self {
            Self::V4(bytes) => {
                let end = &bytes[side.at() * 6..];
                let [a, b, c, d, high, low] = *end.first_chunk::<6>().expect("two ends of 6 bytes");
                SocketAddr::new(
                    Ipv4Addr::new(a, b, c, d).into(),
                    u16::from_be_bytes([high, low]),
                )
            }
            Self::V6(bytes) => {
                let end = &bytes[side.at() * 18..];
                let address = end.first_chunk::<16>().expect("two ends of 18 bytes");
                SocketAddr::new(
                    Ipv6Addr::from(*address).into(),
                    u16::from_be_bytes([end[16], end[17]]),
                )
            }
        }
    }
}

/// A packet has addresses of one kind.
fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}
