//! Captures, made byte by byte.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

pub(crate) const HELLO: &[u8] = include_bytes!("../../testdata/hello/openssl-alpn.bin");

/// A packet, and when it passed: seconds and nanoseconds.
pub(crate) type Packet = ((u32, u32), Vec<u8>);

/// The client and the server of a connection, by the client's port.
pub(crate) const CLIENT: [u8; 4] = [10, 0, 0, 1];
pub(crate) const SERVER: [u8; 4] = [10, 0, 0, 2];

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;

/// A segment in a frame of Ethernet; the sums are left out, which nobody checks.
pub(crate) fn segment(
    to_server: bool,
    port: u16,
    sequence: u32,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let ends = match to_server {
        true => (CLIENT, port, SERVER, 443_u16),
        false => (SERVER, 443, CLIENT, port),
    };
    let (source, source_port, destination, destination_port) = ends;
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let total = (40 + payload.len()) as u16;
    frame.extend([0x45, 0]);
    frame.extend(total.to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(source);
    frame.extend(destination);
    frame.extend(source_port.to_be_bytes());
    frame.extend(destination_port.to_be_bytes());
    frame.extend(sequence.to_be_bytes());
    frame.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    frame.extend(payload);
    frame
}

/// With a tag of this network.
pub(crate) fn tagged(frame: &[u8], id: u16) -> Vec<u8> {
    let mut tagged = frame[..12].to_vec();
    tagged.extend([0x81, 0]);
    tagged.extend(id.to_be_bytes());
    tagged.extend(&frame[12..]);
    tagged
}

/// The packets of a connection from `port`, one each millisecond from `second` on: its beginning, its
/// flight in segments of `size` bytes, its end.
pub(crate) fn connection(port: u16, second: u32, flight: &[u8], size: usize) -> Vec<Packet> {
    let mut frames = vec![
        segment(true, port, 100, SYN, b""),
        segment(false, port, 500, SYN | ACK, b""),
        segment(true, port, 101, ACK, b""),
    ];
    let mut sequence = 101;
    for part in flight.chunks(size) {
        frames.push(segment(true, port, sequence, ACK, part));
        sequence += part.len() as u32;
    }
    frames.push(segment(true, port, sequence, FIN | ACK, b""));
    frames.push(segment(false, port, 501, FIN | ACK, b""));
    let times = (0..).map(|count| (second, count * 1_000_000));
    times.zip(frames).collect()
}

/// The bytes of a whole hello with this name.
pub(crate) fn named(name: &[u8]) -> Vec<u8> {
    let len = name.len() as u16;
    let extension = [
        &[0, 0][..],
        &(len + 5).to_be_bytes(),
        &(len + 3).to_be_bytes(),
        &[0],
        &len.to_be_bytes(),
        name,
    ]
    .concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend((extension.len() as u16).to_be_bytes());
    body.extend(extension);
    let len = body.len() as u16;
    let mut flight = vec![22, 3, 1];
    flight.extend((len + 4).to_be_bytes());
    flight.extend([1, 0]);
    flight.extend(len.to_be_bytes());
    flight.extend(body);
    flight
}

/// How a pcap is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) is_big: bool,
    pub(crate) is_nano: bool,
}

/// As tcpdump writes it.
pub(crate) const PLAIN: Style = Style {
    is_big: false,
    is_nano: false,
};

impl Style {
    fn four(self, number: u32) -> [u8; 4] {
        match self.is_big {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        }
    }
}

/// The header of a pcap.
pub(crate) fn header(style: Style) -> Vec<u8> {
    let magic = if style.is_nano {
        0xa1b2_3c4d
    } else {
        0xa1b2_c3d4
    };
    let version: [u8; 4] = if style.is_big {
        [0, 2, 0, 4]
    } else {
        [2, 0, 4, 0]
    };
    let rest = [0, 0, 262_144, 1].map(|number| style.four(number));
    [&style.four(magic)[..], &version, rest.as_flattened()].concat()
}

/// Packets as they follow the header of a pcap.
pub(crate) fn records(style: Style, packets: &[Packet]) -> Vec<u8> {
    let mut records = Vec::new();
    for ((seconds, nanoseconds), bytes) in packets {
        let unit = if style.is_nano { 1 } else { 1000 };
        let len = bytes.len() as u32;
        for number in [*seconds, nanoseconds / unit, len, len] {
            records.extend(style.four(number));
        }
        records.extend(bytes);
    }
    records
}

pub(crate) fn pcap(packets: &[Packet]) -> Vec<u8> {
    [header(PLAIN), records(PLAIN, packets)].concat()
}

/// A pcapng with one section, and times in nanoseconds.
pub(crate) fn pcapng(packets: &[Packet]) -> Vec<u8> {
    let mut file = block(
        0x0a0d_0d0a,
        &[
            0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
    );
    file.extend(interface(1, 262_144));
    file.extend(packets_of(0, packets));
    file
}

/// What a pcapng says of an interface.
pub(crate) fn interface(link: u8, snapshot: u32) -> Vec<u8> {
    let mut content = vec![link, 0, 0, 0];
    content.extend(snapshot.to_le_bytes());
    content.extend([9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    block(1, &content)
}

/// Packets of an interface, as they follow in a pcapng.
pub(crate) fn packets_of(interface: u32, packets: &[Packet]) -> Vec<u8> {
    let mut file = Vec::new();
    for ((seconds, nanoseconds), bytes) in packets {
        let ticks = u64::from(*seconds) * 1_000_000_000 + u64::from(*nanoseconds);
        let len = bytes.len() as u32;
        let numbers = [interface, (ticks >> 32) as u32, ticks as u32, len, len];
        let mut content = numbers.map(u32::to_le_bytes).as_flattened().to_vec();
        content.extend(bytes);
        file.extend(block(6, &content));
    }
    file
}

fn block(kind: u32, content: &[u8]) -> Vec<u8> {
    let mut content = content.to_vec();
    content.resize(content.len().next_multiple_of(4), 0);
    let len = (content.len() as u32 + 12).to_le_bytes();
    [&kind.to_le_bytes()[..], &len, &content, &len].concat()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
