//! Connections of QUIC whose clients are sent back for a token.

use super::siblings::{ONE, TWO, Udp, answer, body, part, whole};
use super::wire::From;
use crate::inspect::flow::FlowEvent;
use crate::inspect::quic::seal::Packet;
use crate::inspect::quic::tests::{message, retry};

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
