//! What a server says to a hello, and a hello that it asks for once more.

use super::super::records::{is_retry, random};
use super::super::*;
use super::wire::{From, TLS13, Wire, handshake, record, server_hello};

/// The SHA-256 of `HelloRetryRequest`.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

#[test]
fn a_server_hello_is_told_and_the_flow_is_but_counts() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    let body = server_hello([7; 32]);
    let flight = handshake(2, &body);
    wire.sends(From::Server, 0, &flight[..20]);
    assert_eq!(wire.answers().len(), 0);
    wire.sends(From::Server, 20, &flight[20..]);
    assert_eq!(wire.answers()[0].said, Said::ServerHello(body));
    assert_eq!(wire.flows.held_bytes, 0);
}

#[test]
fn an_alert_is_told() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    wire.sends(From::Server, 0, &record(21, &[2, 112]));
    assert_eq!(wire.answers()[0].said, Said::Alert(2, 112));
}

#[test]
fn an_answer_that_was_captured_first_is_told_second() {
    let mut wire = Wire::connected();
    wire.sends(From::Server, 0, &handshake(2, &server_hello([7; 32])));
    assert_eq!(wire.events.len(), 0);
    assert!(wire.flows.held_bytes() > 0);
    wire.sends(From::Client, 0, TLS13);
    assert_eq!(wire.flows.held_bytes(), 0);
    assert!(matches!(wire.events[0], FlowEvent::Sighting(_)));
    assert!(matches!(wire.events[1], FlowEvent::Answer(_)));
}

#[test]
fn a_retry_brings_a_second_hello() {
    let mut wire = Wire::connected();
    let retry = server_hello(RETRY);
    assert!(is_retry(&retry));
    let mut second = record(20, &[1]);
    second.extend(TLS13);
    let mut last = record(20, &[1]);
    last.extend(handshake(2, &server_hello([7; 32])));

    wire.sends(From::Client, 0, TLS13);
    let retry = handshake(2, &retry);
    wire.sends(From::Server, 0, &retry);
    let at = u32::try_from(TLS13.len()).unwrap();
    wire.sends(From::Client, at, &second[..100]);
    wire.sends(From::Client, at + 100, &second[100..]);
    wire.sends(From::Server, u32::try_from(retry.len()).unwrap(), &last);

    let sightings = wire.sightings();
    assert_eq!(sightings.len(), 2);
    assert!(!sightings[0].is_second && sightings[1].is_second);
    assert_eq!((sightings[0].packets, sightings[1].packets), (1, 2));
    assert_eq!(wire.answers().len(), 2);
}

#[test]
fn a_second_hello_is_known_by_its_random_where_the_server_was_not_captured() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    let at = u32::try_from(TLS13.len()).unwrap();
    wire.sends(From::Client, at, TLS13);
    assert_eq!(wire.sightings().len(), 2);

    let mut other = TLS13.to_vec();
    assert_eq!(random(&TLS13[9..]).unwrap(), &TLS13[11..43]);
    other[12] ^= 1;
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    wire.sends(From::Client, at, &other);
    assert_eq!(wire.sightings().len(), 1);
}

#[test]
fn a_cut_hello_has_an_answer_too() {
    let mut wire = Wire::connected();
    wire.cut(From::Client, 0, &TLS13[..60], 100);
    wire.sends(From::Server, 0, &handshake(2, &server_hello([7; 32])));
    assert_eq!((wire.sightings().len(), wire.answers().len()), (1, 1));
}
