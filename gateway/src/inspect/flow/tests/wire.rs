//! A connection whose packets a test sends one by one.

use std::net::{IpAddr, Ipv4Addr};

use super::super::*;

pub(super) const TLS13: &[u8] = include_bytes!("../../../../testdata/hello/openssl-tls13.bin");
pub(super) const NAME: &[u8] = b"currency.dc1";
pub(super) const CLIENT_SYN: u32 = 1000;
pub(super) const SERVER_SYN: u32 = 5000;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Client,
    Server,
}

pub(super) struct Wire {
    pub(super) flows: Flows,
    pub(super) events: Vec<FlowEvent>,
    pub(super) client_port: u16,
    /// Whether packets come in fragments that contradict each other.
    pub(super) has_overlap: bool,
    time: u64,
}

impl Wire {
    pub(super) fn new(bounds: FlowBounds) -> Self {
        Self {
            flows: Flows::new(bounds),
            events: Vec::new(),
            client_port: 50_000,
            has_overlap: false,
            time: 0,
        }
    }

    /// After the handshake of TCP.
    pub(super) fn connected() -> Self {
        let mut wire = Self::new(FlowBounds::default());
        wire.connect();
        wire
    }

    pub(super) fn connect(&mut self) {
        self.syn(From::Client, CLIENT_SYN);
        self.syn(From::Server, SERVER_SYN);
    }

    pub(super) fn syn(&mut self, from: From, sequence: u32) -> Option<Touched> {
        self.segment(from, |segment| {
            segment.sequence = sequence;
            segment.is_syn = true;
            segment.is_ack = from == From::Server;
        })
    }

    /// Bytes at a place of the stream.
    pub(super) fn sends(&mut self, from: From, at: u32, payload: &[u8]) -> Option<Touched> {
        self.cut(from, at, payload, 0)
    }

    /// Bytes at a place of the stream, of which the last `cut` were not captured.
    pub(super) fn cut(
        &mut self,
        from: From,
        at: u32,
        payload: &[u8],
        cut: usize,
    ) -> Option<Touched> {
        let syn = match from {
            From::Client => CLIENT_SYN,
            From::Server => SERVER_SYN,
        };
        self.segment(from, |segment| {
            segment.sequence = syn.wrapping_add(1).wrapping_add(at);
            segment.is_ack = true;
            segment.payload = payload;
            segment.cut = cut;
        })
    }

    pub(super) fn fin(&mut self, from: From) -> Option<Touched> {
        self.segment(from, |segment| segment.is_fin = true)
    }

    pub(super) fn rst(&mut self, from: From) -> Option<Touched> {
        self.segment(from, |segment| segment.is_rst = true)
    }

    pub(super) fn segment<'a>(
        &mut self,
        from: From,
        change: impl FnOnce(&mut Segment<'a>),
    ) -> Option<Touched> {
        let client = (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), self.client_port);
        let server = (IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 443);
        let (source, destination) = match from {
            From::Client => (client, server),
            From::Server => (server, client),
        };
        let mut segment = Segment {
            source_port: source.1,
            destination_port: destination.1,
            sequence: 0,
            is_syn: false,
            is_ack: false,
            is_fin: false,
            is_rst: false,
            payload: &[],
            cut: 0,
        };
        change(&mut segment);
        let packet = Packet {
            source: source.0,
            destination: destination.0,
            transport: Transport::Tcp(segment),
            has_overlap: self.has_overlap,
        };
        self.time += 1;
        self.flows
            .packet(Timestamp(self.time), &packet, &mut self.events)
    }

    pub(super) fn finish(&mut self) {
        self.flows.finish(&mut self.events);
    }

    pub(super) fn sightings(&self) -> Vec<&Sighting> {
        let sightings = self.events.iter().filter_map(|event| match event {
            FlowEvent::Sighting(sighting) => Some(&**sighting),
            _ => None,
        });
        sightings.collect()
    }

    pub(super) fn sighting(&self) -> &Sighting {
        let sightings = self.sightings();
        assert_eq!(sightings.len(), 1, "{:?}", self.events);
        sightings[0]
    }

    pub(super) fn answers(&self) -> Vec<&Answer> {
        let answers = self.events.iter().filter_map(|event| match event {
            FlowEvent::Answer(answer) => Some(answer),
            _ => None,
        });
        answers.collect()
    }

    pub(super) fn ended(&self) -> Vec<&Ended> {
        let ended = self.events.iter().filter_map(|event| match event {
            FlowEvent::Ended(ended) => Some(ended),
            _ => None,
        });
        ended.collect()
    }
}

/// A handshake record.
pub(super) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
    record.extend(content);
    record
}

/// A record with a handshake message.
pub(super) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    record(22, &message)
}

/// The body of a ServerHello: as much of it as is looked at.
pub(super) fn server_hello(random: [u8; 32]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.extend([0, 0x13, 1, 0]);
    body
}
