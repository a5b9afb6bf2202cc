//! What a filter asks of a packet, once it is read.

use crate::name::Glob;

/// A question about a packet and the name of its flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expression {
    /// Every part holds.
    All(Vec<Expression>),
    /// Some part holds.
    Any(Vec<Expression>),
    /// The part does not hold.
    Not(Box<Expression>),
    /// One primitive.
    Is(Primitive),
}

/// The least that can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Primitive {
    /// `ip`, `ip6`.
    Family(Family),
    /// `arp`, `rarp`: of no packet of IP, and others are not looked into.
    NotIp,
    /// `tcp`, `ip proto 89`: what IP carries, of one family or of either.
    Protocol(Option<Family>, u8),
    /// `host`, `net`.
    Address(Direction, Subnet),
    /// `port`, `portrange`.
    Port(Direction, Transports, Ports),
    /// `vlan`, `vlan 5`.
    Vlan(Option<u16>),
    /// `less`: this many bytes on the wire, or fewer.
    Less(u32),
    /// `greater`: this many bytes on the wire, or more.
    Greater(u32),
    /// `sni`.
    Name(Wanted),
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// Which end of a packet is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Source,
    Destination,
    /// `src or dst`, and what is meant where nothing is said.
    Either,
    /// `src and dst`.
    Both,
}

impl Direction {
    /// Whether it holds of these ends.
    pub(super) fn holds(self, source: bool, destination: bool) -> bool {
        match self {
            Self::Source => source,
            Self::Destination => destination,
            Self::Either => source || destination,
            Self::Both => source && destination,
        }
    }
}

/// Addresses that agree in the bits of a mask. The mask may have gaps, as libpcap allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subnet {
    V4 { bits: u32, mask: u32 },
    V6 { bits: u128, mask: u128 },
}

impl Subnet {
    pub(super) fn family(self) -> Family {
        match self {
            Self::V4 { .. } => Family::V4,
            Self::V6 { .. } => Family::V6,
        }
    }
}

/// Ports from the first to the last, both among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Ports {
    pub(super) fn contain(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

/// Whose ports are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transports {
    Tcp,
    Udp,
    Any,
}

impl Transports {
    /// The numbers of the protocols.
    pub(super) fn protocols(self) -> &'static [u8] {
        match self {
            Self::Tcp => &[TCP],
            Self::Udp => &[UDP],
            Self::Any => &[TCP, UDP],
        }
    }
}

/// Which name a flow is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `sni -`: none.
    Absent,
    /// One that the glob matches.
    Like(Glob),
}

/// Numbers of protocols over IP, of the registry at IANA.
pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const ICMP6: u8 = 58;

impl Expression {
    /// Both hold; flat, so that a long chain is not a deep tree.
    pub(super) fn and(self, other: Self) -> Self {
        match self {
            Self::All(mut parts) => {
                parts.push(other);
                Self::All(parts)
            }
            one => Self::All(vec![one, other]),
        }
    }

    /// One of them holds; flat too.
    pub(super) fn or(self, other: Self) -> Self {
        match self {
            Self::Any(mut parts) => {
                parts.push(other);
                Self::Any(parts)
            }
            one => Self::Any(vec![one, other]),
        }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Not(part) => *part,
            part => Self::Not(Box::new(part)),
        }
    }

    /// Whether a primitive somewhere in it is so.
    pub(super) fn has(&self, is_so: fn(&Primitive) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.has(is_so)),
            Self::Not(part) => part.has(is_so),
            Self::Is(primitive) => is_so(primitive),
        }
    }
}
