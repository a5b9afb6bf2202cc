//! Connections of QUIC whose clients are sent back for a token.

use super::siblings::{ONE, TWO, Udp, answer, body, part, whole};
use super::wire::{From, NAME, TLS13};
use crate::inspect::flow::FlowEvent;
use crate::inspect::quic::seal::Packet;
use crate::inspect::quic::tests::{crypto, message, retry};

#[test]
fn after_a_retry_it_is_the_same_connection() {
    let retry = retry(ONE, b"src", b"the retry");
    for (is_captured, parts) in [(true, 1), (false, 1), (true, 2), (false, 2)] {
        let mut udp = Udp::new();
        let end = message(1, &body(1)).len();
        let ranges = [0..end / parts, end / parts..end];
        let before = whole(ONE, 1).seal();
        udp.sends(From::Client, &before);
        if is_captured {
            udp.sends(From::Server, &retry);
        }
        for range in ranges {
            let behind = Packet {
                token: b"token",
                ..part(b"the retry", 1, range)
            };
            udp.sends(From::Client, &behind.seal());
            udp.sends(From::Client, &before);
        }
        udp.sends(From::Server, &answer(b"the retry"));
        udp.sends(From::Client, &before);
        udp.sends(From::Client, &whole(b"the retry", 1).seal());
        assert_eq!(udp.told().len(), 1, "{is_captured} {parts}");
        assert_eq!(udp.answered(), [0]);
        assert_eq!(udp.flows.counts().begun, 1);
        udp.sends(From::Client, &whole(TWO, 2).seal());
        assert_eq!(udp.told().len(), 2);
    }
}

/// A client's packet with all of a hello, whose name is in it.
fn named<'a>(id: &'a [u8], token: &'a [u8], body: &[u8]) -> Packet<'a> {
    let mut frames = crypto(0, &message(1, body));
    frames.resize(1200, 0);
    Packet {
        token,
        number: 1,
        ..Packet {
            frames,
            ..whole(id, 1)
        }
    }
}

/// The recorded hello with another random, and another last byte of its name.
fn hello(random: u8, last: u8) -> Vec<u8> {
    let mut body = TLS13[9..].to_vec();
    body[2..34].fill(random);
    let at = body.windows(NAME.len()).position(|it| it == NAME).unwrap();
    body[at + NAME.len() - 1] = last;
    body
}

#[test]
fn a_new_hello_behind_a_retry_is_told_if_its_name_is_another() {
    let retry = retry(ONE, b"src", b"the retry");
    for (is_captured, last) in [(true, b'1'), (true, b'2'), (false, b'1'), (false, b'2')] {
        let mut udp = Udp::new();
        let (one, two) = (hello(1, b'1'), hello(2, last));
        let before = named(ONE, b"", &one).seal();
        let behind = named(b"the retry", b"token", &two).seal();
        udp.sends(From::Client, &before);
        if is_captured {
            udp.sends(From::Server, &retry);
        }
        udp.sends(From::Client, &behind);
        udp.sends(From::Server, &answer(b"the retry"));
        udp.sends(From::Client, &before);
        udp.sends(From::Client, &behind);
        let told = [(0, &one[..]), (0, &two)];
        let count = if last == b'1' { 1 } else { 2 };
        assert_eq!(udp.told(), told[..count], "{is_captured} {last}");
        assert_eq!((udp.answered(), udp.flows.counts().begun), (vec![0], 1));
        assert!(!has_second(&udp));
    }
}

#[test]
fn neither_an_id_without_bytes_nor_a_second_token_says_that_a_client_was_sent_back() {
    let cases: [(&[u8], &[u8]); 2] = [(b"", b""), (b"src", b"earlier token")];
    for (source, token) in cases {
        let mut udp = Udp::new();
        let (one, two) = (hello(1, b'1'), hello(2, b'1'));
        for packet in [named(ONE, token, &one), named(TWO, b"token", &two)] {
            udp.sends(From::Client, &Packet { source, ..packet }.seal());
        }
        assert_eq!(udp.told(), [(0, &one[..]), (1, &two)]);
    }
}

#[test]
fn behind_a_retry_a_second_hello_is_one() {
    let mut udp = Udp::new();
    let (one, two) = (hello(1, b'1'), hello(2, b'1'));
    udp.sends(From::Client, &named(ONE, b"", &one).seal());
    udp.sends(From::Server, &retry(ONE, b"src", b"the retry"));
    udp.sends(From::Client, &named(b"the retry", b"token", &two).seal());
    let second = Packet {
        number: 2,
        frames: crypto(message(1, &two).len(), &message(1, &two)),
        ..named(b"the retry", b"token", &two)
    };
    udp.sends(From::Client, &second.seal());
    assert_eq!(udp.told(), [(0, &one[..]), (0, &two)]);
    assert!(has_second(&udp));
}

/// A connection with a Retry: the client's hello, the Retry, the hello with its token, the answer.
struct SentBack {
    id: &'static [u8],
    new_id: &'static [u8],
    random: u8,
    client: &'static [u8],
}

impl SentBack {
    fn flight(&self) -> [(From, Vec<u8>); 4] {
        let first = Packet {
            source: self.client,
            ..whole(self.id, self.random)
        };
        let again = Packet {
            source: self.client,
            token: b"token",
            ..whole(self.new_id, self.random)
        };
        [
            (From::Client, first.seal()),
            (From::Server, retry(self.id, self.client, self.new_id)),
            (From::Client, again.seal()),
            (From::Server, answer(self.new_id)),
        ]
    }
}

/// Two; many clients choose an id without bytes, which tells them not apart.
fn two(clients: [&'static [u8]; 2]) -> [[(From, Vec<u8>); 4]; 2] {
    let one = SentBack {
        id: ONE,
        new_id: b"the retry",
        random: 1,
        client: clients[0],
    };
    let two = SentBack {
        id: TWO,
        new_id: b"other retry",
        random: 2,
        client: clients[1],
    };
    [one.flight(), two.flight()]
}

const CLIENTS: [[&[u8]; 2]; 2] = [[b"one", b"two"], [b"", b""]];

#[test]
fn of_two_at_once_each_goes_on() {
    // Which connection sends next.
    let orders = [
        [0, 1, 0, 1, 0, 1, 0, 1],
        [0, 1, 1, 1, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 1, 1, 1],
        [0, 0, 1, 1, 1, 0, 0, 1],
        [0, 0, 0, 1, 1, 1, 0, 1],
        [0, 1, 1, 0, 0, 1, 1, 0],
    ];
    for (order, clients) in orders
        .iter()
        .flat_map(|order| CLIENTS.map(|it| (order, it)))
    {
        let mut udp = Udp::new();
        let mut flights = two(clients).map(IntoIterator::into_iter);
        for which in order {
            let (from, payload) = flights[*which].next().unwrap();
            udp.sends(from, &payload);
        }
        let told = [(0, &body(1)[..]), (1, &body(2))];
        assert_eq!(udp.told(), told, "{order:?} {clients:?}");
        let mut answered = udp.answered();
        answered.sort_unstable();
        assert_eq!(answered, [0, 1], "{order:?} {clients:?}");
        assert!(!has_second(&udp));
    }
}

#[test]
fn behind_one_that_was_never_answered() {
    for (clients, sent) in CLIENTS
        .iter()
        .flat_map(|it| [1, 2, 3].map(|sent| (it, sent)))
    {
        let mut udp = Udp::new();
        let [one, two] = two(*clients);
        for (from, payload) in one[..sent].iter().chain(&two) {
            udp.sends(*from, payload);
        }
        assert_eq!(udp.told(), [(0, &body(1)[..]), (1, &body(2))], "{sent}");
        assert_eq!(udp.answered(), [1], "{sent}");
        assert!(!has_second(&udp));
    }
}

#[test]
fn where_it_was_not_captured_the_client_s_id_says_whose_the_token_is() {
    let mut udp = Udp::new();
    let end = message(1, &body(1)).len();
    let of = |client, packet| Packet {
        source: client,
        ..packet
    };
    udp.sends(From::Client, &of(b"one", whole(ONE, 1)).seal());
    udp.sends(From::Client, &of(b"two", whole(TWO, 2)).seal());
    // The random stands in the other part.
    for range in [50..end, 0..50] {
        let packet = Packet {
            token: b"token",
            ..of(b"two", part(b"the retry", 2, range))
        };
        udp.sends(From::Client, &packet.seal());
    }
    udp.sends(From::Server, &answer(b"the retry"));
    udp.sends(From::Server, &answer(ONE));
    assert_eq!(udp.told(), [(0, &body(1)[..]), (1, &body(2))]);
    assert_eq!(udp.answered(), [1, 0]);
}

/// Whether a hello was taken for the second one of its connection.
fn has_second(udp: &Udp) -> bool {
    udp.events.iter().any(|event| match event {
        FlowEvent::Sighting(sighting) => sighting.is_second,
        FlowEvent::Answer(_) | FlowEvent::Ended(_) => false,
    })
}
