//! The end of a session, which a line that fails may also claim.

use std::time::{Duration, Instant};

use super::action::{Action, End};
use super::event::{JoinEvent, LineFault};
use super::{END_HELD, Join, Phase, Search, Stage};
use crate::soupbin::packet::Packet;

impl Join {
    /// A line said that the session is over.
    pub(super) fn line_ended(&mut self, place: usize, now: Instant) {
        let line = &self.lines[place];
        let (is_joined, at) = (line.stage == Stage::Joined, self.stood_at(place));
        let Phase::In(own) = &self.phase else {
            return self.fail(place, LineFault::EndedEarly { at }, now);
        };
        match is_joined {
            true => self.hold_end(place, now),
            // It stood where the consumer stands, and says the same.
            false if own.ends_at.is_some() && at == own.next => self.agree(place),
            false => self.fail(place, LineFault::EndedEarly { at }, now),
        }
    }

    /// Where a line stood that has just ended its session.
    fn stood_at(&self, place: usize) -> u64 {
        let line = &self.lines[place];
        match &self.phase {
            Phase::In(own) if line.stage == Stage::Joined => own.next,
            _ => line.first + line.compared + line.discarded,
        }
    }

    /// The end is told only if no other line goes on.
    fn hold_end(&mut self, place: usize, now: Instant) {
        let Phase::In(own) = &mut self.phase else {
            return;
        };
        let until = now + END_HELD;
        own.ends_at = Some(until);
        own.preferred = None;
        let line = self.lines.remove(place);
        self.search = Search::default();
        if let Some(target) = line.target {
            self.targets.forgive_others(target);
            self.targets.get(target).rest_until(until + END_HELD);
        }
        self.act(Action::Close { line: line.id });
    }

    fn agree(&mut self, place: usize) {
        let line = self.lines.remove(place);
        if let (Some(target), Phase::In(own)) = (line.target, &self.phase) {
            let until = own.ends_at.map(|at| at + END_HELD);
            until
                .into_iter()
                .for_each(|at| self.targets.get(target).rest_until(at));
        }
        self.act(Action::Close { line: line.id });
    }

    /// Asks all other lines whether the session goes on, each once; none of them can be late.
    pub(super) fn seek_continuation(&mut self, now: Instant) {
        let Phase::In(own) = &self.phase else {
            return;
        };
        let Some(until) = own.ends_at else {
            return;
        };
        let is_over = now >= until;
        if !is_over {
            self.seek(Duration::ZERO, now);
        }
        if is_over || self.is_exhausted(now) {
            self.end_session(now);
        }
    }

    fn end_session(&mut self, now: Instant) {
        let Phase::In(own) = &self.phase else {
            return;
        };
        let next = own.next;
        self.say(JoinEvent::EndOfSession { next });
        self.tell(&Packet::EndOfSession, now);
        self.end(End::EndOfSession);
    }
}
