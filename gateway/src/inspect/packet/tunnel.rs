//! Headers of tunnels.

use super::ip;
use super::link::{ETHER_PPP, Layer, Next};
use super::span::{Span, u16_at};

const VXLAN_PORT: u16 = 4789;
/// Linux' own, from before the port was assigned.
const VXLAN_PORT_OLD: u16 = 8472;
const GENEVE_PORT: u16 = 6081;
const GTP_U_PORT: u16 = 2152;

const ERSPAN_II: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

/// What a protocol of IP carries, if it is a tunnel.
pub(super) fn in_ip(protocol: u8, payload: Span<'_>) -> Next<'_> {
    match protocol {
        ip::IPIP => Some((Layer::Ipv4, payload)),
        ip::IPV6 => Some((Layer::Ipv6, payload)),
        ip::GRE => gre(payload),
        ip::ETHERIP => etherip(payload),
        ip::MPLS => Some((Layer::Mpls, payload)),
        _ => None,
    }
}

/// What a datagram to `port` carries, if it is a tunnel.
pub(super) fn in_udp(port: u16, payload: Span<'_>) -> Next<'_> {
    match port {
        VXLAN_PORT | VXLAN_PORT_OLD => vxlan(payload),
        GENEVE_PORT => geneve(payload),
        GTP_U_PORT => gtp_u(payload),
        _ => None,
    }
}

/// RFC 2784, RFC 2890; version 1 is PPTP's (RFC 2637 §4.1).
fn gre(span: Span<'_>) -> Next<'_> {
    const CHECKSUM: u16 = 0x8000;
    const ROUTING: u16 = 0x4000;
    const KEY: u16 = 0x2000;
    const SEQUENCE: u16 = 0x1000;
    const ACKNOWLEDGE: u16 = 0x0080;
    let (header, rest) = span.header::<4>()?;
    let (flags, kind) = (u16_at(header, 0), u16_at(header, 2));
    let words = |wanted: u16| (flags & wanted).count_ones() as usize;
    match flags & 7 {
        0 if flags & ROUTING == 0 => {
            let rest = rest.behind(4 * words(CHECKSUM | KEY | SEQUENCE));
            in_gre(kind, flags & SEQUENCE != 0, rest)
        }
        1 if kind == ETHER_PPP => {
            let rest = rest.behind(4 * words(KEY | SEQUENCE | ACKNOWLEDGE));
            Some((Layer::Ppp, rest))
        }
        _ => None,
    }
}

/// ERSPAN (draft-foschiano-erspan §4): type I has no header of its own and no sequence number, II
/// has 8 bytes, III has 12 and, by its last bit, 8 more.
fn in_gre(kind: u16, is_numbered: bool, span: Span<'_>) -> Next<'_> {
    match kind {
        ERSPAN_II if is_numbered => Some((Layer::Ethernet, span.behind(8))),
        ERSPAN_II => Some((Layer::Ethernet, span)),
        ERSPAN_III => {
            let (header, rest) = span.header::<12>()?;
            let more = if header[11] & 1 == 1 { 8 } else { 0 };
            Some((Layer::Ethernet, rest.behind(more)))
        }
        kind => Some((Layer::EtherType(kind), span)),
    }
}

/// RFC 3378 §3: version 3, and nothing more.
fn etherip(span: Span<'_>) -> Next<'_> {
    match span.header::<2>()? {
        ([0x30, 0], rest) => Some((Layer::Ethernet, rest)),
        _ => None,
    }
}

/// RFC 7348 §5: the flag of a network's number is set, Ethernet follows. With the flag of a protocol
/// (draft-ietf-nvo3-vxlan-gpe §3.1), what was reserved says what follows.
fn vxlan(span: Span<'_>) -> Next<'_> {
    const HAS_NETWORK: u8 = 0x08;
    const HAS_PROTOCOL: u8 = 0x04;
    let (header, rest) = span.header::<8>()?;
    match (header[0] & (HAS_NETWORK | HAS_PROTOCOL), header[3]) {
        (HAS_NETWORK, _) | (0x0c, 3) => Some((Layer::Ethernet, rest)),
        (0x0c, 1) => Some((Layer::Ipv4, rest)),
        (0x0c, 2) => Some((Layer::Ipv6, rest)),
        _ => None,
    }
}

/// RFC 8926 §3.4: version 0, the length of the options in words, what follows.
fn geneve(span: Span<'_>) -> Next<'_> {
    let (header, rest) = span.header::<8>()?;
    if header[0] >> 6 != 0 {
        return None;
    }
    let options = usize::from(header[0] & 0x3f) * 4;
    let kind = u16_at(header, 2);
    Some((Layer::EtherType(kind), rest.behind(options)))
}

/// 3GPP TS 29.281 §5.1: version 1 of GTP, a message of type 255 carries a packet. With one of
/// three flags four bytes more, the last of them the type of the first extension header; each of
/// those says its length in words, and ends with the type of the next.
fn gtp_u(span: Span<'_>) -> Next<'_> {
    const PACKET: u8 = 255;
    let (header, rest) = span.header::<8>()?;
    if header[0] & 0xf0 != 0x30 || header[1] != PACKET {
        return None;
    }
    let rest = rest.limit(usize::from(u16_at(header, 2)));
    if header[0] & 0x07 == 0 {
        return Some((Layer::Ip, rest));
    }
    let (optional, mut rest) = rest.header::<4>()?;
    let mut next = if header[0] & 0x04 != 0 {
        optional[3]
    } else {
        0
    };
    while next != 0 {
        let len = usize::from(rest.first()?) * 4;
        next = *rest.bytes.get(len.checked_sub(1)?)?;
        rest = rest.behind(len);
    }
    Some((Layer::Ip, rest))
}
