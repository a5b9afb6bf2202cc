//! What both ends of a TCP connection say, until the hello and its answer were there.

mod answers;
mod beginning;
mod hellos;

use std::hash::RandomState;

use super::super::frame::Timestamp;
use super::super::packet::Segment;
use super::super::preamble::Preamble;
use super::event::{FlowEvent, FlowId, Said};
use super::key::{Key, Side};
use super::past::{Spot, Spots, TcpPast};
use super::records::{self, Between};
use super::stream::{Arrival, Stream};
use crate::hello::{HelloBounds, RANDOM_BYTES, Reassembly};

/// Where what is seen goes, and what it is said with.
pub(super) struct Scene<'e> {
    pub(super) flow: FlowId,
    pub(super) key: Key,
    pub(super) time: Timestamp,
    pub(super) bounds: &'e HelloBounds,
    /// What marks are made with.
    pub(super) secret: &'e RandomState,
    /// Whether the packet came in fragments that had different bytes for the same place.
    pub(super) has_overlap: bool,
    pub(super) events: &'e mut Vec<FlowEvent>,
}

/// Both directions of a connection.
#[derive(Debug)]
pub(super) struct Dialogue {
    halves: [Half; 2],
    opener: Side,
    before: Before,
    /// Who sent the hello, once there was one.
    client: Option<Side>,
    /// The hellos that were told before, of connections that had these addresses and ports.
    past: Spots,
    /// The first hello that was told.
    told: Option<Spot>,
    /// Hellos that were told.
    hellos: usize,
    answers_told: usize,
    /// Answers that came before their hello was whole.
    answers: Vec<(Timestamp, Said)>,
    random: Option<[u8; RANDOM_BYTES]>,
    has_retry: bool,
    is_other: bool,
}

/// How far the stream is with what may stand before TLS.
#[derive(Debug)]
enum Before {
    /// Nothing was said.
    Nothing,
    /// Something else than TLS, which may follow; and how many bytes that were.
    Preamble(Box<Preamble>, usize),
    /// TLS may begin, in both directions.
    Over,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    stream: Stream,
    reader: Reader,
    began: Timestamp,
    /// The number of the first byte of what began then.
    place: u32,
    /// When the last packet came that brought something in order.
    last: Timestamp,
    packets: u32,
}

/// What is expected of a direction.
#[derive(Debug, Default)]
enum Reader {
    /// TLS, or what may stand before it.
    #[default]
    Start,
    Hello(Reassembly),
    /// Behind a hello, perhaps another.
    Between(Between),
    Answer,
    Done,
}

impl Dialogue {
    /// Nothing was said yet. The numbers of each side's SYN are known or not.
    pub(super) fn new(opener: Side, past: &TcpPast) -> Self {
        Self {
            halves: Side::BOTH.map(|side| Half {
                stream: Stream::behind_syn(past.syn(side)),
                ..Half::default()
            }),
            opener,
            before: Before::Nothing,
            client: None,
            past: past.hellos,
            told: None,
            hellos: 0,
            answers_told: 0,
            answers: Vec::new(),
            random: None,
            has_retry: false,
            is_other: false,
        }
    }

    /// Who sent the hello.
    pub(super) fn client(&self) -> Option<Side> {
        self.client
    }

    /// Where the first hello stood that was told.
    pub(super) fn told(&self) -> Option<Spot> {
        self.told
    }

    /// Whether there was a hello.
    pub(super) fn has_hello(&self) -> bool {
        self.hellos > 0
    }

    /// Whether nothing more is wanted of it.
    pub(super) fn is_over(&self) -> bool {
        self.is_other
            || self
                .halves
                .iter()
                .all(|half| matches!(half.reader, Reader::Done))
    }

    /// How much memory it holds, beside itself.
    pub(super) fn cost(&self) -> usize {
        let before = match &self.before {
            Before::Preamble(_, bytes) => *bytes,
            Before::Nothing | Before::Over => 0,
        };
        let halves = self.halves.iter().map(|half| half.stream.cost());
        let answers = self.answers.iter().map(|(_, said)| said.cost());
        before + halves.chain(answers).sum::<usize>()
    }

    /// A SYN came whose direction had none.
    pub(super) fn syn(&mut self, side: Side, sequence: u32) {
        self.half(side).stream.syn(sequence);
    }

    /// Whether a SYN of this number stands in front of what came.
    pub(super) fn begins_behind(&self, side: Side, sequence: u32) -> bool {
        self.halves[side.at()].stream.begins_behind(sequence)
    }

    /// The number of a direction's next byte, as long as it is followed.
    pub(super) fn next_byte(&self, side: Side) -> Option<u32> {
        let half = &self.halves[side.at()];
        let is_followed = !matches!(half.reader, Reader::Done);
        half.stream.next_byte().filter(|_| is_followed)
    }

    /// Takes a segment that carries something.
    pub(super) fn segment(&mut self, side: Side, segment: &Segment<'_>, scene: &mut Scene<'_>) {
        if matches!(self.half(side).reader, Reader::Done) {
            return;
        }
        if scene.has_overlap {
            self.half(side).stream.note_overlap();
        }
        match self.half(side).stream.push(segment, scene.time) {
            Arrival::Nothing => {}
            Arrival::InOrder(bytes, is_cut) => self.next(side, bytes, is_cut, scene.time, scene),
            Arrival::Held => self.held(side, scene),
            Arrival::Hopeless => self.give_up(side, scene),
        }
    }

    /// What is missing will not come, of either direction: tells what is there of a hello.
    pub(super) fn end(&mut self, scene: &mut Scene<'_>) {
        for side in Side::BOTH {
            if matches!(self.half(side).reader, Reader::Hello(_)) {
                self.give_up(side, scene);
            }
        }
    }

    fn half(&mut self, side: Side) -> &mut Half {
        &mut self.halves[side.at()]
    }

    fn held(&mut self, side: Side, scene: &mut Scene<'_>) {
        while let Some(held) = self.half(side).stream.next_held() {
            self.next(side, &held.bytes, held.is_cut, held.time, scene);
        }
    }

    /// Takes what is next in a direction; it came at `came`, perhaps before the packet by which it
    /// is in order.
    fn next(
        &mut self,
        side: Side,
        bytes: &[u8],
        is_cut: bool,
        came: Timestamp,
        scene: &mut Scene<'_>,
    ) {
        self.half(side).last = scene.time;
        let mut rest = bytes;
        while !rest.is_empty() && !self.is_over() {
            rest = match &self.half(side).reader {
                Reader::Start => self.start(side, rest, came),
                Reader::Hello(_) => self.hello(side, rest, scene),
                Reader::Between(_) => self.between(side, rest, came, scene),
                Reader::Answer => self.answer(side, rest, scene),
                Reader::Done => break,
            };
        }
        if is_cut {
            self.give_up(side, scene);
        }
        if matches!(self.half(side).reader, Reader::Done) {
            self.half(side).stream.clear();
        }
    }

    /// Bytes of a direction are missing for good.
    fn give_up(&mut self, side: Side, scene: &mut Scene<'_>) {
        let half = self.half(side);
        let was_hello = matches!(half.reader, Reader::Hello(_));
        half.reader = Reader::Done;
        if was_hello && let Some(message) = records::partial(half.stream.kept(), None) {
            self.seen(side, message, scene);
        } else if was_hello {
            self.other(side);
        }
        self.half(side).stream.clear();
    }
}
