//! Connections of TCP with the addresses and ports of one that ended.

use super::super::{Ending, FlowBounds};
use super::wire::{From, SERVER_SYN, TLS13, Wire, handshake, server_hello};
use crate::inspect::server_hello::RETRY_RANDOM;

/// Another hello of the same length.
fn other() -> Vec<u8> {
    let mut other = TLS13.to_vec();
    other[11..43].fill(9);
    other
}

/// How a connection ends.
type End = fn(&mut Wire);

const ENDS: [End; 2] = [
    |wire| {
        wire.fin(From::Client);
        wire.fin(From::Server);
    },
    |wire| {
        wire.rst(From::Server);
    },
];

/// After a connection with a hello.
fn ended(end: End) -> Wire {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    end(&mut wire);
    assert_eq!(wire.ended().len(), 1);
    wire
}

fn told(wire: &Wire) -> Vec<&[u8]> {
    let told = wire.sightings();
    told.iter()
        .map(|sighting| {
            assert!(!sighting.is_second);
            sighting.message.bytes()
        })
        .collect()
}

#[test]
fn without_a_syn_at_another_place() {
    for end in ENDS {
        let mut wire = ended(end);
        // What is still under way of the old one.
        wire.sends(From::Server, 0, &handshake(2, &server_hello([7; 32])));
        wire.sends(From::Client, 0, TLS13);
        assert_eq!(told(&wire), [&TLS13[9..]]);
        // The same bytes at another place are of another one.
        for (at, flight) in [(5_000_000, other()), (u32::MAX - 5000, TLS13.to_vec())] {
            wire.sends(From::Client, at, &flight[..100]);
            wire.sends(From::Client, at.wrapping_add(100), &flight[100..]);
            assert_eq!(told(&wire).last(), Some(&&flight[9..]));
            end(&mut wire);
        }
        assert_eq!((wire.ended().len(), wire.sightings().len()), (3, 3));
    }
}

#[test]
fn behind_a_fin_of_the_client_where_the_server_s_was_not_captured() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    wire.sends(From::Server, 0, &handshake(2, &server_hello([7; 32])));
    wire.fin(From::Client);
    wire.sends(From::Client, 0, TLS13);
    assert_eq!(told(&wire).len(), 1);
    wire.sends(From::Client, 5_000_000, &other());
    assert_eq!(told(&wire), [&TLS13[9..], &other()[9..]]);
    assert_eq!(wire.ended()[0].ending, Ending::Reused);
}

/// Another hello of the same length, in segments that hold a hundred bytes.
fn sends_other(wire: &mut Wire, at: u32) {
    for (index, part) in other().chunks(100).enumerate() {
        wire.sends(From::Client, at + 100 * index as u32, part);
    }
}

#[test]
fn where_neither_syn_nor_end_was_captured() {
    let answer = handshake(2, &server_hello([7; 32]));
    for (has_syn, has_answer) in [(true, true), (true, false), (false, true), (false, false)] {
        let mut wire = Wire::new(FlowBounds::default());
        if has_syn {
            wire.connect();
        }
        wire.sends(From::Client, 0, TLS13);
        if has_answer {
            wire.sends(From::Server, 0, &answer);
        }
        wire.sends(From::Client, 0, TLS13);
        sends_other(&mut wire, 5_000_000);
        assert_eq!(wire.ended()[0].ending, Ending::Reused);
        wire.sends(From::Server, 7_000_000, &answer);
        // What comes again of both.
        for _ in 0..2 {
            wire.sends(From::Client, 0, TLS13);
            wire.sends(From::Client, 0, &TLS13[..100]);
            sends_other(&mut wire, 5_000_000);
        }
        assert_eq!(told(&wire), [&TLS13[9..], &other()[9..]]);
        assert_eq!(wire.answers().len(), 1 + usize::from(has_answer));
        assert_eq!((wire.flows.counts().begun, wire.ended().len()), (2, 1));
    }
}

#[test]
fn what_is_no_hello_or_near_one_begins_nothing() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    wire.sends(From::Server, 0, &handshake(2, &server_hello([7; 32])));
    for near in [1, TLS13.len() as u32, 128 * 1024] {
        wire.sends(From::Client, near, &other());
    }
    let changed = |at: usize, byte| {
        let mut changed = other();
        changed[at] = byte;
        changed
    };
    // The record's type and version, the lengths, the message's type and version; and its end.
    for (at, byte) in [(0, 23), (1, 7), (4, 0), (5, 2), (8, 0), (9, 4)] {
        wire.sends(From::Client, 5_000_000, &changed(at, byte));
    }
    wire.sends(From::Client, 5_000_000, &other()[..10]);
    wire.sends(From::Server, 5_000_000, &other());
    assert_eq!(wire.flows.counts().begun, 1);
}

#[test]
fn a_hello_of_the_connection_before_is_none_when_it_comes_behind_the_next_one() {
    for end in ENDS {
        let mut wire = ended(end);
        wire.sends(From::Client, 5_000_000, &other());
        end(&mut wire);
        wire.sends(From::Client, 0, TLS13);
        wire.sends(From::Client, 0, &TLS13[..100]);
        wire.sends(From::Client, 100, &TLS13[100..]);
        assert_eq!(told(&wire), [&TLS13[9..], &other()[9..]]);
    }
}

#[test]
fn without_a_syn_at_the_same_place() {
    for end in ENDS {
        let mut wire = ended(end);
        for cut in [TLS13.len(), 100] {
            wire.sends(From::Client, 0, &TLS13[..cut]);
            wire.sends(From::Client, cut as u32, &TLS13[cut..]);
        }
        assert_eq!(told(&wire).len(), 1);
        end(&mut wire);
        wire.sends(From::Client, 0, &other());
        assert_eq!(told(&wire), [&TLS13[9..], &other()[9..]]);
    }
}

#[test]
fn with_a_syn_of_the_same_number() {
    for end in ENDS {
        let mut wire = ended(end);
        wire.connect();
        wire.sends(From::Client, 0, TLS13);
        assert_eq!(told(&wire).len(), 1, "the old one again");
        end(&mut wire);
        wire.connect();
        // Its start is known, so it may come out of order.
        wire.sends(From::Client, 100, &other()[100..]);
        wire.sends(From::Client, 0, &other()[..100]);
        assert_eq!(told(&wire), [&TLS13[9..], &other()[9..]]);
    }
}

#[test]
fn with_a_syn_of_the_same_number_behind_a_hello_that_was_cut() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, &TLS13[..100]);
    wire.rst(From::Server);
    wire.connect();
    wire.sends(From::Client, 0, TLS13);
    assert_eq!(told(&wire), [&TLS13[9..100], &TLS13[9..]]);
}

#[test]
fn an_answer_of_the_same_number_is_sent_again() {
    let mut wire = Wire::connected();
    wire.rst(From::Client);
    wire.syn(From::Server, SERVER_SYN);
    assert_eq!(wire.flows.counts().begun, 1);
}

#[test]
fn a_second_hello_that_is_sent_again_is_none() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    wire.sends(From::Server, 0, &handshake(2, &server_hello(RETRY_RANDOM)));
    let at = TLS13.len() as u32;
    wire.sends(From::Client, at, TLS13);
    assert_eq!(wire.sightings().len(), 2);
    wire.fin(From::Client);
    wire.fin(From::Server);
    wire.sends(From::Client, at, TLS13);
    assert_eq!(wire.flows.counts().begun, 1);
}

#[test]
fn a_hello_that_comes_behind_its_connection_s_end_is_told() {
    let mut wire = Wire::connected();
    wire.rst(From::Server);
    wire.sends(From::Client, 0, TLS13);
    assert_eq!(told(&wire), [&TLS13[9..]]);
}
