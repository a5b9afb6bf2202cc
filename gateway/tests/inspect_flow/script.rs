//! Bytes that say what is captured, for whoever makes up such bytes. What comes of it must make
//! sense: flows end once, answers follow hellos, tables keep within their bounds.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};

use gateway::inspect::flow::{FlowBounds, FlowEvent, FlowId, Flows};
use gateway::inspect::frame::{Frame, LinkType, Timestamp};
use gateway::inspect::packet::{Datagram, Decoder, Packet, Segment, Transport};

const LINKS: [LinkType; 8] = [
    LinkType::Ethernet,
    LinkType::Raw,
    LinkType::Ipv4,
    LinkType::Ipv6,
    LinkType::Loopback,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::Ppp,
];

const HELLO: &[u8] = include_bytes!("../../testdata/hello/openssl-tls13.bin");

/// Small, so that they are met.
const BOUNDS: FlowBounds = FlowBounds {
    flows: 4,
    held_bytes: 2000,
    hello: gateway::hello::HelloBounds {
        handshake_bytes: 1000,
        raw_bytes: 4000,
    },
};

/// Frames: the first byte is the link, then each has a byte of length, one of what was cut, and
/// itself.
pub(crate) fn frames(script: &[u8]) {
    let Some((&link, mut script)) = script.split_first() else {
        return;
    };
    let mut world = World::new();
    let mut decoder = Decoder::default();
    while let Some((&[len, cut], rest)) = script.split_first_chunk() {
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(len)));
        script = rest;
        let frame = Frame {
            time: world.tick(),
            link: LINKS[usize::from(link) % LINKS.len()],
            tag: None,
            bytes,
            wire_len: bytes.len() + usize::from(cut),
        };
        if let Some(decoded) = decoder.decode(&frame) {
            world.packet(&decoded.inner);
        }
    }
    world.finish();
}

/// Segments of a few connections: a byte of flags, two of the sequence number, one of length, one of
/// what was cut, and the payload. Where the last bit of that byte is set, the payload is not there:
/// it is what stands at this place of a hello.
pub(crate) fn segments(mut script: &[u8]) {
    let mut world = World::new();
    while let Some((&[flags, high, low, len, cut], rest)) = script.split_first_chunk() {
        let number = u16::from_be_bytes([high, low]);
        let payload = if cut & 1 == 1 {
            script = rest;
            let place = usize::from(number) % HELLO.len();
            &HELLO[place..HELLO.len().min(place + usize::from(len))]
        } else {
            let (payload, rest) = rest.split_at(rest.len().min(usize::from(len)));
            script = rest;
            payload
        };
        let has = |bit: u8| flags & (1 << bit) != 0;
        let port = 1000 + u16::from(flags >> 5);
        let (source, destination) = if has(0) { (port, 443) } else { (443, port) };
        let segment = Segment {
            source_port: source,
            destination_port: destination,
            // About the wrap, near enough to each other for a window.
            sequence: u32::from(number).wrapping_sub(100),
            is_syn: has(1),
            is_ack: has(2),
            is_fin: has(3),
            is_rst: has(4) && has(3),
            payload,
            cut: usize::from(cut / 128),
        };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        world.tick();
        world.packet(&Packet {
            source: address,
            destination: address,
            transport: Transport::Tcp(segment),
            has_overlap: false,
        });
    }
    world.finish();
}

/// What connections over UDP begin with, and how they are answered.
const DATAGRAMS: [&[u8]; 7] = [
    include_bytes!("../../testdata/quic/v1-client.bin"),
    include_bytes!("../../testdata/quic/v1-server.bin"),
    include_bytes!("../../testdata/quic/v2-client.bin"),
    include_bytes!("../../testdata/dtls/small-1-client.bin"),
    include_bytes!("../../testdata/dtls/small-3-client.bin"),
    include_bytes!("../../testdata/dtls/small-4-client.bin"),
    include_bytes!("../../testdata/dtls/small-5-server.bin"),
];

/// Datagrams between the same ends: a byte says which and by whom, another which of its bytes is
/// another one, as a random may be, and how many were not captured.
pub(crate) fn datagrams(script: &[u8]) {
    let mut world = World::new();
    for &[kind, change] in script.as_chunks().0 {
        let mut payload = DATAGRAMS[usize::from(kind >> 1) % DATAGRAMS.len()].to_vec();
        let at = usize::from(change >> 2) % payload.len();
        payload[at] ^= change & 1;
        let cut = usize::from(change & 2) * 5;
        let captured = payload.len() - cut;
        let (source_port, destination_port) = match kind & 1 {
            0 => (1000, 443),
            _ => (443, 1000),
        };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        world.tick();
        world.packet(&Packet {
            source: address,
            destination: address,
            transport: Transport::Udp(Datagram {
                source_port,
                destination_port,
                payload: &payload[..captured],
                cut,
            }),
            has_overlap: false,
        });
    }
    world.finish();
}

struct World {
    flows: Flows,
    time: Timestamp,
    events: Vec<FlowEvent>,
    /// Hellos and answers of the flows that have not ended.
    open: HashMap<FlowId, (usize, usize)>,
    ended: u64,
}

impl World {
    fn new() -> Self {
        Self {
            flows: Flows::new(BOUNDS),
            time: Timestamp(0),
            events: Vec::new(),
            open: HashMap::new(),
            ended: 0,
        }
    }

    fn tick(&mut self) -> Timestamp {
        self.time.0 += 1_000_000_000;
        self.time
    }

    fn packet(&mut self, packet: &Packet<'_>) {
        let touched = self.flows.packet(self.time, packet, &mut self.events);
        if let Some(touched) = touched {
            assert!(touched.flow.0 < self.flows.counts().begun);
        }
        assert!(self.flows.held_bytes() <= BOUNDS.held_bytes);
        self.judge();
    }

    fn finish(&mut self) {
        self.flows.finish(&mut self.events);
        self.judge();
        assert_eq!(self.flows.held_bytes(), 0);
        assert_eq!(self.ended, self.flows.counts().begun);
    }

    fn judge(&mut self) {
        for event in self.events.drain(..) {
            match event {
                FlowEvent::Sighting(sighting) => {
                    let (hellos, _) = self.open.entry(sighting.flow).or_default();
                    assert_eq!(sighting.is_second, *hellos > 0);
                    *hellos += 1;
                    assert!(sighting.began <= sighting.time);
                    assert!(sighting.message.bytes().len() <= BOUNDS.hello.raw_bytes);
                    let whole_part = sighting.whole_part();
                    assert!(whole_part.is_none_or(|part| part.len() >= 38));
                }
                FlowEvent::Answer(answer) => {
                    let (hellos, answers) = self.open.entry(answer.flow).or_default();
                    *answers += 1;
                    assert!(*answers <= *hellos);
                }
                FlowEvent::Ended(ended) => {
                    self.open.remove(&ended.flow);
                    self.ended += 1;
                }
            }
        }
        assert!(self.open.len() <= BOUNDS.flows);
    }
}
