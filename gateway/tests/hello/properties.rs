//! However a hello is cut into segments and records, it gives the same name; whatever arrives,
//! nothing panics.

use gateway::hello::{ClientHello, HelloBounds, Progress, Reassembly};
use gateway::name::ServerName;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::mutate::in_records;
use crate::recorded::{Recorded, read_name};

/// Cuts `bytes` into pieces of these sizes, which are used again and again.
fn cut<'a>(bytes: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut rest = bytes;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*size).min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[test]
fn every_proper_prefix_is_incomplete() {
    for recorded in Recorded::all() {
        for len in 0..recorded.flight.len() {
            let prefix = &recorded.flight[..len];
            let progress = Reassembly::default().push(prefix, &HelloBounds::default());
            assert_eq!(progress.expect("a sound beginning"), Progress::Incomplete);
        }
    }
}

#[test]
fn every_split_into_two_segments_gives_the_name() {
    for recorded in Recorded::all() {
        let name = recorded.sni.as_ref().map(|name| name.as_bytes().to_vec());
        for at in 0..recorded.flight.len() {
            let (first, second) = recorded.flight.split_at(at);
            assert_eq!(read_name([first, second]).expect("a hello"), name, "{at}");
        }
    }
}

#[test]
fn every_size_of_records_and_segments_gives_the_name() {
    let recorded = Recorded::named("rustls-ring.bin");
    let message = recorded.message();
    for record_size in 1..=message.len() {
        let flight = in_records(&message, &[record_size]);
        for segment_size in (1..=16).chain([100, 1460, flight.len()]) {
            let name = read_name(flight.chunks(segment_size)).expect("a hello");
            assert_eq!(name.as_deref(), Some(&b"currency.dc1"[..]));
        }
    }
}

proptest! {
    #[test]
    fn any_mix_of_records_and_segments_gives_the_name(
        recorded in select(Recorded::all()),
        record_sizes in vec(1..600_usize, 1..8),
        segment_sizes in vec(1..600_usize, 1..8),
        after in vec(any::<u8>(), 0..40),
    ) {
        let mut flight = in_records(&recorded.message(), &record_sizes);
        flight.extend(after);
        let name = read_name(cut(&flight, &segment_sizes)).expect("a hello");
        prop_assert_eq!(name, recorded.sni.map(String::into_bytes));
    }

    #[test]
    fn the_verdict_does_not_depend_on_the_segments(
        recorded in select(Recorded::all()),
        (at, byte) in (0..60_usize, any::<u8>()),
        record_sizes in vec(1..100_usize, 1..4),
        segment_sizes in vec(1..100_usize, 1..8),
    ) {
        let mut flight = in_records(&recorded.message(), &record_sizes);
        flight[at] = byte;
        let bounds = HelloBounds { handshake_bytes: 2048, raw_bytes: 4096 };
        let mut pieces = Reassembly::default();
        let in_pieces = cut(&flight, &segment_sizes)
            .into_iter()
            .try_fold(Progress::Incomplete, |_, piece| pieces.push(piece, &bounds));
        let mut whole = Reassembly::default();
        let at_once = whole.push(&flight, &bounds);
        prop_assert_eq!(format!("{in_pieces:?}"), format!("{at_once:?}"));
        prop_assert_eq!(pieces.message(), whole.message());
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in prop_oneof![vec(any::<u8>(), 0..400), vec(select(&[0_u8, 1, 2, 3, 22, 128][..]), 0..400)],
    ) {
        let mut reassembly = Reassembly::default();
        for segment in bytes.chunks(3) {
            // On and on, even past an error.
            let _ = reassembly.push(segment, &HelloBounds::default());
        }
        let _ = ClientHello::parse(&bytes);
        let _ = ServerName::parse(&bytes);
    }

    #[test]
    fn arbitrary_extensions_never_panic(block in vec(0..20_u8, 0..300)) {
        let start = [&[3, 3][..], &[0; 32], &[0], &[0, 2, 0, 1], &[1, 0]].concat();
        let len = u16::try_from(block.len()).expect("short").to_be_bytes();
        if let Ok(hello) = ClientHello::parse(&[&start[..], &len, &block].concat()) {
            // The walk covers the block to its last byte.
            let walked: usize = hello.extensions().map(|(_, content)| 4 + content.len()).sum();
            prop_assert_eq!(walked, block.len());
            hello.alpn().for_each(drop);
            hello.versions().for_each(drop);
        }
    }
}
