//! Headers of IP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::span::{Span, u16_at, u32_at};

pub(super) const IPIP: u8 = 4;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
pub(super) const IPV6: u8 = 41;
pub(super) const GRE: u8 = 47;
pub(super) const ETHERIP: u8 = 97;
pub(super) const MPLS: u8 = 137;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// Most extension headers of a packet that are gone through. RFC 8200 §4.1 lists seven.
const EXTENSIONS_MAX: usize = 16;

/// An IP header, and what it carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) protocol: u8,
    pub(super) fragment: Option<Fragment>,
    pub(super) payload: Span<'a>,
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) id: u32,
    /// In bytes, a multiple of 8, at most 65 528.
    pub(super) offset: usize,
    /// Whether others follow it.
    pub(super) has_more: bool,
}

impl Fragment {
    /// None for one that is all of its packet (RFC 6946).
    fn new(id: u32, offset: usize, has_more: bool) -> Option<Self> {
        (offset > 0 || has_more).then_some(Self {
            id,
            offset,
            has_more,
        })
    }
}

pub(super) fn ipv4(span: Span<'_>) -> Option<Header<'_>> {
    let header = span.bytes.first_chunk::<20>()?;
    let header_len = usize::from(header[0] & 0x0f) * 4;
    if header[0] >> 4 != 4 || header_len < header.len() {
        return None;
    }
    let packet = match usize::from(u16_at(header, 2)) {
        // The card was to cut it into segments, and to write their lengths.
        0 => span,
        len if len < header_len => return None,
        len => span.limit(len),
    };
    let place = u16_at(header, 6);
    let (protocol, payload) = authentication(header[9], packet.behind(header_len));
    Some(Header {
        source: IpAddr::V4(Ipv4Addr::from(u32_at(header, 12))),
        destination: IpAddr::V4(Ipv4Addr::from(u32_at(header, 16))),
        protocol,
        fragment: Fragment::new(
            u32::from(u16_at(header, 4)),
            usize::from(place & 0x1fff) * 8,
            place & 0x2000 != 0,
        ),
        payload,
    })
}

/// AH (RFC 4302) hides nothing; with IPv4 it is a protocol like any other.
fn authentication(protocol: u8, payload: Span<'_>) -> (u8, Span<'_>) {
    match (protocol, payload.bytes) {
        (AUTHENTICATION, [next, len, ..]) => (*next, payload.behind((usize::from(*len) + 2) * 4)),
        _ => (protocol, payload),
    }
}

pub(super) fn ipv6(span: Span<'_>) -> Option<Header<'_>> {
    let (header, rest) = span.header::<40>()?;
    if header[0] >> 4 != 6 {
        return None;
    }
    let payload = match usize::from(u16_at(header, 4)) {
        // More than 65 535 bytes (RFC 2675, or segments that the card was to cut).
        0 => rest,
        len => rest.limit(len),
    };
    let source = header[8..].first_chunk::<16>()?;
    let destination = header[24..].first_chunk::<16>()?;
    extensions(Header {
        source: IpAddr::V6(Ipv6Addr::from(*source)),
        destination: IpAddr::V6(Ipv6Addr::from(*destination)),
        protocol: header[6],
        fragment: None,
        payload,
    })
}

/// Goes through extension headers (RFC 8200 §4), down to a fragment's or to the transport's.
pub(super) fn extensions(mut header: Header<'_>) -> Option<Header<'_>> {
    for _ in 0..EXTENSIONS_MAX {
        let (next, len) = match (header.protocol, header.payload.bytes) {
            (FRAGMENT, _) => return fragment(header),
            (AUTHENTICATION, [next, len, ..]) => (*next, (usize::from(*len) + 2) * 4),
            (
                HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HOST_IDENTITY | SHIM6,
                [next, len, ..],
            ) => (*next, (usize::from(*len) + 1) * 8),
            _ => return Some(header),
        };
        header.protocol = next;
        header.payload = header.payload.behind(len);
    }
    None
}

fn fragment(header: Header<'_>) -> Option<Header<'_>> {
    let (extension, payload) = header.payload.header::<8>()?;
    let place = u16_at(extension, 2);
    let fragment = Fragment::new(
        u32_at(extension, 4),
        usize::from(place & 0xfff8),
        place & 1 != 0,
    );
    let header = Header {
        protocol: extension[0],
        fragment,
        payload,
        ..header
    };
    match fragment {
        Some(_) => Some(header),
        None => extensions(header),
    }
}
