//! Hellos behind other protocols, and over UDP.

use std::net::{IpAddr, Ipv4Addr};

use super::super::*;
use super::wire::{From, TLS13, Wire, handshake, server_hello};
use crate::hello::ClientHello;
use crate::inspect::packet::Datagram;

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

#[test]
fn behind_starttls() {
    let mut wire = Wire::connected();
    let greeting = b"220 mail.dc1 ESMTP\r\n";
    let (asks, granted) = (b"EHLO a\r\nSTARTTLS\r\n", b"220 go ahead\r\n");
    wire.sends(From::Server, 0, greeting);
    assert!(wire.flows.held_bytes() > 0);
    wire.sends(From::Client, 0, asks);
    wire.sends(From::Server, len(greeting), granted);
    wire.sends(From::Client, len(asks), &TLS13[..100]);
    wire.sends(From::Client, len(asks) + 100, &TLS13[100..]);
    let answer = handshake(2, &server_hello([7; 32]));
    wire.sends(From::Server, len(greeting) + len(granted), &answer);
    assert_eq!(wire.sighting().message.bytes(), &TLS13[9..]);
    assert_eq!((wire.sighting().packets, wire.answers().len()), (2, 1));
    assert_eq!(wire.flows.held_bytes(), 0);
}

#[test]
fn behind_a_proxy_header_in_the_same_segment() {
    let mut wire = Wire::connected();
    let mut flight = b"PROXY TCP4 10.0.0.1 10.0.0.2 1000 443\r\n".to_vec();
    flight.extend(TLS13);
    wire.sends(From::Client, 0, &flight);
    assert_eq!(wire.sighting().message.bytes(), &TLS13[9..]);
    assert_eq!(wire.sighting().packets, 1);
}

#[test]
fn a_protocol_that_never_asks_for_tls_is_over() {
    let mut wire = Wire::connected();
    let touched = wire.sends(From::Server, 0, b"SSH-2.0-OpenSSH_9.2\r\n");
    wire.sends(From::Client, 0, b"SSH-2.0-OpenSSH_9.2\r\n");
    assert!(touched.is_some());
    wire.sends(From::Client, 21, TLS13);
    wire.finish();
    assert_eq!(wire.sightings().len(), 0);
}

pub(super) fn datagram(
    flows: &mut Flows,
    from: From,
    payload: &[u8],
    cut: usize,
) -> Vec<FlowEvent> {
    let (client, server) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
    let ((source, source_port), (destination, destination_port)) = match from {
        From::Client => ((client, 50_000), (server, 443)),
        From::Server => ((server, 443), (client, 50_000)),
    };
    let packet = Packet {
        source: IpAddr::V4(source),
        destination: IpAddr::V4(destination),
        transport: Transport::Udp(Datagram {
            source_port,
            destination_port,
            payload,
            cut,
        }),
        has_overlap: false,
    };
    let mut events = Vec::new();
    flows.packet(Timestamp(1), &packet, &mut events);
    events
}

#[test]
fn over_dtls_with_a_cookie() {
    let mut flows = Flows::new(FlowBounds::default());
    let flight: [(From, &[u8]); 4] = [
        (
            From::Client,
            include_bytes!("../../../../testdata/dtls/whole-1-client.bin"),
        ),
        (
            From::Server,
            include_bytes!("../../../../testdata/dtls/whole-2-server.bin"),
        ),
        (
            From::Client,
            include_bytes!("../../../../testdata/dtls/whole-3-client.bin"),
        ),
        (
            From::Server,
            include_bytes!("../../../../testdata/dtls/whole-4-server.bin"),
        ),
    ];
    let mut events = Vec::new();
    for (from, payload) in flight {
        events.extend(datagram(&mut flows, from, payload, 0));
    }
    let [
        FlowEvent::Sighting(first),
        FlowEvent::Sighting(second),
        FlowEvent::Answer(answer),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!((first.carrier, first.is_second), (Carrier::Dtls, false));
    assert_eq!((second.carrier, second.is_second), (Carrier::Dtls, true));
    assert!(matches!(answer.said, Said::ServerHello(_)));
    assert_eq!(flows.held_bytes(), 0);
}

#[test]
fn a_cut_hello_of_dtls_is_read_behind_its_cookie() {
    let whole = include_bytes!("../../../../testdata/dtls/whole-3-client.bin");
    let mut flows = Flows::new(FlowBounds::default());
    let events = datagram(&mut flows, From::Client, &whole[..whole.len() - 9], 9);
    let [FlowEvent::Sighting(sighting)] = &events[..] else {
        panic!("{events:?}");
    };
    assert!(matches!(sighting.message, Message::Cut { .. }));
    let part = sighting.whole_part().unwrap();
    ClientHello::parse_dtls(&part).unwrap();
}

#[test]
fn a_datagram_of_quic_that_was_cut_is_a_hello_of_which_nothing_is_there() {
    let initial = b"\xc3\0\0\0\x01\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5\0\0\x44\xd0";
    let mut flows = Flows::new(FlowBounds::default());
    let events = datagram(&mut flows, From::Client, initial, 1182);
    let [FlowEvent::Sighting(sighting)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(sighting.carrier, Carrier::QuicV1);
    assert!(matches!(&sighting.message, Message::Cut { part, .. } if part.is_empty()));
    // The same that was not cut is only not QUIC.
    let events = datagram(
        &mut Flows::new(FlowBounds::default()),
        From::Client,
        initial,
        0,
    );
    assert_eq!(events.len(), 0);
}

#[test]
fn other_datagrams_take_no_place() {
    let mut flows = Flows::new(FlowBounds::default());
    let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03dc1\0\0\x01\0\x01";
    datagram(&mut flows, From::Client, query, 0);
    assert_eq!(flows.counts().begun, 0);
}
