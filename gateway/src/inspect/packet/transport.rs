//! Headers of TCP and UDP.

use super::ip::{TCP, UDP};
use super::span::{Span, u16_at, u32_at};
use super::{Datagram, Segment, Transport};

/// What IP carries; a header that is cut short or makes no sense is only a protocol.
pub(super) fn transport(protocol: u8, payload: Span<'_>) -> Transport<'_> {
    let known = match protocol {
        TCP => tcp(payload).map(Transport::Tcp),
        UDP => udp(payload).map(Transport::Udp),
        _ => None,
    };
    known.unwrap_or(Transport::Other(protocol))
}

/// RFC 9293 §3.1. All that is wanted stands in the first 14 bytes: a short snapshot length may have
/// cut the rest.
fn tcp(span: Span<'_>) -> Option<Segment<'_>> {
    let header = span.bytes.first_chunk::<14>()?;
    let header_len = usize::from(header[12] >> 4) * 4;
    if header_len < 20 || header_len > span.wire_len() {
        return None;
    }
    let payload = span.behind(header_len);
    let has = |flag: u8| header[13] & flag != 0;
    Some(Segment {
        source_port: u16_at(header, 0),
        destination_port: u16_at(header, 2),
        sequence: u32_at(header, 4),
        is_syn: has(0x02),
        is_ack: has(0x10),
        is_fin: has(0x01),
        is_rst: has(0x04),
        payload: payload.bytes,
        cut: payload.cut,
    })
}

/// RFC 768. A length of 0 is that of more than 65 535 bytes (RFC 2675 §4), or of segments that the
/// card was to cut.
fn udp(span: Span<'_>) -> Option<Datagram<'_>> {
    let (header, rest) = span.header::<8>()?;
    let payload = match usize::from(u16_at(header, 4)) {
        0 => rest,
        len => rest.limit(len.checked_sub(header.len())?.min(rest.wire_len())),
    };
    Some(Datagram {
        source_port: u16_at(header, 0),
        destination_port: u16_at(header, 2),
        payload: payload.bytes,
        cut: payload.cut,
    })
}
