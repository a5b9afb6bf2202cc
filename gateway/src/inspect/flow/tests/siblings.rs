//! Connections over UDP that have the same addresses and ports.

use super::super::*;
use super::carriers::datagram;
use super::wire::{From, server_hello};
use crate::inspect::quic::seal::Packet;
use crate::inspect::quic::tests::{crypto, message};

/// RFC 9000 §14.1.
const DATAGRAM_MIN: usize = 1200;

macro_rules! recorded {
    ($from:ident, $name:literal) => {
        (
            From::$from,
            include_bytes!(concat!("../../../../testdata/dtls/", $name, ".bin")),
        )
    };
}

/// A handshake of DTLS with a cookie.
const DTLS: [(From, &[u8]); 4] = [
    recorded!(Client, "whole-1-client"),
    recorded!(Server, "whole-2-server"),
    recorded!(Client, "whole-3-client"),
    recorded!(Server, "whole-4-server"),
];

/// One whose second hello comes in fragments.
const DTLS_FRAGMENTS: [(From, &[u8]); 5] = [
    recorded!(Client, "small-1-client"),
    recorded!(Server, "small-2-server"),
    recorded!(Client, "small-3-client"),
    recorded!(Client, "small-4-client"),
    recorded!(Server, "small-5-server"),
];

/// Where the random of a hello stands in a datagram of DTLS: behind the headers of the record and the
/// fragment, and the version.
const DTLS_RANDOM: std::ops::Range<usize> = 27..59;

/// Flows, and what they said.
pub(super) struct Udp {
    pub(super) flows: Flows,
    pub(super) events: Vec<FlowEvent>,
}

impl Udp {
    pub(super) fn new() -> Self {
        Self {
            flows: Flows::new(FlowBounds::default()),
            events: Vec::new(),
        }
    }

    pub(super) fn sends(&mut self, from: From, payload: &[u8]) {
        self.events
            .extend(datagram(&mut self.flows, from, payload, 0));
    }

    /// The flows and the messages of the hellos that were told.
    pub(super) fn told(&self) -> Vec<(u64, &[u8])> {
        let told = self.events.iter().filter_map(|event| match event {
            FlowEvent::Sighting(sighting) => Some((sighting.flow.0, sighting.message.bytes())),
            FlowEvent::Answer(_) | FlowEvent::Ended(_) => None,
        });
        told.collect()
    }

    /// The flows that were answered.
    pub(super) fn answered(&self) -> Vec<u64> {
        let answered = self.events.iter().filter_map(|event| match event {
            FlowEvent::Answer(answer) => Some(answer.flow.0),
            FlowEvent::Sighting(_) | FlowEvent::Ended(_) => None,
        });
        answered.collect()
    }
}

/// A body with this random.
pub(super) fn body(random: u8) -> Vec<u8> {
    [&[3, 3][..], &[random; 32], b"the rest of a hello"].concat()
}

/// A client's packet with a part of the hello with this random, long enough to be its first.
pub(super) fn part(id: &[u8], random: u8, range: std::ops::Range<usize>) -> Packet<'_> {
    let mut frames = crypto(range.start, &message(1, &body(random))[range]);
    frames.resize(DATAGRAM_MIN, 0);
    Packet {
        id,
        destination: id,
        number: 1,
        ..Packet::client(frames)
    }
}

pub(super) fn whole(id: &[u8], random: u8) -> Packet<'_> {
    part(id, random, 0..message(1, &body(random)).len())
}

/// The server's answer to the client with these keys.
pub(super) fn answer(id: &[u8]) -> Vec<u8> {
    let mut frames = crypto(0, &message(2, &server_hello([id[0]; 32])));
    frames.resize(DATAGRAM_MIN, 0);
    let packet = Packet {
        id,
        is_server: true,
        destination: b"src",
        source: b"the server's",
        ..Packet::client(frames)
    };
    packet.seal()
}

pub(super) const ONE: &[u8] = b"first id";
pub(super) const TWO: &[u8] = b"second id";

#[test]
fn of_quic_one_behind_the_other() {
    let mut udp = Udp::new();
    let (one, two) = (whole(ONE, 1).seal(), whole(TWO, 2).seal());
    // With the keys of the first, to the id that its server chose: as an ACK is.
    let acknowledges = Packet {
        destination: b"the server's",
        frames: [&b"\x02\0\0\0\0"[..], &[0; DATAGRAM_MIN]].concat(),
        ..whole(ONE, 1)
    };
    let acknowledges = acknowledges.seal();
    let flight = [
        (From::Client, &one),
        (From::Server, &answer(ONE)),
        (From::Client, &acknowledges),
        (From::Client, &one),
        (From::Client, &two),
        (From::Client, &one),
        (From::Server, &answer(TWO)),
        (From::Client, &one),
        (From::Client, &two),
        (From::Client, &acknowledges),
    ];
    for (from, payload) in flight {
        udp.sends(from, payload);
    }
    assert_eq!(udp.told(), [(0, &body(1)[..]), (1, &body(2))]);
    assert_eq!(udp.answered(), [0, 1]);
    let FlowEvent::Ended(ended) = &udp.events[2] else {
        panic!("{:?}", udp.events);
    };
    assert_eq!((ended.flow, ended.ending), (FlowId(0), Ending::Reused));
    assert_eq!(udp.flows.counts().begun, 2);
}

#[test]
fn of_quic_both_at_once() {
    for has_hello_first in [false, true] {
        let mut udp = Udp::new();
        let end = message(1, &body(1)).len();
        let parts = |id, random| [part(id, random, 0..50), part(id, random, 50..end)];
        let [[a, b], [c, d]] =
            [parts(ONE, 1), parts(TWO, 2)].map(|parts| parts.map(|it| it.seal()));
        let order = if has_hello_first {
            [a, b, c, d]
        } else {
            [a, c, b, d]
        };
        for payload in &order {
            udp.sends(From::Client, payload);
        }
        assert_eq!(udp.told(), [(0, &body(1)[..]), (1, &body(2))]);
        // The id that both clients chose is the same, so only keys tell the answers apart.
        udp.sends(From::Server, &answer(TWO));
        udp.sends(From::Server, &answer(ONE));
        for payload in &order {
            udp.sends(From::Client, payload);
        }
        assert_eq!(udp.answered(), [1, 0]);
        assert_eq!(udp.told().len(), 2);
        assert_eq!(udp.flows.held_bytes(), 0);
    }
}

#[test]
fn what_cannot_begin_a_connection_begins_none() {
    let mut udp = Udp::new();
    udp.sends(From::Client, &whole(ONE, 1).seal());
    udp.sends(From::Server, &answer(ONE));
    let short_datagram = Packet {
        frames: crypto(0, &message(1, &body(2))),
        ..whole(TWO, 2)
    };
    let other_keys = Packet {
        destination: b"some other id",
        ..whole(TWO, 2)
    };
    for packet in [short_datagram, whole(b"short", 2), other_keys] {
        udp.sends(From::Client, &packet.seal());
    }
    assert_eq!(udp.flows.counts().begun, 1);
}

#[test]
fn however_many_there_are_two_are_remembered() {
    let mut udp = Udp::new();
    for count in 0..100_u8 {
        let id = [count; 8];
        udp.sends(From::Client, &whole(&id, count).seal());
        if count % 3 == 0 {
            udp.sends(From::Server, &answer(&id));
        }
        assert!(udp.flows.open.len() <= 2);
    }
    assert_eq!(udp.told().len(), 100);
}

/// The whole handshake with another random on both sides.
fn dtls(random: u8) -> Vec<(From, Vec<u8>)> {
    with_random(&DTLS, random)
}

fn with_random(datagrams: &[(From, &[u8])], random: u8) -> Vec<(From, Vec<u8>)> {
    let changed = datagrams.iter().map(|(from, payload)| {
        let mut payload = payload.to_vec();
        // Hellos have one, where this is their beginning.
        let (kind, offset) = (payload[13], &payload[19..22]);
        if kind != 3 && offset == [0; 3] {
            payload[DTLS_RANDOM].fill(random);
        }
        (*from, payload)
    });
    changed.collect()
}

#[test]
fn of_dtls_one_behind_the_other() {
    let mut udp = Udp::new();
    for random in [1, 2] {
        for (from, payload) in dtls(random) {
            udp.sends(from, &payload);
        }
        for (from, payload) in [dtls(random), dtls(1)].concat() {
            udp.sends(from, &payload);
        }
    }
    let flows: Vec<_> = udp.told().iter().map(|(flow, _)| *flow).collect();
    assert_eq!(flows, [0, 0, 1, 1]);
    assert_eq!(udp.answered(), [0, 1]);
    // The one with a cookie says it too, where the first one was not captured.
    let (_, second) = &dtls(3)[2];
    udp.sends(From::Client, second);
    assert_eq!(udp.told().len(), 5);
}

#[test]
fn of_dtls_both_at_once() {
    for datagrams in [&DTLS[..], &DTLS_FRAGMENTS] {
        let mut udp = Udp::new();
        let [one, two] = [1, 2].map(|random| with_random(datagrams, random));
        for (one, two) in one.into_iter().zip(two) {
            for (from, payload) in [one, two] {
                udp.sends(from, &payload);
            }
        }
        let flows: Vec<_> = udp.told().iter().map(|(flow, _)| *flow).collect();
        assert_eq!(flows, [0, 1, 0, 1]);
        assert_eq!(udp.answered(), [0, 1]);
        assert!(
            udp.told()
                .iter()
                .all(|(flow, body)| body[2] == *flow as u8 + 1)
        );
    }
}

#[test]
fn of_both_protocols() {
    let mut udp = Udp::new();
    let quic = whole(ONE, 1).seal();
    for (from, payload) in dtls(1) {
        udp.sends(from, &payload);
        udp.sends(From::Client, &quic);
    }
    udp.sends(From::Server, &answer(ONE));
    let flows: Vec<_> = udp.told().iter().map(|(flow, _)| *flow).collect();
    assert_eq!(flows, [0, 1, 0]);
    assert_eq!(udp.answered(), [0, 1]);
}
