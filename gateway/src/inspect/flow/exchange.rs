//! What both ends of a UDP flow say, until the hello and its answer were there.

use std::hash::RandomState;

use super::super::dtls::{self, DtlsError};
use super::super::frame::Timestamp;
use super::super::packet::Datagram;
use super::super::quic::{self, QuicError, Version};
use super::dialogue::Scene;
use super::event::{Answer, Carrier, FlowEvent, Message, Said, Sighting};
use super::key::Side;
use super::opening::{Claim, Opening};
use super::past::{Mark, UdpPast};
use super::records;
use crate::hello::HelloBounds;

/// Most datagrams that are looked into. A hello and its answer take some ten; a server that was
/// not captured answers in none.
const DATAGRAMS_MAX: u32 = 64;

/// Alerts come without their level; in QUIC all of them are fatal (RFC 9001 §4.8).
const FATAL: u8 = 2;

/// What a datagram brought.
enum Heard {
    ClientHello(Vec<u8>),
    Answer(Said),
    Nothing,
    /// Nothing more will come; or what came was cut.
    Fault {
        is_cut: bool,
    },
}

/// What a flow carries.
#[derive(Debug)]
enum Reader {
    Quic(quic::Initials),
    Dtls(dtls::Hellos),
}

/// Both directions of a flow.
#[derive(Debug)]
pub(super) struct Exchange {
    reader: Reader,
    client: Option<Side>,
    opener: Side,
    began: Timestamp,
    last: Timestamp,
    /// Datagrams that were looked into.
    datagrams: u32,
    /// Those of the client since its last hello.
    packets: u32,
    /// What was pushed since the last hello: at least as much as is held.
    pushed: usize,
    hellos: usize,
    answers: usize,
    has_retry: bool,
    has_overlap: bool,
    is_over: bool,
}

/// Whether a datagram may be the first that is seen of a flow that is worth following.
pub(super) fn may_begin(datagram: &Datagram<'_>) -> bool {
    quic::begins(datagram.payload) || dtls::begins(datagram.payload)
}

impl Reader {
    /// By the first datagram.
    fn of(datagram: &Datagram<'_>) -> Self {
        if dtls::begins(datagram.payload) {
            Self::Dtls(dtls::Hellos::default())
        } else {
            Self::Quic(quic::Initials::default())
        }
    }

    fn push(&mut self, datagram: &[u8], bounds: &HelloBounds) -> Heard {
        match self {
            Self::Quic(initials) => match initials.push(datagram, bounds) {
                Ok(Some(quic::Heard::ClientHello(body))) => Heard::ClientHello(body),
                Ok(Some(quic::Heard::ServerHello(body))) => Heard::Answer(Said::ServerHello(body)),
                Ok(Some(quic::Heard::Alert(kind))) => Heard::Answer(Said::Alert(FATAL, kind)),
                Ok(None) => Heard::Nothing,
                Err(error) => Heard::Fault {
                    is_cut: error == QuicError::Cut,
                },
            },
            Self::Dtls(hellos) => match hellos.push(datagram, bounds) {
                Ok(Some(dtls::Heard::ClientHello(body))) => Heard::ClientHello(body),
                Ok(Some(dtls::Heard::ServerHello(body))) => Heard::Answer(Said::ServerHello(body)),
                Ok(Some(dtls::Heard::Alert(level, kind))) => {
                    Heard::Answer(Said::Alert(level, kind))
                }
                Ok(Some(dtls::Heard::VerifyRequest) | None) => Heard::Nothing,
                Err(error) => Heard::Fault {
                    is_cut: error == DtlsError::Cut,
                },
            },
        }
    }

    /// Whose a datagram is, by what it begins with.
    fn claim(&self, opening: &Opening<'_>) -> Claim {
        let is_same = match (self, opening) {
            (Self::Quic(initials), Opening::Quic(opening)) => initials.is_same(opening),
            (Self::Dtls(hellos), Opening::Dtls(opening)) => Some(hellos.is_same(opening)),
            (Self::Quic(_), Opening::Dtls(_)) | (Self::Dtls(_), Opening::Quic(_)) => {
                opening.is_proved().then_some(false)
            }
        };
        match is_same {
            Some(true) => Claim::Its,
            Some(false) => Claim::Another,
            None => Claim::Unknown,
        }
    }

    /// Whether a hello behind another one is the second of its connection. In QUIC the hello behind a
    /// Retry is the first again.
    fn is_second(&self) -> bool {
        match self {
            Self::Quic(initials) => initials.is_second(),
            Self::Dtls(_) => true,
        }
    }

    fn part(&self) -> (&[u8], Option<usize>) {
        match self {
            Self::Quic(initials) => initials.part(),
            Self::Dtls(hellos) => hellos.part(),
        }
    }
}

impl Exchange {
    /// Nothing was said yet; this is the first datagram.
    pub(super) fn new(opener: Side, first: &Datagram<'_>) -> Self {
        Self {
            reader: Reader::of(first),
            client: None,
            opener,
            began: Timestamp::default(),
            last: Timestamp::default(),
            datagrams: 0,
            packets: 0,
            pushed: 0,
            hellos: 0,
            answers: 0,
            has_retry: false,
            has_overlap: false,
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

    /// Whose a datagram is.
    pub(super) fn claim(
        &self,
        datagram: &Datagram<'_>,
        past: &UdpPast,
        secret: &RandomState,
    ) -> Claim {
        let Some(opening) = Opening::of(datagram) else {
            return Claim::Unknown;
        };
        match past.knows(&opening, secret) {
            true => Claim::Past,
            false => self.reader.claim(&opening),
        }
    }

    /// Whether a datagram that begins no other connection goes on with this one, where there is
    /// another one too.
    pub(super) fn goes_on_with(&self, datagram: &Datagram<'_>) -> bool {
        match &self.reader {
            Reader::Quic(initials) => initials.opens(datagram.payload),
            Reader::Dtls(hellos) => hellos.may_go_on_with(datagram.payload),
        }
    }

    /// Leaves behind what tells the next connection from this one.
    pub(super) fn remember(&self, past: &mut UdpPast, secret: &RandomState) {
        let mut remember = |bytes: &[u8]| past.remember(Mark::of(secret, bytes));
        match &self.reader {
            Reader::Quic(initials) => initials.ids().for_each(remember),
            Reader::Dtls(hellos) => hellos.randoms().for_each(|random| remember(random)),
        }
    }

    /// At most how much memory it holds, beside itself.
    pub(super) fn cost(&self) -> usize {
        self.pushed
    }

    /// Takes a datagram.
    pub(super) fn datagram(&mut self, side: Side, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        if side == self.client.unwrap_or(self.opener) {
            if self.packets == 0 {
                self.began = scene.time;
            }
            self.packets += 1;
            self.has_overlap |= scene.has_overlap;
            self.last = scene.time;
        }
        self.pushed += datagram.payload.len();
        match self.reader.push(datagram.payload, scene.bounds) {
            Heard::ClientHello(body) => {
                self.client = Some(side);
                self.tell(Message::Whole(body), scene);
            }
            Heard::Answer(said) => self.answer(said, scene),
            Heard::Nothing => {}
            Heard::Fault { is_cut } => self.fault(is_cut && datagram.cut > 0, scene),
        }
        self.datagrams += 1;
        if self.datagrams > DATAGRAMS_MAX {
            self.end(scene);
        }
    }

    fn answer(&mut self, said: Said, scene: &mut Scene<'_>) {
        let is_retry = matches!(&said, Said::ServerHello(body) if records::is_retry(body));
        self.is_over |= !is_retry || self.has_retry;
        self.has_retry |= is_retry;
        if self.answers < self.hellos {
            self.answers += 1;
            scene.events.push(FlowEvent::Answer(Answer {
                flow: scene.flow,
                time: scene.time,
                said,
            }));
        }
    }

    /// No hello will come. A first datagram of QUIC that was cut cannot even be decrypted; it is told
    /// as a hello of which nothing is there.
    fn fault(&mut self, is_cut: bool, scene: &mut Scene<'_>) {
        if is_cut && self.datagrams == 0 {
            self.tell_cut(scene);
        }
        self.end(scene);
    }

    /// The rest will not come: tells what is there of a hello.
    pub(super) fn end(&mut self, scene: &mut Scene<'_>) {
        let (part, stated) = self.reader.part();
        if self.hellos == 0 && !self.is_over && (stated.is_some() || !part.is_empty()) {
            self.tell_cut(scene);
        }
        self.is_over = true;
    }

    fn tell_cut(&mut self, scene: &mut Scene<'_>) {
        let (part, stated) = self.reader.part();
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
            is_second: self.hellos > 0 && self.reader.is_second(),
            has_overlap: self.has_overlap,
        };
        scene.events.push(FlowEvent::Sighting(Box::new(sighting)));
        self.hellos += 1;
        self.packets = 0;
        self.pushed = 0;
    }

    fn carrier(&self) -> Carrier {
        let initials = match &self.reader {
            Reader::Quic(initials) => initials,
            Reader::Dtls(_) => return Carrier::Dtls,
        };
        match initials.version() {
            Some(Version::V2) => Carrier::QuicV2,
            Some(Version::Draft29) => Carrier::QuicDraft29,
            Some(Version::V1) | None => Carrier::QuicV1,
        }
    }
}
