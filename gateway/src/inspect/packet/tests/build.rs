//! Headers around a payload: each function puts one in front.

use super::super::super::frame::{Frame, LinkType, Timestamp, VlanTag};
use super::super::{Decoded, Decoder, Transport};

pub(super) const PAYLOAD: &[u8] = b"what is carried";

/// From port 1000 to port 443, sequence number 7, ACK.
pub(super) fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0x03, 0xe8, 0x01, 0xbb, 0, 0, 0, 7, 0, 0, 0, 0, 0x50, 0x10];
    segment.extend([0, 0, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

pub(super) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x03, 0xe8];
    datagram.extend(port.to_be_bytes());
    datagram.extend(len16(payload.len() + 8));
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// From 10.0.0.1 to 10.0.0.2.
pub(super) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 0, payload)
}

/// With the flags and the offset as they stand in the header.
pub(super) fn ipv4_fragment(protocol: u8, place: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(len16(payload.len() + 20));
    packet.extend([0, 9]);
    packet.extend(place.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(payload);
    packet
}

/// From fd00::1 to fd00::2.
pub(super) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(len16(payload.len()));
    packet.extend([next, 64]);
    for last in [1, 2] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    packet.extend(payload);
    packet
}

pub(super) fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend(kind.to_be_bytes());
    frame.extend(payload);
    frame
}

/// What a tag and its EtherType put in front.
pub(super) fn tagged(id: u16, kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut tag = (0x6000 | id).to_be_bytes().to_vec();
    tag.extend(kind.to_be_bytes());
    tag.extend(payload);
    tag
}

pub(super) fn behind(header: &[u8], payload: &[u8]) -> Vec<u8> {
    [header, payload].concat()
}

pub(super) fn tcp_in_ethernet() -> Vec<u8> {
    ethernet(0x0800, &ipv4(6, &tcp(PAYLOAD)))
}

fn len16(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap().to_be_bytes()
}

pub(super) fn frame(link: LinkType, bytes: &[u8]) -> Frame<'_> {
    Frame {
        time: Timestamp(0),
        link,
        tag: None,
        bytes,
        wire_len: bytes.len(),
    }
}

/// The payload of TCP that is found in a frame.
pub(super) fn carried(link: LinkType, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Decoder::default();
    let decoded = decoder.decode(&frame(link, bytes))?;
    payload(&decoded).map(<[u8]>::to_vec)
}

pub(super) fn payload<'a>(decoded: &Decoded<'a>) -> Option<&'a [u8]> {
    match decoded.inner.transport {
        Transport::Tcp(segment) => Some(segment.payload),
        _ => None,
    }
}

pub(super) fn ids(decoded: &Decoded<'_>) -> Vec<u16> {
    let tags = decoded.tags.iter().flatten();
    tags.map(|VlanTag { id }| *id).collect()
}
