//! A hello is put together from whatever carries it.

use super::super::*;
use super::wire::{CLIENT_SYN, From, NAME, TLS13, Wire, handshake, record};
use crate::hello::{ClientHello, SniField};

fn name_of(sighting: &Sighting) -> Vec<u8> {
    assert!(
        matches!(sighting.message, Message::Whole(_)),
        "{sighting:?}"
    );
    let hello = ClientHello::parse(sighting.message.bytes()).unwrap();
    match hello.server_name {
        SniField::Name(name) => name.to_vec(),
        SniField::Absent => Vec::new(),
    }
}

fn sends_in(wire: &mut Wire, order: &[(usize, usize)]) {
    for &(from, to) in order {
        wire.sends(
            From::Client,
            u32::try_from(from).unwrap(),
            &TLS13[from..to.min(TLS13.len())],
        );
    }
}

#[test]
fn in_one_segment() {
    let mut wire = Wire::connected();
    let touched = wire.sends(From::Client, 0, TLS13).unwrap();
    assert_eq!(touched.stage, Stage::Seen);
    let sighting = wire.sighting();
    assert_eq!(name_of(sighting), NAME);
    assert_eq!(sighting.source.port(), 50_000);
    assert_eq!(sighting.destination.port(), 443);
    assert_eq!((sighting.packets, sighting.is_second), (1, false));
    assert_eq!(
        (sighting.time, sighting.began),
        (Timestamp(3), Timestamp(3))
    );
}

#[test]
fn byte_by_byte() {
    let mut wire = Wire::connected();
    for at in 0..TLS13.len() {
        assert_eq!(wire.sightings().len(), 0);
        sends_in(&mut wire, &[(at, at + 1)]);
    }
    let sighting = wire.sighting();
    assert_eq!(name_of(sighting), NAME);
    assert_eq!(sighting.packets as usize, TLS13.len());
    assert_eq!(wire.flows.held_bytes, 0);
}

#[test]
fn out_of_order_and_twice() {
    let mut wire = Wire::connected();
    sends_in(&mut wire, &[(200, 9999), (100, 200), (100, 200), (50, 150)]);
    assert_eq!(wire.sightings().len(), 0);
    assert!(wire.flows.held_bytes > 0);
    sends_in(&mut wire, &[(0, 60)]);
    let sighting = wire.sighting();
    assert_eq!(name_of(sighting), NAME);
    assert!(!sighting.has_overlap);
    assert_eq!(
        (sighting.time, sighting.began),
        (Timestamp(7), Timestamp(7))
    );
    assert_eq!(wire.flows.held_bytes, 0);
}

#[test]
fn the_first_of_bytes_that_conflict_wins() {
    let mut changed = TLS13.to_vec();
    let at = TLS13
        .windows(NAME.len())
        .position(|part| part == NAME)
        .unwrap();
    changed[at] ^= 1;
    // In order, then held, are changed by what comes later.
    for first in [0, 10] {
        let mut wire = Wire::connected();
        sends_in(&mut wire, &[(first, TLS13.len() - 1)]);
        wire.sends(From::Client, 0, &changed[..TLS13.len() - 1]);
        wire.sends(From::Client, 0, &changed);
        let sighting = wire.sighting();
        assert_eq!(name_of(sighting), NAME, "{first}");
        assert!(sighting.has_overlap, "{first}");
    }
}

#[test]
fn a_conflict_of_fragments_is_one_too() {
    for contradicted in [0, 1, 2] {
        let mut wire = Wire::connected();
        for (part, range) in [(0, 0..100), (1, 100..TLS13.len()), (2, 0..100)] {
            wire.has_overlap = part == contradicted;
            let at = u32::try_from(range.start).unwrap();
            wire.sends(From::Client, at, &TLS13[range]);
        }
        // What comes when the hello was told is of no account.
        assert_eq!(wire.sighting().has_overlap, contradicted < 2);
    }
}

#[test]
fn a_keepalive_is_no_conflict() {
    let mut wire = Wire::connected();
    sends_in(&mut wire, &[(0, 100)]);
    wire.sends(From::Client, 99, &[0]);
    wire.sends(From::Client, 99, &[]);
    sends_in(&mut wire, &[(100, 9999)]);
    assert_eq!(name_of(wire.sighting()), NAME);
    assert!(!wire.sighting().has_overlap);
}

#[test]
fn in_the_syn() {
    let mut wire = Wire::new(FlowBounds::default());
    wire.segment(From::Client, |segment| {
        segment.sequence = CLIENT_SYN;
        segment.is_syn = true;
        segment.payload = TLS13;
    });
    assert_eq!(name_of(wire.sighting()), NAME);
    // The server did not take it: it is sent again.
    wire.sends(From::Client, 0, TLS13);
    assert_eq!(wire.sightings().len(), 1);
}

#[test]
fn across_the_wrap_of_numbers() {
    let mut wire = Wire::new(FlowBounds::default());
    let syn = u32::MAX - 50;
    wire.syn(From::Client, syn);
    for (from, to) in [(100, TLS13.len()), (0, 40), (40, 100)] {
        wire.segment(From::Client, |segment| {
            segment.sequence = syn
                .wrapping_add(1)
                .wrapping_add(u32::try_from(from).unwrap());
            segment.payload = &TLS13[from..to];
        });
    }
    assert_eq!(name_of(wire.sighting()), NAME);
}

#[test]
fn where_the_capture_starts_in_the_middle() {
    let mut wire = Wire::new(FlowBounds::default());
    assert_eq!(wire.sends(From::Client, 700, b"\x17\x03\x03\x00\x05"), None);
    assert_eq!(wire.sends(From::Client, 700, b"GET / HTTP/1.1\r\n"), None);
    wire.sends(From::Client, 700, &TLS13[..80]).unwrap();
    wire.sends(From::Client, 780, &TLS13[80..]).unwrap();
    assert_eq!(name_of(wire.sighting()), NAME);
    assert_eq!(wire.flows.counts().begun, 1);
}

#[test]
fn where_the_syn_comes_late() {
    let mut wire = Wire::new(FlowBounds::default());
    sends_in(&mut wire, &[(0, 100)]);
    wire.syn(From::Client, CLIENT_SYN);
    sends_in(&mut wire, &[(100, 9999)]);
    assert_eq!(name_of(wire.sighting()), NAME);
    assert_eq!(wire.flows.counts().begun, 1);
}

#[test]
fn a_gap_is_told_at_the_end_and_never_shortens_a_name() {
    let at = TLS13
        .windows(NAME.len())
        .position(|part| part == NAME)
        .unwrap();
    let mut wire = Wire::connected();
    sends_in(&mut wire, &[(0, at + 4), (at + 5, 9999)]);
    assert_eq!(wire.sightings().len(), 0);
    wire.finish();
    let sighting = wire.sighting();
    let Message::Cut { part, stated } = &sighting.message else {
        panic!("{sighting:?}");
    };
    assert_eq!(part, &TLS13[9..at + 4]);
    assert_eq!(*stated, Some(TLS13.len() - 9));
    let whole = sighting.whole_part().unwrap();
    let hello = ClientHello::parse(&whole).unwrap();
    assert_eq!(hello.server_name, SniField::Absent);
    assert_eq!(sighting.time, Timestamp(3));
}

#[test]
fn a_gap_in_front_of_much_else_is_given_up() {
    let mut wire = Wire::connected();
    sends_in(&mut wire, &[(0, 100)]);
    for number in 1..200 {
        wire.sends(From::Client, number * 1400, &[7; 1400]);
    }
    assert!(matches!(wire.sighting().message, Message::Cut { .. }));
    assert_eq!(wire.flows.held_bytes, 0);
}

#[test]
fn what_a_snapshot_length_left_is_told_at_once() {
    let end = TLS13.len() - 20;
    let mut wire = Wire::connected();
    wire.cut(From::Client, 0, &TLS13[..end], 20);
    let sighting = wire.sighting();
    assert!(matches!(sighting.message, Message::Cut { .. }));
    let whole = sighting.whole_part().unwrap();
    let hello = ClientHello::parse(&whole).unwrap();
    assert_eq!(hello.server_name, SniField::Name(NAME));
}

#[test]
fn what_a_snapshot_length_cuts_behind_a_hello_is_not_missing() {
    let mut wire = Wire::connected();
    wire.cut(From::Client, 0, TLS13, 20);
    assert_eq!(name_of(wire.sighting()), NAME);
}

#[test]
fn a_hello_that_breaks_the_rules_is_told() {
    let mut wire = Wire::connected();
    wire.sends(
        From::Client,
        0,
        &[22, 3, 1, 0, 4, 1, 0, 1, 0, 22, 3, 1, 0, 0],
    );
    let Message::Broken { error, .. } = &wire.sighting().message else {
        panic!("{:?}", wire.events);
    };
    assert_eq!(error.reason(), "malformed");
}

#[test]
fn what_is_not_tls_is_over_at_once() {
    let sslv2 = [0x80, 0x2e, 1, 0, 2, 0, 0];
    for first in [&b"GET / HTTP/1.1\r\n"[..], &sslv2, &handshake(11, &[0])] {
        let mut wire = Wire::connected();
        let touched = wire.sends(From::Client, 0, first).unwrap();
        assert_eq!(touched.stage, Stage::Other, "{first:?}");
        wire.sends(From::Client, 0, TLS13);
        wire.finish();
        assert_eq!(wire.sightings().len(), 0, "{first:?}");
    }
}

#[test]
fn the_client_is_who_says_hello() {
    let mut wire = Wire::connected();
    wire.sends(From::Server, 0, TLS13);
    assert_eq!(name_of(wire.sighting()), NAME);
    assert_eq!(wire.sighting().source.port(), 443);
}

#[test]
fn early_data_behind_a_hello_is_none() {
    let mut wire = Wire::connected();
    let mut flight = TLS13.to_vec();
    flight.extend(record(20, &[1]));
    flight.extend(record(23, &[22; 300]));
    wire.sends(From::Client, 0, &flight);
    wire.finish();
    assert_eq!(name_of(wire.sighting()), NAME);
}
