//! The packets of the standards, and those that rustls makes.

use proptest::prelude::*;

pub(crate) use super::retry::tests::retry;
use super::seal::{ID, Packet};
use super::*;
use crate::hello::{ClientHello, SniField};

const BOUNDS: HelloBounds = HelloBounds {
    handshake_bytes: 16 * 1024,
    raw_bytes: 64 * 1024,
};

impl Packet<'_> {
    /// One of a server that chose no id yet.
    fn server(frames: Vec<u8>) -> Self {
        Self {
            is_server: true,
            destination: b"the client",
            ..Self::client(frames)
        }
    }
}

/// A frame with bytes of the stream of handshake messages.
pub(crate) fn crypto(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let offset = (0x8000_0000 | offset as u32).to_be_bytes();
    let len = (0x4000 | bytes.len() as u16).to_be_bytes();
    [&[6], &offset[..], &len, bytes].concat()
}

/// A handshake message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, len @ ..] = (body.len() as u32).to_be_bytes();
    [&[kind], &len[..], body].concat()
}

fn push(initials: &mut Initials, datagram: &[u8]) -> Option<Heard> {
    initials.push(datagram, &BOUNDS).unwrap()
}

fn hello(body: &[u8]) -> Option<Heard> {
    Some(Heard::ClientHello(body.to_vec()))
}

/// A body with this random.
fn body(random: u8) -> Vec<u8> {
    [&[3, 3][..], &[random; 32], b"the rest of a hello"].concat()
}

fn check_standard(client: &[u8], server: &[u8], version: Version) {
    assert!(begins(client) && begins(server));
    let mut initials = Initials::default();
    let Some(Heard::ClientHello(body)) = push(&mut initials, client) else {
        panic!("no hello");
    };
    let hello = ClientHello::parse(&body).unwrap();
    assert_eq!(hello.server_name, SniField::Name(b"example.com"));
    assert_eq!(initials.version(), Some(version));
    let Some(Heard::ServerHello(body)) = push(&mut initials, server) else {
        panic!("no answer");
    };
    assert_eq!(body[..6], [3, 3, 0xee, 0xfc, 0xe7, 0xf7]);
}

#[test]
fn the_packets_of_version_1_are_read() {
    check_standard(
        include_bytes!("../../../testdata/quic/v1-client.bin"),
        include_bytes!("../../../testdata/quic/v1-server.bin"),
        Version::V1,
    );
}

#[test]
fn the_packets_of_version_2_are_read() {
    check_standard(
        include_bytes!("../../../testdata/quic/v2-client.bin"),
        include_bytes!("../../../testdata/quic/v2-server.bin"),
        Version::V2,
    );
}

#[test]
fn drafts_have_another_salt() {
    let mut initials = Initials::default();
    let packet = Packet {
        version: 0xff00_001d,
        ..Packet::client(crypto(0, &message(1, &body(1))))
    };
    assert_eq!(push(&mut initials, &packet.seal()), hello(&body(1)));
    assert_eq!(initials.version(), Some(Version::Draft29));
}

#[test]
fn a_damaged_packet_is_no_packet() {
    let whole = include_bytes!("../../../testdata/quic/v1-client.bin");
    for at in [0, 9, 17, 18, 40, 1199] {
        let mut packet = *whole;
        packet[at] ^= 1;
        let heard = Initials::default().push(&packet, &BOUNDS);
        assert!(!matches!(heard, Ok(Some(_))), "byte {at}: {heard:?}");
    }
    let heard = Initials::default().push(&whole[..1199], &BOUNDS);
    assert_eq!(heard, Err(QuicError::Cut));
}

#[test]
fn packets_of_one_datagram_are_all_read() {
    let message = message(1, &body(1));
    let ack = b"\x03\x05\x00\x01\x02\x00\x01\x01\x02\x03";
    let first = [&b"\0\0\x01"[..], ack, &crypto(9, &message[9..])].concat();
    let second = Packet {
        number: 1,
        ..Packet::client(crypto(0, &message[..9]))
    };
    let handshake = b"\xe0\0\0\0\x01\0\0\x02..";
    let datagram = [
        &Packet::client(first).seal(),
        &handshake[..],
        &second.seal(),
        &[0; 9],
    ];
    let mut initials = Initials::default();
    assert_eq!(push(&mut initials, &datagram.concat()), hello(&body(1)));
}

#[test]
fn a_server_changes_ids_and_keys_stay() {
    let mut initials = Initials::default();
    let message_1 = message(1, &body(1));
    let first = Packet::client(crypto(0, &message_1[..20]));
    assert_eq!(push(&mut initials, &first.seal()), None);
    let ack = Packet::server(b"\x02\0\0\0\0".to_vec());
    assert_eq!(push(&mut initials, &ack.seal()), None);
    assert_eq!(initials.part(), (&message_1[4..20], Some(body(1).len())));
    let second = Packet {
        destination: b"the server",
        number: 1,
        ..Packet::client(crypto(20, &message_1[20..]))
    };
    assert_eq!(push(&mut initials, &second.seal()), hello(&body(1)));
    assert_eq!(initials.part(), (&[][..], None));
    let answer = Packet::server(crypto(0, &message(2, &body(2))));
    let heard = push(&mut initials, &answer.seal());
    assert_eq!(heard, Some(Heard::ServerHello(body(2))));
}

#[test]
fn after_a_retry_the_keys_are_new_and_the_hello_is_not() {
    let mut initials = Initials::default();
    let flight = crypto(0, &message(1, &body(1)));
    let first = Packet::client(flight.clone());
    assert_eq!(push(&mut initials, &first.seal()), hello(&body(1)));
    assert_eq!(push(&mut initials, &retry(ID, b"src", b"the retry")), None);
    let second = Packet {
        id: b"the retry",
        destination: b"the retry",
        token: b"token",
        number: 1,
        ..Packet::client(flight)
    };
    assert_eq!(push(&mut initials, &second.seal()), None);
    let answer = Packet {
        id: b"the retry",
        ..Packet::server(crypto(0, &message(2, &body(2))))
    };
    let heard = push(&mut initials, &answer.seal());
    assert_eq!(heard, Some(Heard::ServerHello(body(2))));
}

#[test]
fn a_retry_before_the_hello_was_whole_begins_it_anew() {
    let mut initials = Initials::default();
    let message = message(1, &body(1));
    let first = Packet::client(crypto(0, &message[..20]));
    assert_eq!(push(&mut initials, &first.seal()), None);
    let again = Packet {
        id: b"the retry",
        destination: b"the retry",
        ..Packet::client(crypto(0, &message))
    };
    assert_eq!(push(&mut initials, &again.seal()), hello(&body(1)));
}

#[test]
fn another_connection_from_the_same_port_is_heard() {
    let mut initials = Initials::default();
    let first = Packet::client(crypto(0, &message(1, &body(1))));
    assert_eq!(push(&mut initials, &first.seal()), hello(&body(1)));
    let other = Packet {
        id: b"other id",
        destination: b"other id",
        ..Packet::client(crypto(0, &message(1, &body(2))))
    };
    assert_eq!(push(&mut initials, &other.seal()), hello(&body(2)));
}

#[test]
fn a_second_hello_follows_a_retry_request() {
    let mut initials = Initials::default();
    let first = message(1, &body(1));
    let packet = Packet::client(crypto(0, &first));
    assert_eq!(push(&mut initials, &packet.seal()), hello(&body(1)));
    assert_eq!(push(&mut initials, &packet.seal()), None, "sent again");
    let second = Packet {
        number: 1,
        ..Packet::client(crypto(first.len(), &message(1, &body(1))))
    };
    assert_eq!(push(&mut initials, &second.seal()), hello(&body(1)));
}

#[test]
fn a_connection_may_go_over_to_version_2() {
    let mut initials = Initials::default();
    let message_1 = message(1, &body(1));
    let first = Packet::client(crypto(0, &message_1[..20]));
    assert_eq!(push(&mut initials, &first.seal()), None);
    let rest = Packet {
        version: 0x6b33_43cf,
        destination: b"the server",
        number: 1,
        ..Packet::client(crypto(20, &message_1[20..]))
    };
    assert_eq!(push(&mut initials, &rest.seal()), hello(&body(1)));
}

#[test]
fn an_alert_of_the_server_is_told() {
    let mut initials = Initials::default();
    let first = Packet::client(crypto(0, &message(1, &body(1))));
    push(&mut initials, &first.seal());
    let close = Packet::server(b"\x1c\x41\x70\x06\x02no".to_vec());
    let heard = push(&mut initials, &close.seal());
    assert_eq!(heard, Some(Heard::Alert(112)));
}

#[test]
fn packets_that_no_key_opens_are_tried_so_often_and_no_more() {
    let other = Packet {
        destination: b"not the first",
        ..Packet::client(crypto(0, b"x"))
    };
    let (mut initials, datagram) = (Initials::default(), other.seal());
    for _ in 0..TRIES_MAX {
        assert_eq!(push(&mut initials, &datagram), None);
    }
    let error = initials.push(&datagram, &BOUNDS);
    assert_eq!(error, Err(QuicError::Undecipherable));
}

#[test]
fn what_is_no_hello_is_told() {
    let fails = |frames: Vec<u8>| {
        let heard = Initials::default().push(&Packet::client(frames).seal(), &BOUNDS);
        heard.unwrap_err()
    };
    assert_eq!(
        fails(crypto(0, &message(11, b"..."))),
        QuicError::NotHello(11)
    );
    assert_eq!(fails(vec![0x08, 0, 0, 0]), QuicError::Frame(0x08));
    assert_eq!(
        fails(crypto(0, b"long")[..9].to_vec()),
        QuicError::Frame(0x06)
    );
    let (bytes, limit) = (0x0102_0304 & 0xff_ffff, BOUNDS.handshake_bytes);
    let error = QuicError::TooLong { bytes, limit };
    assert_eq!(fails(crypto(0, b"\x01\x02\x03\x04")), error);
    let error = fails(crypto(0x3fff_ffff, b"x"));
    assert!(matches!(error, QuicError::TooLong { .. }));
}

proptest! {
    /// However a hello is cut over frames, packets and datagrams, in whatever order they come and
    /// come again, it is the same, and it is heard once.
    #[test]
    fn any_cut_and_any_order_give_one_hello(
        content in prop::collection::vec(any::<u8>(), 40..6000),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..24),
        per_packet in 1_usize..5,
        per_datagram in 1_usize..3,
    ) {
        let message = message(1, &content);
        let mut places: Vec<_> = cuts.iter().map(|(at, turn)| (at.index(message.len()), *turn)).collect();
        places.extend([(0, 0), (message.len(), 0)]);
        places.sort_unstable();
        let mut frames: Vec<_> = places
            .windows(2)
            .flat_map(|pair| {
                let frame = crypto(pair[0].0, &message[pair[0].0..pair[1].0]);
                std::iter::repeat_n((pair[0].1 >> 2, frame), 1 + usize::from(pair[0].1 & 1))
            })
            .collect();
        frames.sort_by_key(|(turn, _)| *turn);
        let packets: Vec<Vec<u8>> = (0..)
            .zip(frames.chunks(per_packet))
            .map(|(number, frames)| {
                let frames = frames.iter().flat_map(|(_, frame)| frame.clone()).collect();
                Packet { number, ..Packet::client(frames) }.seal()
            })
            .collect();
        let mut initials = Initials::default();
        let heard: Vec<Heard> = packets
            .chunks(per_datagram)
            .filter_map(|packets| push(&mut initials, &packets.concat()))
            .collect();
        prop_assert_eq!(heard, vec![Heard::ClientHello(content)]);
    }

    #[test]
    fn nothing_panics(datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..4)) {
        let mut initials = Initials::default();
        for datagram in datagrams {
            let begun = [b"\xc0\0\0\0\x01", &datagram[..]].concat();
            let _ = initials.push(&begun, &BOUNDS);
        }
    }
}
