//! What the server says to hellos.

use super::super::event::{Answer, FlowEvent, Said};
use super::super::key::Side;
use super::super::records::{self, Reply};
use super::{Dialogue, Reader, Scene};

/// Most bytes of a server's answer. A ServerHello has some hundred, with post-quantum key shares
/// 1.2 KiB.
const ANSWER_MAX: usize = 8 * 1024;

/// Most hellos of a connection: a server asks for another once (RFC 8446 §4.1.4).
const HELLOS_MAX: usize = 2;

impl Dialogue {
    /// Whatever the server said before is read as its answer.
    pub(super) fn expect_answer(&mut self, side: Side) {
        let half = self.half(side);
        if matches!(half.reader, Reader::Start | Reader::Hello(_)) {
            half.reader = Reader::Answer;
        }
    }

    pub(super) fn answer<'a>(
        &mut self,
        side: Side,
        bytes: &'a [u8],
        scene: &mut Scene<'_>,
    ) -> &'a [u8] {
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
    pub(super) fn tell_answers(&mut self, scene: &mut Scene<'_>) {
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
}
