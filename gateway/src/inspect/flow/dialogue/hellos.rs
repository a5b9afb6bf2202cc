//! The client's hellos: whole, broken or cut.

use std::hash::RandomState;

use super::super::super::frame::Timestamp;
use super::super::event::{Carrier, FlowEvent, Message, Sighting};
use super::super::key::Side;
use super::super::past::Spot;
use super::super::records::{self, Behind, Between};
use super::{Dialogue, Reader, Scene};
use crate::hello::{HelloError, Malformed, Progress};

/// A ServerHello's type in a handshake.
const SERVER_HELLO: u8 = 2;

impl Dialogue {
    pub(super) fn hello<'a>(
        &mut self,
        side: Side,
        bytes: &'a [u8],
        scene: &mut Scene<'_>,
    ) -> &'a [u8] {
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

    pub(super) fn between<'a>(
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
    pub(super) fn seen(&mut self, side: Side, message: Message, scene: &mut Scene<'_>) {
        let is_second = self.hellos > 0;
        let is_whole = matches!(message, Message::Whole(_));
        if !is_second && self.is_past(side, &message, scene.secret) {
            self.is_other = true;
            return;
        }
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

    /// Whether a first hello is that of a connection before, sent again.
    fn is_past(&mut self, side: Side, message: &Message, secret: &RandomState) -> bool {
        let body = match message {
            Message::Whole(body) => Some(&body[..]),
            Message::Cut { .. } | Message::Broken { .. } => None,
        };
        let spot = Spot::new(self.half(side).place, body, secret);
        self.told = Some(spot);
        self.past.contains(spot)
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
}
