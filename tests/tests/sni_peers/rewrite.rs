//! Captures made into worse ones: packets in pieces, in disorder, and twice.
//!
//! Written without the code under test.

use std::fs;
use std::path::Path;

const FILE_HEADER: usize = 24;
const PACKET_HEADER: usize = 16;
/// Between two packets of a file that is written.
const INTERVAL_MICROS: u32 = 100;

const ADDRESSES: usize = 12;
const ETHERNET: usize = 14;
const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const IPV6_FRAGMENT: u8 = 44;

/// The packets of a file that dumpcap has written as pcap over Ethernet.
#[derive(Clone, Debug)]
pub(crate) struct Packets {
    header: Vec<u8>,
    /// When the first one passed, in seconds.
    began: u32,
    packets: Vec<Vec<u8>>,
}

impl Packets {
    pub(crate) fn read(file: &Path) -> Self {
        let bytes = fs::read(file).unwrap();
        let (header, mut rest) = bytes.split_at(FILE_HEADER);
        let (began, mut packets) = (number(rest, 0), Vec::new());
        while !rest.is_empty() {
            let len = number(rest, 8) as usize;
            assert_eq!(len, number(rest, 12) as usize, "a packet was cut");
            let (packet, more) = rest[PACKET_HEADER..].split_at(len);
            packets.push(packet.to_vec());
            rest = more;
        }
        Self {
            header: header.to_vec(),
            began,
            packets,
        }
    }

    /// Writes them, one after another at the same pace.
    pub(crate) fn write(&self, file: &Path) {
        let mut bytes = self.header.clone();
        for (packet, micros) in self
            .packets
            .iter()
            .zip((0..).step_by(INTERVAL_MICROS as usize))
        {
            let time = [self.began + micros / 1_000_000, micros % 1_000_000];
            let len = u32::try_from(packet.len()).unwrap();
            for number in time.into_iter().chain([len, len]) {
                bytes.extend(number.to_le_bytes());
            }
            bytes.extend(packet);
        }
        fs::write(file, bytes).unwrap();
    }

    /// Each twice at once, and a third time `later` packets after.
    pub(crate) fn thrice(&self, later: usize) -> Self {
        let mut packets = Vec::new();
        for (at, packet) in self.packets.iter().enumerate() {
            packets.extend([packet.clone(), packet.clone()]);
            packets.extend(
                at.checked_sub(later)
                    .map(|before| self.packets[before].clone()),
            );
        }
        self.of(packets)
    }

    /// All with these tags.
    pub(crate) fn tagged(&self, tags: &[[u8; 4]]) -> Self {
        let tags = tags.concat();
        let packets = self.packets.iter().map(|packet| {
            let (addresses, rest) = packet.split_at(ADDRESSES);
            [addresses, &tags, rest].concat()
        });
        self.of(packets.collect())
    }

    /// In another order within each `window` packets: which one, `seed` says. No packet overtakes a
    /// SYN: where what comes first is from the middle of a stream, nobody can know that it is.
    pub(crate) fn shuffled(&self, window: usize, seed: u64) -> Self {
        let (mut packets, mut state) = (self.packets.clone(), seed);
        for part in packets.chunks_mut(window) {
            for last in (1..part.len()).rev() {
                // The generator of Knuth's MMIX.
                state = state.wrapping_mul(6_364_136_223_846_793_005);
                state = state.wrapping_add(1_442_695_040_888_963_407);
                part.swap(last, (state >> 33) as usize % (last + 1));
            }
            part.sort_by_key(|packet| !is_syn(packet));
        }
        self.of(packets)
    }

    /// Those of IP in fragments with at most so many bytes of what IP carries, a multiple of eight;
    /// `is_backward` begins with the last one.
    pub(crate) fn fragmented(&self, size: usize, is_backward: bool) -> Self {
        let mut packets = Vec::new();
        for packet in &self.packets {
            let mut fragments = fragments(packet, size);
            if is_backward {
                fragments.reverse();
            }
            packets.extend(fragments);
        }
        self.of(packets)
    }

    fn of(&self, packets: Vec<Vec<u8>>) -> Self {
        Self {
            packets,
            ..self.clone()
        }
    }
}

fn number(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn is_syn(packet: &[u8]) -> bool {
    const TCP: u8 = 6;
    const FLAGS: usize = 13;
    const SYN: u8 = 2;
    let (protocol, header) = match packet[ADDRESSES..ETHERNET] {
        [0x08, 0x00] => (9, IPV4_HEADER),
        [0x86, 0xdd] => (6, IPV6_HEADER),
        _ => return false,
    };
    let flags = packet.get(ETHERNET + header + FLAGS);
    packet[ETHERNET + protocol] == TCP && flags.is_some_and(|flags| flags & SYN != 0)
}

fn fragments(packet: &[u8], size: usize) -> Vec<Vec<u8>> {
    let payload_len = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
    match packet[ADDRESSES..ETHERNET] {
        // Without options, and behind the IP packet there may be padding.
        [0x08, 0x00] if packet[ETHERNET] == 0x45 => {
            let end = ETHERNET + payload_len(ETHERNET + 2);
            let (head, payload) = packet[..end].split_at(ETHERNET + IPV4_HEADER);
            if payload.len() <= size {
                return vec![packet.to_vec()];
            }
            pieces(payload, size, |piece, place| ipv4(head, piece, place))
        }
        [0x86, 0xdd] => {
            let end = ETHERNET + IPV6_HEADER + payload_len(ETHERNET + 4);
            let (head, payload) = packet[..end].split_at(ETHERNET + IPV6_HEADER);
            if payload.len() <= size {
                return vec![packet.to_vec()];
            }
            // The same for those of one packet, and for no others.
            let id = payload.iter().fold(0, |id: u32, byte| {
                id.wrapping_mul(16_777_619) ^ u32::from(*byte)
            });
            pieces(payload, size, |piece, place| ipv6(head, piece, place, id))
        }
        _ => vec![packet.to_vec()],
    }
}

/// The fragments of `payload`. One knows its place by its offset in units of eight bytes, and whether
/// there are more.
fn pieces(
    payload: &[u8],
    size: usize,
    fragment: impl Fn(&[u8], (u16, bool)) -> Vec<u8>,
) -> Vec<Vec<u8>> {
    let pieces = payload.chunks(size).enumerate();
    let fragments = pieces.map(|(nth, piece)| {
        let offset = nth * size;
        let is_more = offset + piece.len() < payload.len();
        fragment(piece, (u16::try_from(offset / 8).unwrap(), is_more))
    });
    fragments.collect()
}

fn ipv4(head: &[u8], piece: &[u8], (offset, is_more): (u16, bool)) -> Vec<u8> {
    let mut packet = [head, piece].concat();
    let header = &mut packet[ETHERNET..ETHERNET + IPV4_HEADER];
    let len = u16::try_from(IPV4_HEADER + piece.len()).unwrap();
    header[2..4].copy_from_slice(&len.to_be_bytes());
    // Which may have been told not to be fragmented.
    let place = u16::from(is_more) << 13 | offset;
    header[6..8].copy_from_slice(&place.to_be_bytes());
    header[10..12].fill(0);
    let words = header.as_chunks().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

fn ipv6(head: &[u8], piece: &[u8], (offset, is_more): (u16, bool), id: u32) -> Vec<u8> {
    let mut head = head.to_vec();
    let next = std::mem::replace(&mut head[ETHERNET + 6], IPV6_FRAGMENT);
    let len = u16::try_from(8 + piece.len()).unwrap();
    head[ETHERNET + 4..ETHERNET + 6].copy_from_slice(&len.to_be_bytes());
    let place = (offset << 3) | u16::from(is_more);
    let extension = [&[next, 0], &place.to_be_bytes()[..], &id.to_be_bytes()].concat();
    [&head, &extension, piece].concat()
}
