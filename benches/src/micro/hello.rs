//! Reading a hello, by its size and by how it arrives.

use std::hint::black_box;

use gateway::hello::{ClientHello, HelloBounds, Progress, Reassembly, SniField};

use super::{Amount, Micro};

/// Whole recordings of clients, and one whose sender chose small records.
const RECORDINGS: [(&str, &[u8]); 3] = [
    (
        "openssl",
        include_bytes!("../../../gateway/testdata/hello/openssl-tls13.bin"),
    ),
    (
        "chromium, post-quantum",
        include_bytes!("../../../gateway/testdata/hello/chromium.bin"),
    ),
    (
        "openssl, small records",
        include_bytes!("../../../gateway/testdata/hello/openssl-small-records.bin"),
    ),
];

/// Bytes of a record's header.
const HEADER: usize = 5;

pub(super) fn all() -> Vec<Micro> {
    let each = |(name, recording): (&str, &'static [u8])| {
        let group = format!("hello/{name}");
        let amount = Amount::Bytes(recording.len() as u64);
        [
            Micro::new(&group, "whole", amount, move || {
                move || read([black_box(recording)])
            }),
            Micro::new(&group, "2 segments", amount, move || {
                move || {
                    let (first, second) = black_box(recording).split_at(recording.len() / 2);
                    read([first, second])
                }
            }),
            Micro::new(&group, "1-byte records", amount, move || {
                let shreds = shredded(recording);
                move || read([black_box(&shreds[..])])
            }),
        ]
    };
    RECORDINGS.into_iter().flat_map(each).collect()
}

/// Everything that the gateway does with a hello's bytes; the length of the name.
fn read<'a>(segments: impl IntoIterator<Item = &'a [u8]>) -> usize {
    let mut reassembly = Reassembly::default();
    for segment in segments {
        let progress = reassembly.push(segment, &HelloBounds::default());
        if progress.expect("a hello") == Progress::Complete {
            break;
        }
    }
    let hello = ClientHello::parse(reassembly.message()).expect("a hello");
    match hello.server_name {
        SniField::Name(name) => name.len() + hello.alpn().count(),
        SniField::Absent => 0,
    }
}

/// The same message, one byte to a record: the worst that a client may send.
fn shredded(recording: &[u8]) -> Vec<u8> {
    let mut shreds = Vec::new();
    let mut rest = recording;
    while rest.len() > HEADER {
        let (header, body) = rest.split_at(HEADER);
        let (body, next) = body.split_at(usize::from(u16::from_be_bytes([header[3], header[4]])));
        for byte in body {
            shreds.extend_from_slice(&[header[0], header[1], header[2], 0, 1, *byte]);
        }
        rest = next;
    }
    shreds
}
