//! Headers in front of IP.

use super::super::frame::{LinkType, VlanTag};
use super::span::{Span, u16_at, u32_at};

/// What a span begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Ethernet,
    /// What a number of IEEE says, out of an Ethernet header or as one.
    EtherType(u16),
    Loopback,
    Sll,
    Sll2,
    Ppp,
    Mpls,
    /// IPv4 or IPv6, by the first half byte.
    Ip,
    Ipv4,
    Ipv6,
}

/// What is next, and where.
pub(super) type Next<'a> = Option<(Layer, Span<'a>)>;

const ETHER_IPV4: u16 = 0x0800;
const ETHER_IPV6: u16 = 0x86dd;
const ETHER_BRIDGED: u16 = 0x6558;
pub(super) const ETHER_PPP: u16 = 0x880b;
const ETHER_MPLS: [u16; 2] = [0x8847, 0x8848];
const ETHER_PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1Q, 802.1ad, and what was used for stacked tags before that.
const ETHER_VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// Smaller numbers are lengths of IEEE 802.3 frames.
const ETHER_TYPE_MIN: u16 = 0x0600;

/// LLC and SNAP with the organization of Ethernet itself (RFC 1042): an EtherType follows.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MPLS: u16 = 0x0281;

/// `AF_INET` everywhere.
const FAMILY_IPV4: u32 = 2;
/// `AF_INET6` of Linux, NetBSD and OpenBSD, FreeBSD, macOS.
const FAMILIES_IPV6: [u32; 4] = [10, 24, 28, 30];

impl From<LinkType> for Layer {
    fn from(link: LinkType) -> Self {
        match link {
            LinkType::Loopback => Self::Loopback,
            LinkType::Ethernet => Self::Ethernet,
            LinkType::Raw => Self::Ip,
            LinkType::Ipv4 => Self::Ipv4,
            LinkType::Ipv6 => Self::Ipv6,
            LinkType::LinuxSll => Self::Sll,
            LinkType::LinuxSll2 => Self::Sll2,
            LinkType::Ppp => Self::Ppp,
        }
    }
}

pub(super) fn ethernet(span: Span<'_>) -> Next<'_> {
    let (header, rest) = span.header::<14>()?;
    match u16_at(header, 12) {
        kind if kind >= ETHER_TYPE_MIN => Some((Layer::EtherType(kind), rest)),
        len => {
            let (llc, rest) = rest.limit(usize::from(len)).header::<8>()?;
            llc.starts_with(&SNAP)
                .then(|| (Layer::EtherType(u16_at(llc, 6)), rest))
        }
    }
}

/// Whether an EtherType is that of a VLAN tag.
pub(super) fn is_vlan(kind: u16) -> bool {
    ETHER_VLAN.contains(&kind)
}

pub(super) fn vlan(span: Span<'_>) -> Option<(VlanTag, Layer, Span<'_>)> {
    let (header, rest) = span.header::<4>()?;
    let tag = VlanTag {
        id: u16_at(header, 0) & 0x0fff,
    };
    Some((tag, Layer::EtherType(u16_at(header, 2)), rest))
}

pub(super) fn ether_type(kind: u16, span: Span<'_>) -> Next<'_> {
    match kind {
        ETHER_IPV4 => Some((Layer::Ipv4, span)),
        ETHER_IPV6 => Some((Layer::Ipv6, span)),
        ETHER_BRIDGED => Some((Layer::Ethernet, span)),
        ETHER_PPP => Some((Layer::Ppp, span)),
        ETHER_PPPOE_SESSION => pppoe(span),
        kind if ETHER_MPLS.contains(&kind) => Some((Layer::Mpls, span)),
        _ => None,
    }
}

/// RFC 2516 §4: version 1, type 1, code 0; the session, and the length of what follows.
fn pppoe(span: Span<'_>) -> Next<'_> {
    match span.header::<6>()? {
        (&[0x11, 0, _, _, high, low], rest) => {
            let len = usize::from(u16::from_be_bytes([high, low]));
            Some((Layer::Ppp, rest.limit(len)))
        }
        _ => None,
    }
}

/// RFC 1661 §2, RFC 1662 §3.1: address and control may be there or not; a protocol whose first
/// byte is odd has one byte.
pub(super) fn ppp(span: Span<'_>) -> Next<'_> {
    let rest = match span.bytes {
        [0xff, 0x03, ..] => span.behind(2),
        _ => span,
    };
    let (protocol, len) = match rest.bytes {
        [short, ..] if short & 1 == 1 => (u16::from(*short), 1),
        [high, low, ..] => (u16::from_be_bytes([*high, *low]), 2),
        _ => return None,
    };
    let layer = match protocol {
        PPP_IPV4 => Layer::Ipv4,
        PPP_IPV6 => Layer::Ipv6,
        PPP_MPLS => Layer::Mpls,
        _ => return None,
    };
    Some((layer, rest.behind(len)))
}

/// RFC 3032 §2.1: labels, down to the one with the bit of the bottom. What follows is not said:
/// IP is known by its version; a word that begins with 0 is that of a pseudowire (RFC 4385 §3),
/// with Ethernet behind it.
pub(super) fn mpls(span: Span<'_>) -> Next<'_> {
    const BOTTOM: u8 = 1;
    let labels = 1 + span
        .bytes
        .as_chunks::<4>()
        .0
        .iter()
        .position(|label| label[2] & BOTTOM == BOTTOM)?;
    let rest = span.behind(labels * 4);
    match rest.first()? >> 4 {
        4 | 6 => Some((Layer::Ip, rest)),
        0 => Some((Layer::Ethernet, rest.behind(4))),
        _ => None,
    }
}

pub(super) fn loopback(span: Span<'_>) -> Next<'_> {
    let (header, rest) = span.header::<4>()?;
    let family = u32_at(header, 0);
    // Families are small: whichever order makes the number small is the writer's.
    match family.min(family.swap_bytes()) {
        FAMILY_IPV4 => Some((Layer::Ipv4, rest)),
        family if FAMILIES_IPV6.contains(&family) => Some((Layer::Ipv6, rest)),
        _ => None,
    }
}

pub(super) fn sll(span: Span<'_>) -> Next<'_> {
    let (header, rest) = span.header::<16>()?;
    Some((Layer::EtherType(u16_at(header, 14)), rest))
}

pub(super) fn sll2(span: Span<'_>) -> Next<'_> {
    let (header, rest) = span.header::<20>()?;
    Some((Layer::EtherType(u16_at(header, 0)), rest))
}

pub(super) fn ip(span: Span<'_>) -> Next<'_> {
    match span.first()? >> 4 {
        4 => Some((Layer::Ipv4, span)),
        6 => Some((Layer::Ipv6, span)),
        _ => None,
    }
}
