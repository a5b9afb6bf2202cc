//! How flows begin and end, and what is forgotten.

use super::super::*;
use super::wire::{CLIENT_SYN, From, TLS13, Wire};

#[test]
fn a_connection_ends_once_and_tells_its_traffic() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, TLS13);
    wire.cut(From::Server, 0, &[0x17; 1000], 400);
    wire.fin(From::Server);
    assert_eq!(wire.ended().len(), 0);
    wire.fin(From::Client);
    wire.rst(From::Client);
    wire.finish();
    let ended = wire.ended();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].ending, Ending::Fin);
    assert_eq!(ended[0].stage, Stage::Seen);
    assert_eq!(
        (ended[0].began, ended[0].time),
        (Timestamp(1), Timestamp(6))
    );
    let client = Traffic {
        packets: 3,
        bytes: TLS13.len() as u64,
    };
    let server = Traffic {
        packets: 3,
        bytes: 1400,
    };
    assert_eq!(
        (ended[0].from_client, ended[0].from_server),
        (client, server)
    );
}

#[test]
fn a_reset_tells_what_there_was_of_a_hello() {
    let mut wire = Wire::connected();
    wire.sends(From::Client, 0, &TLS13[..100]);
    wire.rst(From::Server);
    assert!(matches!(wire.sighting().message, Message::Cut { .. }));
    assert_eq!(wire.ended()[0].ending, Ending::ServerReset);
    // What was still on its way is of the same connection.
    wire.sends(From::Client, 0, TLS13);
    wire.finish();
    assert_eq!((wire.sightings().len(), wire.ended().len()), (1, 1));
}

#[test]
fn a_reset_that_no_receiver_would_take_hides_nothing() {
    let mut wire = Wire::connected();
    let foreign = |wire: &mut Wire, from| {
        wire.segment(from, |segment| {
            segment.is_rst = true;
            segment.sequence = 2_000_000;
        })
    };
    foreign(&mut wire, From::Client);
    foreign(&mut wire, From::Server);
    wire.sends(From::Client, 0, &TLS13[..100]);
    foreign(&mut wire, From::Client);
    wire.sends(From::Client, 100, &TLS13[100..]);
    assert!(matches!(wire.sighting().message, Message::Whole(_)));
    assert_eq!(wire.ended().len(), 0);
}

#[test]
fn a_probe_has_no_hello() {
    let mut wire = Wire::connected();
    wire.fin(From::Client);
    wire.fin(From::Server);
    assert_eq!(wire.events.len(), 1);
    assert_eq!(wire.ended()[0].stage, Stage::Before);
}

#[test]
fn ports_are_used_again() {
    let mut wire = Wire::connected();
    let first = wire.sends(From::Client, 0, TLS13).unwrap().flow;
    // Sent again: the same connection.
    wire.syn(From::Client, CLIENT_SYN);
    assert_eq!(wire.flows.counts().begun, 1);
    let second = wire.syn(From::Client, CLIENT_SYN + 77).unwrap().flow;
    assert_ne!(first, second);
    assert_eq!(wire.ended()[0].ending, Ending::Reused);
    wire.segment(From::Client, |segment| {
        segment.sequence = CLIENT_SYN + 78;
        segment.payload = TLS13;
    });
    assert_eq!(wire.sightings().len(), 2);
}

#[test]
fn a_syn_with_another_number_before_anything_else_begins_anew() {
    let mut wire = Wire::connected();
    wire.syn(From::Client, CLIENT_SYN - 9);
    wire.connect();
    wire.sends(From::Client, 0, TLS13);
    assert_eq!(wire.sightings().len(), 1);
}

#[test]
fn a_full_table_forgets_the_one_that_was_silent_for_the_longest() {
    let mut wire = Wire::new(FlowBounds {
        flows: 2,
        ..FlowBounds::default()
    });
    for port in [1, 2, 1, 3] {
        wire.client_port = port;
        wire.connect();
    }
    assert_eq!(wire.ended().len(), 1);
    assert_eq!(wire.ended()[0].flow, FlowId(1));
    assert_eq!(wire.ended()[0].ending, Ending::Evicted);
    assert_eq!(wire.flows.counts().evicted, 1);
    // One that has ended goes first, and is not evicted.
    wire.rst(From::Client);
    wire.client_port = 4;
    wire.connect();
    assert_eq!(wire.flows.counts().evicted, 1);
    assert_eq!(wire.flows.open.len() + wire.flows.ended.len(), 2);
}

#[test]
fn of_those_that_ended_the_first_is_forgotten_first_though_more_comes_of_it() {
    let mut wire = Wire::new(FlowBounds {
        flows: 2,
        ..FlowBounds::default()
    });
    for port in [1, 2] {
        wire.client_port = port;
        wire.connect();
        wire.sends(From::Client, 0, TLS13);
        wire.rst(From::Client);
    }
    wire.client_port = 1;
    wire.sends(From::Client, 0, TLS13);
    wire.client_port = 3;
    wire.connect();
    // What comes again of the second is still known.
    wire.client_port = 2;
    wire.sends(From::Client, 0, TLS13);
    assert_eq!(wire.sightings().len(), 2);
    assert_eq!(wire.flows.counts().begun, 3);
}

#[test]
fn what_is_evicted_tells_what_there_was_of_its_hello() {
    let mut wire = Wire::new(FlowBounds {
        flows: 1,
        ..FlowBounds::default()
    });
    wire.connect();
    wire.sends(From::Client, 0, &TLS13[..100]);
    wire.client_port += 1;
    wire.connect();
    assert!(matches!(wire.sighting().message, Message::Cut { .. }));
    assert_eq!(wire.flows.held_bytes, 0);
}

#[test]
fn what_all_hold_together_is_bounded() {
    let held_bytes = 10_000;
    let mut wire = Wire::new(FlowBounds {
        held_bytes,
        ..FlowBounds::default()
    });
    for port in 0..100 {
        wire.client_port = port;
        wire.connect();
        wire.sends(From::Client, 0, &TLS13[..100]);
        wire.sends(From::Client, 150, &TLS13[150..]);
        assert!(wire.flows.held_bytes <= held_bytes);
    }
    assert_eq!(
        wire.flows.counts().given_up as usize,
        wire.sightings().len()
    );
    assert!(wire.flows.counts().given_up > 50);
    let held: usize = wire.flows.open.iter().map(|(_, track)| track.cost()).sum();
    assert_eq!(held, wire.flows.held_bytes);
}

#[test]
fn a_flow_whose_hello_is_over_takes_little() {
    assert!(size_of::<Track>() <= 96, "{}", size_of::<Track>());
    assert!(size_of::<Key>() <= 40);
}
