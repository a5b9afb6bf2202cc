//! What both ends of a UDP flow say, until the hello and its answer were there.

use super::super::frame::Timestamp;
use super::super::packet::Datagram;
use super::super::quic::{self, Heard, Initials, QuicError, Version};
use super::dialogue::Scene;
use super::event::{Answer, Carrier, FlowEvent, Message, Said, Sighting};
use super::key::Side;
use super::records;

/// Most datagrams that are looked into. A hello and its answer take some ten; a server that was
/// not captured answers in none.
const DATAGRAMS_MAX: u32 = 64;

/// Alerts come without their level; in QUIC all of them are fatal (RFC 9001 §4.8).
const FATAL: u8 = 2;

/// Both directions of a flow.
#[derive(Debug)]
pub(super) struct Exchange {
    initials: Initials,
    client: Option<Side>,
    opener: Side,
    began: Timestamp,
    last: Timestamp,
    /// Datagrams that were looked into.
    datagrams: u32,
    /// Those of the client since its last hello.
    packets: u32,
    /// What was pushed: more than is held.
    pushed: usize,
    hellos: usize,
    has_retry: bool,
    is_over: bool,
}

/// Whether a datagram may be the first that is seen of a flow that is worth following.
pub(super) fn may_begin(datagram: &Datagram<'_>) -> bool {
    quic::begins(datagram.payload)
}

impl Exchange {
    pub(super) fn new(opener: Side) -> Self {
        Self {
            initials: Initials::default(),
            client: None,
            opener,
            began: Timestamp::default(),
            last: Timestamp::default(),
            datagrams: 0,
            packets: 0,
            pushed: 0,
            hellos: 0,
            has_retry: false,
            is_over: false,
        }
    }

    /// Who sent the hello.
    pub(super) fn client(&self) -> Option<Side> {
        self.client
    }

    /// Whether there was a hello.
    pub(super) fn has_hello(&self) -> bool {
        self.hellos > 0
    }

    /// Whether nothing more is wanted of it.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// At most how much memory it holds, beside itself.
    pub(super) fn cost(&self) -> usize {
        self.pushed
    }

    /// Takes a datagram.
    pub(super) fn datagram(&mut self, side: Side, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        if !quic::begins(datagram.payload) {
            return self.count();
        }
        if side == self.client.unwrap_or(self.opener) {
            if self.packets == 0 {
                self.began = scene.time;
            }
            self.packets += 1;
            self.last = scene.time;
        }
        self.pushed += datagram.payload.len();
        match self.initials.push(datagram.payload, scene.bounds) {
            Ok(Some(heard)) => self.heard(side, heard, scene),
            Ok(None) => {}
            Err(error) => self.fault(error, datagram.cut > 0, scene),
        }
        self.count();
    }

    fn count(&mut self) {
        self.datagrams += 1;
        self.is_over |= self.hellos > 0 && self.datagrams > DATAGRAMS_MAX;
    }

    fn heard(&mut self, side: Side, heard: Heard, scene: &mut Scene<'_>) {
        match heard {
            Heard::ClientHello(body) => {
                self.client = Some(side);
                self.tell(Message::Whole(body), scene);
            }
            Heard::ServerHello(body) => {
                let is_retry = records::is_retry(&body) && !self.has_retry;
                self.has_retry |= is_retry;
                self.is_over = !is_retry;
                self.answer(Said::ServerHello(body), scene);
            }
            Heard::Alert(description) => {
                self.is_over = true;
                self.answer(Said::Alert(FATAL, description), scene);
            }
        }
    }

    fn answer(&mut self, said: Said, scene: &mut Scene<'_>) {
        if self.hellos > 0 {
            scene.events.push(FlowEvent::Answer(Answer {
                flow: scene.flow,
                time: scene.time,
                said,
            }));
        }
    }

    /// No hello will come. One whose first datagram was cut cannot even be decrypted.
    fn fault(&mut self, error: QuicError, is_cut: bool, scene: &mut Scene<'_>) {
        let is_first = is_cut && error == QuicError::Cut && self.datagrams == 0;
        if is_first && self.hellos == 0 {
            self.tell_cut(scene);
        } else {
            self.end(scene);
        }
        self.is_over = true;
    }

    /// The rest will not come: tells what is there of a hello.
    pub(super) fn end(&mut self, scene: &mut Scene<'_>) {
        let (part, stated) = self.initials.part();
        if self.hellos == 0 && !self.is_over && (stated.is_some() || !part.is_empty()) {
            self.tell_cut(scene);
        }
        self.is_over = true;
    }

    fn tell_cut(&mut self, scene: &mut Scene<'_>) {
        let (part, stated) = self.initials.part();
        let part = part.to_vec();
        self.tell(Message::Cut { part, stated }, scene);
    }

    fn tell(&mut self, message: Message, scene: &mut Scene<'_>) {
        let client = *self.client.get_or_insert(self.opener);
        let is_whole = matches!(message, Message::Whole(_));
        let sighting = Sighting {
            flow: scene.flow,
            time: if is_whole { scene.time } else { self.last },
            began: self.began,
            source: scene.key.end(client),
            destination: scene.key.end(client.other()),
            carrier: self.carrier(),
            packets: self.packets.max(1),
            message,
            is_second: self.hellos > 0,
            has_overlap: false,
        };
        scene.events.push(FlowEvent::Sighting(Box::new(sighting)));
        self.hellos += 1;
        self.packets = 0;
    }

    fn carrier(&self) -> Carrier {
        match self.initials.version() {
            Some(Version::V2) => Carrier::QuicV2,
            Some(Version::Draft29) => Carrier::QuicDraft29,
            Some(Version::V1) | None => Carrier::QuicV1,
        }
    }
}
