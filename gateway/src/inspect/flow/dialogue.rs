//! What both ends of a TCP connection say, until the hello and its answer were there.

use super::super::frame::Timestamp;
use super::super::packet::Segment;
use super::super::preamble::{Preamble, Speaker, Step};
use super::event::{Answer, Carrier, FlowEvent, FlowId, Message, Said, Sighting};
use super::key::{Key, Side};
use super::records::{self, Behind, Between, Reply};
use super::stream::{Arrival, Stream};
use crate::hello::{HelloBounds, HelloError, Malformed, Progress, RANDOM_BYTES, Reassembly};

/// Most bytes of a server's answer. A ServerHello has some hundred, with post-quantum key shares
/// 1.2 KiB.
const ANSWER_MAX: usize = 8 * 1024;

/// Most hellos of a connection: a server asks for another once (RFC 8446 §4.1.4).
const HELLOS_MAX: usize = 2;

/// A ServerHello's type in a handshake.
const SERVER_HELLO: u8 = 2;

/// Where what is seen goes, and what it is said with.
pub(super) struct Scene<'e> {
    pub(super) flow: FlowId,
    pub(super) key: Key,
    pub(super) time: Timestamp,
    pub(super) bounds: &'e HelloBounds,
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
    pub(super) fn new(opener: Side, syns: [Option<u32>; 2]) -> Self {
        Self {
            halves: syns.map(|syn| Half {
                stream: Stream::behind_syn(syn),
                ..Half::default()
            }),
            opener,
            before: Before::Nothing,
            client: None,
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

    fn start<'a>(&mut self, side: Side, bytes: &'a [u8], came: Timestamp) -> &'a [u8] {
        let is_handshake = records::may_begin(&bytes[..1]);
        let has_hello = matches!(self.half(side.other()).reader, Reader::Hello(_));
        match &self.before {
            _ if has_hello && !is_handshake => {
                self.expect_answer(side);
                bytes
            }
            Before::Over => self.begin(side, came, bytes),
            Before::Nothing if is_handshake => {
                self.before = Before::Over;
                self.begin(side, came, bytes)
            }
            Before::Nothing | Before::Preamble(..) => self.preamble(side, bytes, came),
        }
    }

    fn preamble<'a>(&mut self, side: Side, bytes: &'a [u8], came: Timestamp) -> &'a [u8] {
        if matches!(self.before, Before::Nothing) {
            self.before = Before::Preamble(Box::default(), 0);
        }
        let Before::Preamble(preamble, pushed) = &mut self.before else {
            return bytes;
        };
        *pushed += bytes.len();
        let is_opener = side == self.opener;
        let speaker = if is_opener {
            Speaker::Opener
        } else {
            Speaker::Other
        };
        match preamble.push(speaker, bytes) {
            Step::More => &[],
            Step::TlsAt(at) => {
                self.before = Before::Over;
                self.begin(side, came, bytes.get(at..).unwrap_or_default())
            }
            Step::NotTls => {
                self.other(side);
                &[]
            }
        }
    }

    /// A hello begins; it is what follows.
    fn begin<'a>(&mut self, side: Side, came: Timestamp, bytes: &'a [u8]) -> &'a [u8] {
        let half = self.half(side);
        half.reader = Reader::Hello(Reassembly::default());
        half.began = came;
        half.packets = 0;
        half.stream.drop_kept();
        bytes
    }

    /// Not TLS. A direction whose other one began a hello is only not read.
    fn other(&mut self, side: Side) {
        let is_answer = matches!(self.half(side.other()).reader, Reader::Hello(_));
        self.half(side).reader = Reader::Done;
        self.is_other = self.hellos == 0 && !is_answer;
    }

    fn hello<'a>(&mut self, side: Side, bytes: &'a [u8], scene: &mut Scene<'_>) -> &'a [u8] {
        let half = &mut self.halves[side.at()];
        let Reader::Hello(reassembly) = &mut half.reader else {
            return bytes;
        };
        half.packets = half.packets.saturating_add(1);
        let before = reassembly.raw_len();
        match reassembly.push(bytes, scene.bounds) {
            Ok(Progress::Incomplete) => {
                half.stream.keep(bytes);
                &[]
            }
            Ok(Progress::Complete) => {
                let taken = reassembly.raw_len() - before;
                let message = Message::Whole(reassembly.message().to_vec());
                self.seen(side, message, scene);
                &bytes[taken..]
            }
            Err(error) => self.fault(side, bytes, error, scene),
        }
    }

    /// Bytes that never become a hello.
    fn fault<'a>(
        &mut self,
        side: Side,
        bytes: &'a [u8],
        error: HelloError,
        scene: &mut Scene<'_>,
    ) -> &'a [u8] {
        let is_answer = matches!(
            error,
            HelloError::Malformed(Malformed::NotClientHello(SERVER_HELLO))
        );
        if is_answer && self.hellos == 0 {
            // The server, whose packets came first. What was kept of them is read again.
            self.half(side).reader = Reader::Answer;
            return bytes;
        }
        let half = self.half(side);
        half.stream.keep(bytes);
        match records::partial(half.stream.kept(), Some(error)) {
            Some(message) => self.seen(side, message, scene),
            None => self.other(side),
        }
        &[]
    }

    fn between<'a>(
        &mut self,
        side: Side,
        bytes: &'a [u8],
        came: Timestamp,
        scene: &mut Scene<'_>,
    ) -> &'a [u8] {
        let Reader::Between(between) = &mut self.half(side).reader else {
            return bytes;
        };
        match between.pass(bytes) {
            Behind::More => &[],
            Behind::Foreign => {
                self.half(side).reader = Reader::Done;
                &[]
            }
            Behind::Handshake(header, rest) => {
                let rest = self.begin(side, came, rest);
                self.hello(side, &header, scene);
                // What the header came in is no packet of its own.
                self.half(side).packets = u32::from(rest.is_empty());
                rest
            }
        }
    }

    /// A hello was there, in whatever state.
    fn seen(&mut self, side: Side, message: Message, scene: &mut Scene<'_>) {
        let is_second = self.hellos > 0;
        let is_whole = matches!(message, Message::Whole(_));
        let random = records::random(message.bytes()).copied();
        let is_hello = !is_second || self.has_retry || random.is_some() && random == self.random;
        self.half(side).reader = if is_whole && is_hello && !is_second {
            Reader::Between(Between::default())
        } else {
            Reader::Done
        };
        if is_hello {
            self.tell(side, message, is_second, scene);
            self.random = random;
        }
        self.half(side).stream.drop_kept();
        self.expect_answer(side.other());
        self.tell_answers(scene);
    }

    fn tell(&mut self, side: Side, message: Message, is_second: bool, scene: &mut Scene<'_>) {
        let half = &self.halves[side.at()];
        let is_whole = matches!(message, Message::Whole(_));
        let sighting = Sighting {
            flow: scene.flow,
            time: if is_whole { scene.time } else { half.last },
            began: half.began,
            source: scene.key.end(side),
            destination: scene.key.end(side.other()),
            carrier: Carrier::Tcp,
            packets: half.packets.max(1),
            message,
            is_second,
            has_overlap: half.stream.has_overlap(),
        };
        scene.events.push(FlowEvent::Sighting(Box::new(sighting)));
        self.client = Some(side);
        self.hellos += 1;
    }

    /// Whatever the server said before is read as its answer.
    fn expect_answer(&mut self, side: Side) {
        let half = self.half(side);
        if matches!(half.reader, Reader::Start | Reader::Hello(_)) {
            half.reader = Reader::Answer;
        }
    }

    fn answer<'a>(&mut self, side: Side, bytes: &'a [u8], scene: &mut Scene<'_>) -> &'a [u8] {
        let half = &mut self.halves[side.at()];
        let kept = half.stream.kept().len();
        let reply = if kept == 0 {
            records::reply(bytes)
        } else {
            half.stream.keep(bytes);
            records::reply(half.stream.kept())
        };
        match reply {
            Reply::More if kept + bytes.len() <= ANSWER_MAX => {
                if kept == 0 {
                    half.stream.keep(bytes);
                }
                &[]
            }
            Reply::More | Reply::Foreign => {
                half.reader = Reader::Done;
                &[]
            }
            Reply::Said(said, end) => {
                half.stream.drop_kept();
                self.said(side, said, scene);
                &bytes[end.saturating_sub(kept).min(bytes.len())..]
            }
        }
    }

    fn said(&mut self, side: Side, said: Said, scene: &mut Scene<'_>) {
        let is_retry = matches!(&said, Said::ServerHello(body) if records::is_retry(body));
        if is_retry && !self.has_retry {
            self.has_retry = true;
        } else {
            self.half(side).reader = Reader::Done;
        }
        self.answers.push((scene.time, said));
        self.tell_answers(scene);
    }

    /// Tells the answers to hellos that were told. One that asks for no other hello is the last
    /// word that is wanted.
    fn tell_answers(&mut self, scene: &mut Scene<'_>) {
        while self.answers_told < self.hellos && !self.answers.is_empty() {
            let (time, said) = self.answers.remove(0);
            self.answers_told += 1;
            scene.events.push(FlowEvent::Answer(Answer {
                flow: scene.flow,
                time,
                said,
            }));
        }
        let is_last = self.hellos >= HELLOS_MAX || !self.has_retry;
        if is_last && self.hellos > 0 && self.answers_told == self.hellos {
            for half in &mut self.halves {
                half.reader = Reader::Done;
            }
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
