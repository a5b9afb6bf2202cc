//! Handshakes of OpenSSL, and what they become when they are cut, mixed or lied about.

use proptest::prelude::*;

use super::*;
use crate::hello::{ClientHello, SniField};
use crate::inspect::server_hello::ServerHello;

const BOUNDS: HelloBounds = HelloBounds {
    handshake_bytes: 16 * 1024,
    raw_bytes: 64 * 1024,
};

macro_rules! recorded {
    ($name:literal) => {
        include_bytes!(concat!("../../../testdata/dtls/", $name, ".bin"))
    };
}

fn push(hellos: &mut Hellos, datagram: &[u8]) -> Option<Heard> {
    hellos.push(datagram, &BOUNDS).unwrap()
}

fn record(content: &[u8]) -> Vec<u8> {
    let len = (content.len() as u16).to_be_bytes();
    [&[HANDSHAKE][..], b"\xfe\xfd\0\0\0\0\0\0\0\0", &len, content].concat()
}

const HANDSHAKE: u8 = 22;

fn fragment(kind: u8, number: u8, whole: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
    let three = |value: usize| (value as u32).to_be_bytes()[1..].to_vec();
    let bytes = &whole[range.clone()];
    let lengths = [three(range.start), three(bytes.len())].concat();
    [
        &[kind][..],
        &three(whole.len()),
        &[0, number],
        &lengths,
        bytes,
    ]
    .concat()
}

fn whole(kind: u8, number: u8, body: &[u8]) -> Vec<u8> {
    record(&fragment(kind, number, body, 0..body.len()))
}

/// A body with this random.
fn body(random: u8) -> Vec<u8> {
    [&[0xfe, 0xfd][..], &[random; 32], b"the rest of a hello"].concat()
}

fn check_handshake(datagrams: &[&[u8]]) {
    let mut hellos = Hellos::default();
    let mut heard = Vec::new();
    for datagram in datagrams {
        assert!(begins(datagram));
        heard.extend(push(&mut hellos, datagram));
        assert_eq!(push(&mut hellos, datagrams[0]), None, "it comes again");
    }
    let [
        first,
        Heard::VerifyRequest,
        second,
        Heard::ServerHello(answer),
    ] = &heard[..]
    else {
        panic!("{heard:?}");
    };
    for (hello, cookie_len) in [(first, 0), (second, 20)] {
        let Heard::ClientHello(body) = hello else {
            panic!("{hello:?}");
        };
        let hello = ClientHello::parse_dtls(body).unwrap();
        assert_eq!(hello.server_name, SniField::Name(b"currency.dc1"));
        assert_eq!(hello.version(), 0xfefd);
        assert_eq!(hello.cookie.map(<[u8]>::len), Some(cookie_len));
        assert!(ClientHello::parse(body).is_err());
    }
    assert_eq!(ServerHello::parse(answer).unwrap().cipher_suite, 0xc02c);
}

#[test]
fn a_handshake_with_a_cookie_has_two_hellos() {
    check_handshake(&[
        recorded!("whole-1-client"),
        recorded!("whole-2-server"),
        recorded!("whole-3-client"),
        recorded!("whole-4-server"),
    ]);
}

#[test]
fn fragments_are_put_together() {
    check_handshake(&[
        recorded!("small-1-client"),
        recorded!("small-2-server"),
        recorded!("small-3-client"),
        recorded!("small-4-client"),
        recorded!("small-5-server"),
    ]);
}

#[test]
fn a_cut_datagram_tells_what_is_there() {
    let datagram = recorded!("whole-1-client");
    let mut hellos = Hellos::default();
    let error = hellos.push(&datagram[..100], &BOUNDS);
    assert_eq!(error, Err(DtlsError::Cut));
    assert_eq!(hellos.part(), (&datagram[25..100], Some(201)));
    assert!(begins(&datagram[..100]) && !begins(&datagram[..13]));
}

#[test]
fn an_alert_and_what_is_encrypted() {
    let mut hellos = Hellos::default();
    let alert = b"\x15\xfe\xfd\0\0\0\0\0\0\0\x01\0\x02\x02\x28";
    assert_eq!(push(&mut hellos, alert), Some(Heard::Alert(2, 40)));
    let encrypted = b"\x15\xfe\xfd\0\x01\0\0\0\0\0\x01\0\x02\x02\x28";
    assert_eq!(push(&mut hellos, encrypted), None);
    let behind = [&encrypted[..], &whole(1, 0, &body(1)), b"\x2e\x01\x02"].concat();
    let heard = push(&mut hellos, &behind);
    assert_eq!(heard, Some(Heard::ClientHello(body(1))));
}

#[test]
fn another_connection_from_the_same_port_is_heard() {
    let mut hellos = Hellos::default();
    for random in [1, 2, 1] {
        let datagram = whole(1, 0, &body(random));
        let heard = push(&mut hellos, &datagram);
        assert_eq!(heard, Some(Heard::ClientHello(body(random))));
        assert_eq!(push(&mut hellos, &datagram), None);
    }
}

#[test]
fn lengths_that_lie_are_told() {
    let fails = |datagram: &[u8]| Hellos::default().push(datagram, &BOUNDS).unwrap_err();
    let mut lie = fragment(1, 0, &body(1), 0..10);
    lie[8] = 50; // Its place, so that it ends behind the message.
    assert_eq!(fails(&record(&lie)), DtlsError::Fragment);
    let (bytes, limit) = (0x40_0000, BOUNDS.handshake_bytes);
    let mut long = fragment(1, 0, &body(1), 0..10);
    long[1] = 0x40;
    long[2..4].copy_from_slice(&[0, 0]);
    assert_eq!(fails(&record(&long)), DtlsError::TooLong { bytes, limit });
}

#[test]
fn fragments_are_bounded() {
    let mut hellos = Hellos::default();
    let datagram = record(&fragment(1, 0, &body(1), 3..4).repeat(100));
    let fails = (0..11).map(|_| hellos.push(&datagram, &BOUNDS));
    let last = fails.last().unwrap();
    assert_eq!(last, Err(DtlsError::TooManyFragments));
}

proptest! {
    /// However a hello is cut, in whatever order its fragments come and come again, it is the same,
    /// and it is heard once.
    #[test]
    fn any_cut_and_any_order_give_one_hello(
        content in prop::collection::vec(any::<u8>(), 40..3000),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..24),
        per_record in 1_usize..4,
    ) {
        let mut places: Vec<_> = cuts
            .iter()
            .map(|(at, turn)| (at.index(content.len()), *turn))
            .collect();
        places.extend([(0, 0), (content.len(), 0)]);
        places.sort_unstable();
        let mut fragments: Vec<_> = places
            .windows(2)
            .flat_map(|pair| {
                let fragment = fragment(1, 0, &content, pair[0].0..pair[1].0);
                std::iter::repeat_n((pair[0].1 >> 2, fragment), 1 + usize::from(pair[0].1 & 1))
            })
            .collect();
        fragments.sort_by_key(|(turn, _)| *turn);
        let fragments: Vec<_> = fragments.into_iter().map(|(_, fragment)| fragment).collect();
        let mut hellos = Hellos::default();
        let heard: Vec<Heard> = fragments
            .chunks(per_record)
            .filter_map(|fragments| push(&mut hellos, &record(&fragments.concat())))
            .collect();
        prop_assert_eq!(heard, vec![Heard::ClientHello(content)]);
    }

    #[test]
    fn nothing_panics(content in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Hellos::default().push(&record(&content), &BOUNDS);
        let _ = Hellos::default().push(&content, &BOUNDS);
    }
}
