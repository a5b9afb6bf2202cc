//! Packets that come in pieces.

use super::super::super::frame::{Frame, LinkType, Timestamp};
use super::super::fragments::{AGE_MAX, BYTES_MAX, PACKETS_MAX};
use super::super::{Decoder, Transport};
use super::build::*;

const MORE: u16 = 0x2000;

/// A segment of 20 and 100 bytes.
fn segment() -> Vec<u8> {
    let payload: Vec<u8> = (0..100).collect();
    tcp(&payload)
}

/// What is between two places of a segment, 8 bytes each.
fn piece(segment: &[u8], from: usize, to: usize) -> Vec<u8> {
    let end = segment.len().min(to * 8);
    let more = if end < segment.len() { MORE } else { 0 };
    let place = u16::try_from(from).unwrap() | more;
    ipv4_fragment(6, place, &segment[from * 8..end])
}

fn feed(decoder: &mut Decoder, time: u64, bytes: &[u8]) -> Option<Vec<u8>> {
    let fragment = Frame {
        time: Timestamp(time),
        ..frame(LinkType::Raw, bytes)
    };
    let decoded = decoder.decode(&fragment).unwrap();
    match decoded.inner.transport {
        Transport::Tcp(segment) => Some(segment.payload.to_vec()),
        Transport::Fragment(6) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn in_any_order_and_twice() {
    let segment = segment();
    let pieces = [(0, 3), (3, 7), (7, 8), (8, 99)];
    let orders: [&[usize]; 4] = [
        &[0, 1, 2, 3],
        &[3, 2, 1, 0],
        &[1, 1, 3, 0, 2],
        &[2, 0, 3, 3, 1],
    ];
    for order in orders {
        let mut decoder = Decoder::default();
        let (last, first) = order.split_last().unwrap();
        for &at in first {
            let (from, to) = pieces[at];
            assert_eq!(feed(&mut decoder, 0, &piece(&segment, from, to)), None);
        }
        let (from, to) = pieces[*last];
        let whole = feed(&mut decoder, 0, &piece(&segment, from, to));
        assert_eq!(whole.as_deref(), Some(&segment[20..]), "{order:?}");
    }
}

#[test]
fn where_they_overlap_the_first_stays() {
    let segment = segment();
    let mut changed = segment.clone();
    changed[24..].fill(0xee);
    let mut decoder = Decoder::default();
    feed(&mut decoder, 0, &piece(&segment, 2, 6));
    feed(&mut decoder, 0, &piece(&changed, 4, 9));
    feed(&mut decoder, 0, &piece(&segment, 8, 99));
    let whole = feed(&mut decoder, 0, &piece(&changed, 0, 5)).unwrap();
    let expected = [&segment[20..48], &[0xee; 24], &segment[72..]].concat();
    assert_eq!(whole, expected);
}

#[test]
fn where_they_contradict_each_other_it_is_said() {
    let segment = segment();
    let mut changed = segment.clone();
    changed[47] ^= 1;
    // The changed byte is within the last of these, or is not sent again.
    for (again, has_overlap) in [
        (piece(&segment, 3, 6), false),
        (piece(&changed, 3, 5), false),
        (piece(&changed, 3, 6), true),
        (piece(&changed, 5, 6), true),
    ] {
        let mut decoder = Decoder::default();
        for part in [&piece(&segment, 4, 9), &again, &piece(&segment, 0, 4)] {
            feed(&mut decoder, 0, part);
        }
        let last = piece(&segment, 9, 99);
        let decoded = decoder.decode(&frame(LinkType::Raw, &last)).unwrap();
        assert_eq!(decoded.inner.has_overlap, has_overlap);
        // The next packet has nothing to do with it.
        let decoded = decoder.decode(&frame(LinkType::Raw, &last)).unwrap();
        assert!(!decoded.inner.has_overlap);
    }
}

#[test]
fn of_ipv6_behind_other_headers_and_within_a_tunnel() {
    let segment = segment();
    let fragment = |place: u16, part: &[u8]| {
        let [high, low] = place.to_be_bytes();
        let header = behind(&[6, 0, high, low, 0, 0, 0, 9], part);
        let options = behind(&[44, 0, 0, 0, 0, 0, 0, 0], &header);
        ipv4(41, &ipv6(60, &options))
    };
    let mut decoder = Decoder::default();
    assert_eq!(feed(&mut decoder, 0, &fragment(64, &segment[64..])), None);
    let whole = feed(&mut decoder, 0, &fragment(1, &segment[..64]));
    assert_eq!(whole.as_deref(), Some(&segment[20..]));
}

#[test]
fn of_a_tunnel_whose_packet_is_in_pieces_too() {
    let segment = segment();
    let inner = [piece(&segment, 0, 9), piece(&segment, 9, 99)];
    let mut decoder = Decoder::default();
    let mut whole = None;
    for (at, inner) in inner.iter().enumerate() {
        let outer = behind(&[0, 0, 8, 0], inner);
        for (place, part) in [(MORE, &outer[..40]), (5, &outer[40..])] {
            let mut bytes = ipv4_fragment(47, place, part);
            bytes[5] = u8::try_from(at).unwrap();
            let decoded = decoder.decode(&frame(LinkType::Raw, &bytes)).unwrap();
            whole = payload(&decoded).map(<[u8]>::to_vec);
        }
    }
    assert_eq!(whole.as_deref(), Some(&segment[20..]));
}

#[test]
fn what_a_snapshot_length_cut_counts_as_not_captured() {
    let segment = segment();
    let (first, second) = (piece(&segment, 0, 10), piece(&segment, 10, 99));
    let mut decoder = Decoder::default();
    let cut = Frame {
        wire_len: first.len(),
        ..frame(LinkType::Raw, &first[..first.len() - 30])
    };
    decoder.decode(&cut).unwrap();
    let decoded = decoder.decode(&frame(LinkType::Raw, &second)).unwrap();
    let Transport::Tcp(found) = decoded.outer.transport else {
        panic!("{decoded:?}");
    };
    assert_eq!((found.payload, found.cut), (&segment[20..50], 70));
}

#[test]
fn they_wait_for_so_long_only() {
    let segment = segment();
    let late = u64::try_from(AGE_MAX.as_nanos()).unwrap() + 1;
    let mut decoder = Decoder::default();
    feed(&mut decoder, 0, &piece(&segment, 0, 9));
    assert_eq!(feed(&mut decoder, late, &piece(&segment, 9, 99)), None);
    assert_eq!(decoder.packets_incomplete(), 1);
}

#[test]
fn old_ones_are_not_mixed_with_those_of_a_later_packet() {
    let (old, mut new) = (segment(), segment());
    new[20..].fill(0xee);
    let mut another = piece(&old, 0, 9);
    another[5] = 7; // Its id.
    let age = u64::try_from(AGE_MAX.as_nanos()).unwrap();
    let mut decoder = Decoder::default();
    // Of the old packet a fragment comes again, so that another one was untouched for longer.
    feed(&mut decoder, 0, &piece(&old, 0, 9));
    feed(&mut decoder, age / 3, &another);
    feed(&mut decoder, age / 2, &piece(&old, 0, 9));
    let late = age + 1;
    assert_eq!(feed(&mut decoder, late, &piece(&new, 0, 9)), None);
    assert_eq!(decoder.packets_incomplete(), 1);
    let whole = feed(&mut decoder, late, &piece(&new, 9, 99));
    assert_eq!(whole.as_deref(), Some(&new[20..]));
}

#[test]
fn what_is_held_is_bounded() {
    // Small ones by their number, large ones by their bytes.
    for len in [8, 4000] {
        let mut decoder = Decoder::default();
        let mut bytes = ipv4_fragment(6, MORE | 0x1e00, &vec![0; len]);
        for id in 0..2 * PACKETS_MAX {
            bytes[4..6].copy_from_slice(&u16::try_from(id).unwrap().to_be_bytes());
            feed(&mut decoder, 0, &bytes);
            assert!(decoder.fragments.held() <= BYTES_MAX);
        }
        let kept = 2 * PACKETS_MAX - usize::try_from(decoder.packets_incomplete()).unwrap();
        assert!(kept <= PACKETS_MAX && kept * len <= BYTES_MAX, "{kept}");
        assert!(kept > 1000, "{kept}");
    }
}

#[test]
fn a_packet_longer_than_any_is_forgotten() {
    let mut decoder = Decoder::default();
    feed(&mut decoder, 0, &ipv4_fragment(6, 0x1fff, &[0; 800]));
    assert_eq!(decoder.packets_incomplete(), 1);
    assert_eq!(decoder.fragments.held(), 0);
}
