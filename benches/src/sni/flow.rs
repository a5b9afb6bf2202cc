//! What goes over a flow: packet after packet, as somebody between both ends sees it.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use fastrand::Rng;

use super::packet::{self, ACK, FIN, Numbers, PSH, SYN, Way};

/// A segment of a network with an MTU of 1500.
const SEGMENT: usize = 1448;
/// What a card is given to cut: 45 of those.
const OFFLOADED: usize = 45 * SEGMENT;
/// A datagram of QUIC behind the first ones.
const QUIC: usize = 1250;

/// First flights of clients, as they were recorded.
const HELLOS: [&[u8]; 8] = [
    include_bytes!("../../../gateway/testdata/hello/chromium.bin"),
    include_bytes!("../../../gateway/testdata/hello/curl.bin"),
    include_bytes!("../../../gateway/testdata/hello/node.bin"),
    include_bytes!("../../../gateway/testdata/hello/openssl-alpn.bin"),
    include_bytes!("../../../gateway/testdata/hello/openssl-tls12.bin"),
    include_bytes!("../../../gateway/testdata/hello/openssl-tls13.bin"),
    include_bytes!("../../../gateway/testdata/hello/python.bin"),
    include_bytes!("../../../gateway/testdata/hello/rustls-aws-lc-rs.bin"),
];
/// Where a hello's random is: behind the headers of record and message, and the version.
const RANDOM: std::ops::Range<usize> = 11..43;

/// First datagrams of QUIC, client's and server's, versions 1 and 2.
const INITIALS: [[&[u8]; 2]; 2] = [
    [
        include_bytes!("../../../gateway/testdata/quic/v1-client.bin"),
        include_bytes!("../../../gateway/testdata/quic/v1-server.bin"),
    ],
    [
        include_bytes!("../../../gateway/testdata/quic/v2-client.bin"),
        include_bytes!("../../../gateway/testdata/quic/v2-server.bin"),
    ],
];

/// What asks for the address of a name.
const QUESTION: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x08currency\x03dc1\0\0\x01\0\x01";

/// One in so many full segments comes behind the one after it.
const SWAPPED: u16 = 500;
/// One in so many comes twice.
const AGAIN: u16 = 300;

/// Which kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// TLS that carries many bytes, in segments of so many.
    Bulk(usize),
    /// Small messages in both directions, without TLS.
    PingPong,
    /// TLS with one question and one answer.
    Short,
    Quic,
    Dns,
}

/// Of a hundred flows so many are of a kind. Most flows are small, most bytes are those of bulk.
const MIX: [(u32, Kind); 6] = [
    (4, Kind::Bulk(SEGMENT)),
    (1, Kind::Bulk(OFFLOADED)),
    (4, Kind::PingPong),
    (46, Kind::Short),
    (10, Kind::Quic),
    (35, Kind::Dns),
];

/// One of a flow's packets: who sends it, and what is in it.
#[derive(Clone, Copy, Debug)]
struct Step {
    from_client: bool,
    /// Of TCP; none in a datagram.
    flags: u8,
    bytes: Bytes,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug)]
enum Bytes {
    /// As many as nobody can tell from encrypted ones.
    Noise(usize),
    /// Those from one place to another of a hello.
    Hello(usize, usize, usize),
    /// A ServerHello.
    Answer,
    /// The first datagram of a version of QUIC, the client's or the server's.
    Initial(usize, usize),
    /// A question of DNS.
    Question,
}

/// A flow on its way.
#[derive(Debug)]
pub(super) struct Flow {
    is_tcp: bool,
    /// From the client to the server.
    way: Way,
    /// The numbers of what the client and the server send next.
    sequences: [u32; 2],
    random: [u8; 32],
    steps: VecDeque<Step>,
}

/// Bytes to take encrypted ones from.
#[derive(Debug)]
pub(super) struct Noise(Vec<u8>);

impl Noise {
    pub(super) fn new(rng: &mut Rng) -> Self {
        Self(
            std::iter::repeat_with(|| rng.u8(..))
                .take(2 * OFFLOADED)
                .collect(),
        )
    }

    fn some(&self, len: usize, rng: &mut Rng) -> &[u8] {
        let from = rng.usize(..self.0.len() - len);
        &self.0[from..from + len]
    }
}

impl Bytes {
    /// Whether a hello is whole with these.
    fn ends_hello(self) -> bool {
        match self {
            Self::Hello(which, _, to) => to == HELLOS[which].len(),
            Self::Initial(_, side) => side == 0,
            Self::Noise(_) | Self::Answer | Self::Question => false,
        }
    }
}

impl Flow {
    /// A flow of any kind.
    pub(super) fn new(rng: &mut Rng) -> Self {
        let kind = kind(rng);
        Self {
            is_tcp: !matches!(kind, Kind::Quic | Kind::Dns),
            way: way(kind, rng),
            sequences: [rng.u32(..), rng.u32(..)],
            random: std::array::from_fn(|_| rng.u8(..)),
            steps: steps(kind, rng),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a hello is still to come.
    pub(super) fn owes_hello(&self) -> bool {
        self.steps.iter().any(|step| step.bytes.ends_hello())
    }

    /// Gives the next packets to `put`, mostly one, and says whether a hello is whole with them.
    pub(super) fn next<E>(
        &mut self,
        noise: &Noise,
        rng: &mut Rng,
        mut put: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        let Some(step) = self.steps.pop_front() else {
            return Ok(false);
        };
        let frame = self.frame(step, noise, rng);
        let is_full_one = is_full(step.bytes);
        if is_full_one
            && rng.u16(..SWAPPED) == 0
            && let Some(next) = self.steps.pop_front_if(|next| is_full(next.bytes))
        {
            put(&self.frame(next, noise, rng))?;
        }
        put(&frame)?;
        if is_full_one && rng.u16(..AGAIN) == 0 {
            put(&frame)?;
        }
        Ok(step.bytes.ends_hello())
    }

    fn frame(&mut self, step: Step, noise: &Noise, rng: &mut Rng) -> Vec<u8> {
        let mut frame = Vec::with_capacity(OFFLOADED + 128);
        let way = match step.from_client {
            true => self.way,
            false => Way {
                source: self.way.destination,
                destination: self.way.source,
                ..self.way
            },
        };
        let made;
        let payload = match step.bytes {
            Bytes::Noise(len) => noise.some(len, rng),
            Bytes::Hello(which, from, to) => {
                made = self.hello(which);
                &made[from..to]
            }
            Bytes::Answer => {
                made = answer(self.random);
                &made
            }
            Bytes::Initial(version, side) => INITIALS[version][side],
            Bytes::Question => QUESTION,
        };
        if !self.is_tcp {
            packet::udp(&mut frame, &way, payload);
            return frame;
        }
        let (mine, other) = (
            usize::from(!step.from_client),
            usize::from(step.from_client),
        );
        let numbers = Numbers {
            flags: step.flags,
            sequence: self.sequences[mine],
            acknowledged: self.sequences[other],
        };
        packet::tcp(&mut frame, &way, numbers, payload);
        let counted = step.flags & (SYN | FIN) != 0;
        let len = payload.len() as u32 + u32::from(counted);
        self.sequences[mine] = self.sequences[mine].wrapping_add(len);
        frame
    }

    /// A recorded hello with a random of its own.
    fn hello(&self, which: usize) -> Vec<u8> {
        let mut hello = HELLOS[which].to_vec();
        hello[RANDOM].copy_from_slice(&self.random);
        hello
    }
}

/// Whether these fill a segment of TCP.
fn is_full(bytes: Bytes) -> bool {
    matches!(bytes, Bytes::Noise(SEGMENT..))
}

/// A ServerHello of TLS 1.3 in its record (RFC 8446 §4.1.3).
fn answer(random: [u8; 32]) -> Vec<u8> {
    let extensions = [0, 43, 0, 2, 3, 4];
    let body = [
        &[3, 3][..],
        &random,
        &[0, 0x13, 0x01, 0, 0, extensions.len() as u8],
        &extensions,
    ]
    .concat();
    let len = body.len() as u8;
    [&[22, 3, 3, 0, len + 4, 2, 0, 0, len], &body[..]].concat()
}

fn kind(rng: &mut Rng) -> Kind {
    let mut left = rng.u32(..MIX.iter().map(|(share, _)| share).sum::<u32>());
    for (share, kind) in MIX {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return kind,
        }
    }
    Kind::Short
}

/// One in eight goes over IPv6, one in eight through a VLAN.
fn way(kind: Kind, rng: &mut Rng) -> Way {
    let (host, peer) = (rng.u16(..), rng.u16(..500));
    let port = match kind {
        Kind::PingPong => 9000,
        Kind::Bulk(_) | Kind::Short => rng.choice([443, 8443, 443]).unwrap_or(443),
        Kind::Quic => 443,
        Kind::Dns => 53,
    };
    let (source, destination) = match rng.u8(..8) {
        0 => (
            Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, host).into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 2, 0, 0, 0, peer).into(),
        ),
        _ => (
            Ipv4Addr::from(0x0a01_0000 | u32::from(host)).into(),
            Ipv4Addr::from(0xc633_0000 | u32::from(peer)).into(),
        ),
    };
    Way {
        vlan: (rng.u8(..8) == 0).then(|| rng.u16(10..20)),
        source: SocketAddr::new(source, rng.u16(32768..61000)),
        destination: SocketAddr::new(destination, port),
    }
}

fn steps(kind: Kind, rng: &mut Rng) -> VecDeque<Step> {
    let mut steps = Steps::default();
    match kind {
        Kind::Bulk(size) => {
            steps.tls(rng);
            let bytes = rng.usize(100_000..1_000_000) * if size == SEGMENT { 1 } else { 4 };
            steps.bulk(bytes, size);
            steps.close();
        }
        Kind::Short => {
            steps.tls(rng);
            steps.client(PSH | ACK, Bytes::Noise(rng.usize(200..800)));
            steps.bulk(rng.usize(1_000..16_000), SEGMENT);
            steps.close();
        }
        Kind::PingPong => {
            steps.open();
            for _ in 0..rng.usize(20..200) {
                steps.client(PSH | ACK, Bytes::Noise(rng.usize(20..200)));
                steps.server(PSH | ACK, Bytes::Noise(rng.usize(20..200)));
            }
            steps.close();
        }
        Kind::Quic => {
            let version = usize::from(rng.u8(..10) == 0);
            steps.client(0, Bytes::Initial(version, 0));
            steps.server(0, Bytes::Initial(version, 1));
            for at in 0..rng.usize(10..80) {
                steps.server(0, Bytes::Noise(QUIC));
                if at % 4 == 0 {
                    steps.client(0, Bytes::Noise(40));
                }
            }
        }
        Kind::Dns => {
            steps.client(0, Bytes::Question);
            steps.server(0, Bytes::Noise(rng.usize(40..400)));
        }
    }
    steps.0
}

/// Steps in the making.
#[derive(Debug, Default)]
struct Steps(VecDeque<Step>);

impl Steps {
    fn client(&mut self, flags: u8, bytes: Bytes) {
        self.put(true, flags, bytes);
    }

    fn server(&mut self, flags: u8, bytes: Bytes) {
        self.put(false, flags, bytes);
    }

    fn put(&mut self, from_client: bool, flags: u8, bytes: Bytes) {
        self.0.push_back(Step {
            from_client,
            flags,
            bytes,
        });
    }

    fn open(&mut self) {
        self.client(SYN, Bytes::Noise(0));
        self.server(SYN | ACK, Bytes::Noise(0));
        self.client(ACK, Bytes::Noise(0));
    }

    /// Down to the first byte that is encrypted. One hello in four comes in two segments, and all
    /// that are longer than one.
    fn tls(&mut self, rng: &mut Rng) {
        self.open();
        let which = rng.usize(..HELLOS.len());
        let len = HELLOS[which].len();
        let cut = match rng.u8(..4) {
            0 => rng.usize(1..len.min(SEGMENT)),
            _ => len.min(SEGMENT),
        };
        self.client(PSH | ACK, Bytes::Hello(which, 0, cut));
        if cut < len {
            self.client(PSH | ACK, Bytes::Hello(which, cut, len));
        }
        self.server(ACK, Bytes::Noise(0));
        self.server(PSH | ACK, Bytes::Answer);
        self.bulk(3_000, SEGMENT);
        self.client(PSH | ACK, Bytes::Noise(80));
    }

    /// From the server, in segments of at most `size`; every second one is acknowledged at once.
    fn bulk(&mut self, bytes: usize, size: usize) {
        for (at, from) in (0..bytes).step_by(size).enumerate() {
            self.server(ACK, Bytes::Noise(size.min(bytes - from)));
            if at % 2 == 1 || size == OFFLOADED {
                self.client(ACK, Bytes::Noise(0));
            }
        }
    }

    fn close(&mut self) {
        self.client(FIN | ACK, Bytes::Noise(0));
        self.server(FIN | ACK, Bytes::Noise(0));
        self.client(ACK, Bytes::Noise(0));
    }
}
