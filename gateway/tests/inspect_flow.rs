//! Hellos that are cut up, sent twice and shuffled come out as they were; and nothing that is sent
//! makes the inspector panic, or hold more than it may.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "inspect_flow/script.rs"]
mod script;

use std::net::{IpAddr, Ipv4Addr};

use gateway::hello::HelloBounds;
use gateway::inspect::flow::{FlowBounds, FlowEvent, Flows, Message};
use gateway::inspect::frame::{Frame, LinkType, Timestamp};
use gateway::inspect::packet::{Decoder, Packet, Segment, Transport};
use proptest::collection::vec;
use proptest::prelude::*;

const FLIGHT: &[u8] = include_bytes!("../testdata/hello/openssl-small-records.bin");
const SYN: u32 = u32::MAX - 200;

fn packet(segment: Segment<'_>) -> Packet<'_> {
    Packet {
        source: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
        destination: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
        transport: Transport::Tcp(segment),
        has_overlap: false,
    }
}

fn segment(sequence: u32, payload: &[u8]) -> Segment<'_> {
    Segment {
        source_port: 50_000,
        destination_port: 443,
        sequence,
        is_syn: false,
        is_ack: true,
        is_fin: false,
        is_rst: false,
        payload,
        cut: 0,
    }
}

/// What is seen of a flight of which these parts are sent, in this order.
fn seen(parts: &[(usize, usize)]) -> Vec<FlowEvent> {
    let mut flows = Flows::new(FlowBounds::default());
    let mut events = Vec::new();
    let syn = Segment {
        is_syn: true,
        is_ack: false,
        ..segment(SYN, &[])
    };
    flows.packet(Timestamp(0), &packet(syn), &mut events);
    for &(from, to) in parts {
        let at = u32::try_from(from).unwrap();
        let sequence = SYN.wrapping_add(1).wrapping_add(at);
        let part = packet(segment(sequence, &FLIGHT[from..to]));
        flows.packet(Timestamp(1), &part, &mut events);
    }
    flows.finish(&mut events);
    events
}

fn messages(events: &[FlowEvent]) -> Vec<&Message> {
    let messages = events.iter().filter_map(|event| match event {
        FlowEvent::Sighting(sighting) => {
            assert!(!sighting.has_overlap);
            Some(&sighting.message)
        }
        FlowEvent::Answer(_) | FlowEvent::Ended(_) => None,
    });
    messages.collect()
}

/// The body of the hello that the flight holds.
fn body() -> Vec<u8> {
    let mut reassembly = gateway::hello::Reassembly::default();
    reassembly.push(FLIGHT, &HelloBounds::default()).unwrap();
    reassembly.message().to_vec()
}

/// Parts that cover the flight, some of them twice or overlapping, in any order.
fn parts() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let cuts = vec(0..=FLIGHT.len(), 0..20);
    let extra = vec((0..FLIGHT.len(), 1..200_usize), 0..5);
    (cuts, extra)
        .prop_map(|(mut cuts, extra)| {
            cuts.extend([0, FLIGHT.len()]);
            cuts.sort_unstable();
            cuts.dedup();
            let whole = cuts.windows(2).map(|pair| (pair[0], pair[1]));
            let extra = extra
                .into_iter()
                .map(|(from, len)| (from, FLIGHT.len().min(from + len)));
            whole.chain(extra).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

const DTLS: &[u8] = include_bytes!("../testdata/dtls/whole-1-client.bin");

/// A fragment of an IPv4 packet with a hello of DTLS: what is between two places of 8 bytes each.
fn fragment(datagram: &[u8], from: usize, to: usize) -> Vec<u8> {
    let part = &datagram[from * 8..datagram.len().min(to * 8)];
    let more = if to * 8 < datagram.len() { 0x2000 } else { 0 };
    let place = u16::try_from(from).unwrap() | more;
    let len = u16::try_from(20 + part.len()).unwrap();
    let [len, place] = [len, place].map(u16::to_be_bytes);
    let header = [&[0x45, 0][..], &len, &[0, 9], &place, &[64, 17, 0, 0]].concat();
    [&header[..], &[10, 0, 0, 1], &[10, 0, 0, 2], part].concat()
}

#[test]
fn a_hello_of_fragments_that_contradict_each_other_says_so() {
    let len = u16::try_from(8 + DTLS.len()).unwrap().to_be_bytes();
    let datagram = [&[0xc3, 0x50, 1, 0xbb][..], &len, &[0, 0], DTLS].concat();
    let mut other = datagram.clone();
    other[80] ^= 1;
    for (again, has_overlap) in [(&datagram, false), (&other, true)] {
        let (mut decoder, mut flows) = (Decoder::default(), Flows::new(FlowBounds::default()));
        let mut events = Vec::new();
        for bytes in [
            fragment(&datagram, 9, 99),
            fragment(again, 9, 12),
            fragment(&datagram, 0, 9),
        ] {
            let frame = Frame {
                time: Timestamp(0),
                link: LinkType::Raw,
                tag: None,
                bytes: &bytes,
                wire_len: bytes.len(),
            };
            let decoded = decoder.decode(&frame).unwrap();
            flows.packet(frame.time, &decoded.inner, &mut events);
        }
        let [FlowEvent::Sighting(sighting)] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(sighting.has_overlap, has_overlap);
        assert_eq!(sighting.message.bytes(), &DTLS[25..]);
    }
}

proptest! {
    #[test]
    fn any_order_gives_the_hello(parts in parts()) {
        let events = seen(&parts);
        let messages = messages(&events);
        prop_assert_eq!(messages.len(), 1);
        let Message::Whole(message) = messages[0] else {
            return Err(TestCaseError::fail(format!("{messages:?}")));
        };
        prop_assert_eq!(message, &body());
    }

    #[test]
    fn a_missing_byte_gives_a_beginning(parts in parts(), missing in 10..FLIGHT.len() - 1) {
        // Each part without the byte, perhaps in two.
        let parts: Vec<_> = parts
            .into_iter()
            .flat_map(|(from, to)| match missing {
                at if at < from || at >= to => vec![(from, to)],
                at => vec![(from, at), (at + 1, to)],
            })
            .filter(|(from, to)| from < to)
            .collect();
        let events = seen(&parts);
        for message in messages(&events) {
            let is_cut = matches!(message, Message::Cut { .. });
            prop_assert!(is_cut, "{:?}", message);
            prop_assert!(body().starts_with(message.bytes()));
        }
    }

    #[test]
    fn any_bytes_are_frames(script in vec(any::<u8>(), 0..600)) {
        script::frames(&script);
    }

    #[test]
    fn any_bytes_are_datagrams(script in vec(any::<u8>(), 0..300)) {
        script::datagrams(&script);
    }

    #[test]
    fn any_bytes_are_segments(script in vec(any::<u8>(), 0..600)) {
        script::segments(&script);
    }
}
