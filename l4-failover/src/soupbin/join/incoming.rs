//! What lines send.

use std::ops::Range;
use std::time::Instant;

use super::action::LineId;
use super::event::LineFault;
use super::options::COMPARED;
use super::{Join, Phase, Stage};
use crate::soupbin::packet::{Frame, HEADER, Kind, split};
use crate::soupbin::session::FromServer;

/// What became of a line's bytes: some were taken, and of those a stretch goes to the consumer as
/// it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// How many bytes were taken. With none, the rest is to be given again with what follows it.
    pub taken: usize,
    /// Which of them the consumer is to get, after what it was [told](super::Action::Tell).
    pub forward: Range<usize>,
}

impl Join {
    /// Takes what a line sent, a stretch at a time: call it with the rest until it takes nothing.
    /// Between two calls do the actions.
    pub fn from_line(&mut self, line: LineId, bytes: &[u8], now: Instant) -> Step {
        let Some(place) = self.place_of(line) else {
            // Nothing more of a line that was ended.
            return Step {
                taken: bytes.len(),
                forward: 0..0,
            };
        };
        if self.lines[place].stage == Stage::Held {
            return Step::default();
        }
        if !bytes.is_empty() {
            self.lines[place].heard(now);
        }
        if let Some(step) = self.run(place, bytes, now) {
            return step;
        }
        if self.lines[place].stage == Stage::Joined {
            let run = self.forward(place, bytes, now);
            if run > 0 {
                return Step {
                    taken: run,
                    forward: 0..run,
                };
            }
        }
        let step = match split(bytes) {
            Ok(Some(frame)) if self.must_wait(place, frame.kind) => {
                self.lines[place].is_holding = true;
                Step::default()
            }
            Ok(Some(frame)) => {
                let is_forwarded = self.line_sent(place, frame, now);
                Step {
                    taken: frame.len(),
                    forward: 0..if is_forwarded { frame.len() } else { 0 },
                }
            }
            Ok(None) => Step::default(),
            Err(error) => {
                self.fail(place, LineFault::Malformed(error), now);
                Step {
                    taken: bytes.len(),
                    forward: 0..0,
                }
            }
        };
        self.advance(now);
        step
    }

    /// Counts and keeps the messages at the beginning of `bytes`: how many bytes they have.
    pub(super) fn forward(&mut self, place: usize, bytes: &[u8], now: Instant) -> usize {
        let (Phase::In(at), Some(session)) = (&mut self.phase, &mut self.lines[place].session)
        else {
            return 0;
        };
        let (mut run, mut count) = (0, 0);
        let mut begins = [0; COMPARED];
        while let Ok(Some(frame)) = split(&bytes[run..]) {
            if frame.kind != Kind::Sequenced {
                break;
            }
            let Ok(FromServer::Sequenced { number, message }) = session.received(frame) else {
                break;
            };
            debug_assert_eq!(number, at.next);
            at.next = number + 1;
            begins[count % COMPARED] = run;
            count += 1;
            run += HEADER + message.len();
        }
        if run > 0 {
            self.keep_last(bytes, &begins, count);
            self.consumer.sent(now);
        }
        run
    }

    /// Keeps the last of `count` messages, whose frames begin where `begins` says: to copy each one
    /// would take longer than all the rest.
    fn keep_last(&mut self, bytes: &[u8], begins: &[usize; COMPARED], count: usize) {
        let skipped = count.saturating_sub(COMPARED);
        self.history.skip(skipped);
        for index in skipped..count {
            if let Ok(Some(frame)) = split(&bytes[begins[index % COMPARED]..]) {
                self.history.push(frame.payload);
            }
        }
    }

    /// Takes a frame of a line; whether the consumer gets it.
    fn line_sent(&mut self, place: usize, frame: Frame<'_>, now: Instant) -> bool {
        let line = &mut self.lines[place];
        let Some(session) = &mut line.session else {
            return false;
        };
        let is_joined = line.stage == Stage::Joined;
        match session.received(frame) {
            Ok(FromServer::Accepted(accepted)) => self.accepted(place, accepted, now),
            Ok(FromServer::Rejected(reject)) => self.rejected(place, reject, now),
            Ok(FromServer::Sequenced { number, message }) => {
                return self.repeated(place, number, message, now);
            }
            Ok(FromServer::Unsequenced(_)) => return is_joined && self.takes_unsequenced(now),
            Ok(FromServer::Debug(_)) => return is_joined && self.forwarded(now),
            Ok(FromServer::Heartbeat) => {}
            Ok(FromServer::End) => self.line_ended(place, now),
            Err(error) => self.fail(place, LineFault::Protocol(error), now),
        }
        false
    }

    /// Whether the consumer knows messages without a number from a server.
    fn takes_unsequenced(&mut self, now: Instant) -> bool {
        let Phase::In(place) = &self.phase else {
            return false;
        };
        let is_known = place.request.heartbeat_timeout.is_some();
        (is_known || self.options.server_unsequenced) && self.forwarded(now)
    }

    fn forwarded(&mut self, now: Instant) -> bool {
        self.consumer.sent(now);
        true
    }
}
