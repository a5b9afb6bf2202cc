//! Packets as Ethernet carries them.

use std::net::{IpAddr, SocketAddr};

/// The flags of a segment of TCP (RFC 9293 §3.1).
pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

const TCP: u8 = 6;
const UDP: u8 = 17;
/// With the option of time stamps, as Linux sends it.
const TCP_HEADER: usize = 32;
const UDP_HEADER: usize = 8;

/// Where a packet goes. Both addresses are of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    pub(super) vlan: Option<u16>,
    pub(super) source: SocketAddr,
    pub(super) destination: SocketAddr,
}

/// What a segment says beside its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) flags: u8,
    pub(super) sequence: u32,
    pub(super) acknowledged: u32,
}

/// Puts a frame with a segment of TCP after `frame`. Its checksum is 0: where cards compute it, a
/// capture at the sender has none either.
pub(super) fn tcp(frame: &mut Vec<u8>, way: &Way, numbers: Numbers, payload: &[u8]) {
    before(frame, way, TCP, TCP_HEADER + payload.len());
    frame.extend(way.source.port().to_be_bytes());
    frame.extend(way.destination.port().to_be_bytes());
    frame.extend(numbers.sequence.to_be_bytes());
    frame.extend(numbers.acknowledged.to_be_bytes());
    let words = (TCP_HEADER / 4) as u8;
    frame.extend([words << 4, numbers.flags, 1, 246, 0, 0, 0, 0]);
    // Two bytes of nothing, and the time stamps.
    frame.extend([1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 7]);
    frame.extend(payload);
}

/// Puts a frame with a datagram of UDP after `frame`.
pub(super) fn udp(frame: &mut Vec<u8>, way: &Way, payload: &[u8]) {
    let len = UDP_HEADER + payload.len();
    before(frame, way, UDP, len);
    frame.extend(way.source.port().to_be_bytes());
    frame.extend(way.destination.port().to_be_bytes());
    frame.extend((len as u16).to_be_bytes());
    frame.extend([0, 0]);
    frame.extend(payload);
}

/// What stands in front of `len` bytes of `protocol`.
fn before(frame: &mut Vec<u8>, way: &Way, protocol: u8, len: usize) {
    frame.extend([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1]);
    if let Some(vlan) = way.vlan {
        frame.extend([0x81, 0x00]);
        frame.extend(vlan.to_be_bytes());
    }
    match (way.source.ip(), way.destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            frame.extend([0x08, 0x00, 0x45, 0]);
            frame.extend((20 + len as u16).to_be_bytes());
            frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            frame.extend(source.octets());
            frame.extend(destination.octets());
        }
        (source, destination) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend((len as u16).to_be_bytes());
            frame.extend([protocol, 64]);
            frame.extend(v6(source));
            frame.extend(v6(destination));
        }
    }
}

fn v6(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
