//! Frames that filters differ about.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway::inspect::frame::{Frame, LinkType, Timestamp, VlanTag};
use proptest::prelude::*;
use proptest::sample::select;

/// A frame to be.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    /// The tag that the kernel took out.
    pub(crate) tag: Option<u16>,
    /// Those that are in the frame.
    pub(crate) tags: Vec<u16>,
    pub(crate) is_v6: bool,
    pub(crate) source: u8,
    pub(crate) destination: u8,
    /// In front of the transport, or where there are fragments.
    pub(crate) oddity: Oddity,
    pub(crate) protocol: u8,
    pub(crate) ports: (u16, u16),
    pub(crate) payload: usize,
    pub(crate) is_raw: bool,
}

/// What makes a packet hard for the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oddity {
    None,
    FirstFragment,
    LaterFragment,
    Extension,
}

/// Ports and addresses that expressions name, and some that they do not.
pub(crate) const PORTS: [u16; 5] = [80, 443, 444, 8443, 1000];

pub(crate) fn address(number: u8, is_v6: bool) -> IpAddr {
    match (number, is_v6) {
        (n, false) if n < 2 => Ipv4Addr::new(10, 0, 0, n).into(),
        (n, false) => Ipv4Addr::new(192, 168, n, 1).into(),
        (n, true) if n < 2 => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into(),
        (n, true) => Ipv6Addr::new(0xfe80, 0, 0, n.into(), 0, 0, 0, 1).into(),
    }
}

pub(crate) fn made() -> impl Strategy<Value = Made> {
    let tag = prop_oneof![3 => Just(None), 1 => (0_u16..4).prop_map(Some)];
    let tags = prop::collection::vec(0_u16..4, 0..5);
    let tags = prop_oneof![3 => Just(vec![]), 2 => tags];
    let oddity = prop_oneof![
        5 => Just(Oddity::None),
        1 => Just(Oddity::FirstFragment),
        1 => Just(Oddity::LaterFragment),
        1 => Just(Oddity::Extension),
    ];
    let protocol =
        prop_oneof![4 => Just(6), 3 => Just(17), 1 => Just(1), 1 => Just(58), 1 => Just(89)];
    let ports = (select(&PORTS[..]), select(&PORTS[..]));
    let ends = (0_u8..4, 0_u8..4);
    let rest = (protocol, ports, 0_usize..120, any::<bool>());
    (tag, tags, any::<bool>(), ends, oddity, rest).prop_map(
        |(tag, tags, is_v6, (source, destination), oddity, (protocol, ports, payload, is_raw))| {
            Made {
                tag: tag.filter(|_| !is_raw),
                tags: if is_raw { vec![] } else { tags },
                is_v6,
                source,
                destination,
                oddity,
                protocol,
                ports,
                payload,
                is_raw,
            }
        },
    )
}

impl Made {
    pub(crate) fn frame<'a>(&self, bytes: &'a [u8]) -> Frame<'a> {
        Frame {
            time: Timestamp(0),
            link: if self.is_raw {
                LinkType::Raw
            } else {
                LinkType::Ethernet
            },
            tag: self.tag.map(|id| VlanTag { id }),
            bytes,
            wire_len: bytes.len(),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = if self.is_raw { vec![] } else { self.ethernet() };
        match self.is_v6 {
            false => self.ipv4(&mut bytes),
            true => self.ipv6(&mut bytes),
        }
        bytes
    }

    fn ethernet(&self) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        for (index, tag) in self.tags.iter().enumerate() {
            let kind = [0x8100_u16, 0x88a8, 0x9100][index % 3];
            bytes.extend(kind.to_be_bytes());
            // Priority and the bit before the number do not count.
            bytes.extend((tag | 0xf000).to_be_bytes());
        }
        let kind: u16 = if self.is_v6 { 0x86dd } else { 0x0800 };
        bytes.extend(kind.to_be_bytes());
        bytes
    }

    fn ipv4(&self, bytes: &mut Vec<u8>) {
        let carried = self.transport();
        // With options, so that the ports stand elsewhere.
        let options = if self.payload.is_multiple_of(2) { 0 } else { 8 };
        let header = 20 + options;
        let place: u16 = match self.oddity {
            Oddity::FirstFragment => 0x2000,
            Oddity::LaterFragment => 3,
            Oddity::None | Oddity::Extension => 0x4000,
        };
        bytes.extend([0x40 | u8::try_from(header / 4).unwrap(), 0]);
        bytes.extend(u16::try_from(header + carried.len()).unwrap().to_be_bytes());
        bytes.extend([0, 7]);
        bytes.extend(place.to_be_bytes());
        bytes.extend([64, self.protocol, 0, 0]);
        self.addresses(bytes);
        bytes.extend(vec![1; options]);
        bytes.extend(carried);
    }

    fn ipv6(&self, bytes: &mut Vec<u8>) {
        let carried = self.transport();
        let extension: &[u8] = match self.oddity {
            Oddity::None => &[],
            Oddity::Extension => &[self.protocol, 0, 1, 4, 0, 0, 0, 0],
            Oddity::FirstFragment => &[self.protocol, 0, 0, 1, 0, 0, 0, 7],
            Oddity::LaterFragment => &[self.protocol, 0, 0, 0x18, 0, 0, 0, 7],
        };
        let next = match self.oddity {
            Oddity::None => self.protocol,
            Oddity::Extension => 60,
            Oddity::FirstFragment | Oddity::LaterFragment => 44,
        };
        bytes.extend([0x60, 0, 0, 0]);
        bytes.extend(
            u16::try_from(extension.len() + carried.len())
                .unwrap()
                .to_be_bytes(),
        );
        bytes.extend([next, 64]);
        self.addresses(bytes);
        bytes.extend(extension);
        bytes.extend(carried);
    }

    fn addresses(&self, bytes: &mut Vec<u8>) {
        for number in [self.source, self.destination] {
            match address(number, self.is_v6) {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
    }

    fn transport(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend(self.ports.0.to_be_bytes());
        bytes.extend(self.ports.1.to_be_bytes());
        match self.protocol {
            6 => bytes.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0]),
            _ => {
                bytes.extend(u16::try_from(8 + self.payload).unwrap().to_be_bytes());
                bytes.extend([0, 0]);
            }
        }
        bytes.extend(vec![0xaa; self.payload]);
        bytes
    }
}
