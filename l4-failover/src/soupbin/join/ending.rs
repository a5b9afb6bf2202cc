//! The end of a session, which a line that fails may also claim.

use std::time::{Duration, Instant};

use super::action::{Action, End};
use super::event::{JoinEvent, LineFault};
use super::line::Line;
use super::target::{Known, REST_MAX_WAITING};
use super::{END_HELD, Ending, Join, Outage, Phase, Search, Stage};
use crate::soupbin::packet::Packet;

impl Join {
    /// A line said that the session is over.
    pub(super) fn line_ended(&mut self, place: usize, now: Instant) {
        let at = self.stood_at(place);
        let Phase::In(own) = &self.phase else {
            return self.fail(place, LineFault::EndedEarly { at }, now);
        };
        let is_there = at == own.next;
        match self.lines[place].stage {
            Stage::Joined if is_there => self.hold_end(place, now),
            Stage::Standby if is_there && own.ending.is_none() => self.beside_ended(place, now),
            // It stood where the consumer stands, and says the same.
            _ if is_there && own.ending.is_some() => self.agree(place, now),
            _ => self.fail(place, LineFault::EndedEarly { at }, now),
        }
    }

    /// Where a line stood that has just ended its session.
    fn stood_at(&self, place: usize) -> u64 {
        let line = &self.lines[place];
        match &self.phase {
            Phase::In(own) if line.stage == Stage::Joined && !self.is_hot() => own.next,
            _ => line.stood_at(),
        }
    }

    /// The session was said to be over on a line beside the joined one: if that goes on, it was an
    /// error, and else it will say the same.
    fn beside_ended(&mut self, place: usize, now: Instant) {
        let (Phase::In(own), Some(from)) = (&mut self.phase, self.lines[place].target) else {
            return;
        };
        own.beside_ended = Some(Ending { since: now, from });
        self.agree(place, now);
    }

    /// The end is told only if no other line goes on.
    fn hold_end(&mut self, place: usize, now: Instant) {
        let Phase::In(own) = &mut self.phase else {
            return;
        };
        let Some(from) = self.lines[place].target else {
            return;
        };
        own.ending = Some(Ending { since: now, from });
        (own.beside_ended, own.preferred) = (None, None);
        self.search = Search::default();
        self.targets.forgive_others(from);
        self.agree(place, now);
    }

    /// The joined line failed after another said that the session is over: it is, unless it goes on
    /// somewhere.
    pub(super) fn believe_end(&mut self, ended: Ending, now: Instant) {
        if let Phase::In(own) = &mut self.phase {
            own.outage = None;
            own.ending = Some(Ending {
                since: now,
                ..ended
            });
            self.search = Search::default();
            self.targets.forgive_others(ended.from);
        }
    }

    /// A line stood where the consumer stands, and said that this is the end.
    fn agree(&mut self, place: usize, now: Instant) {
        let line = self.lines.remove(place);
        if let Some(target) = line.target {
            let known = self.targets.get(target);
            known.has_ended = true;
            known.rest_until(now + 2 * END_HELD);
        }
        self.search.nobody_until = None;
        self.act(Action::Close { line: line.id });
    }

    /// The session goes on elsewhere: to say that it is over was that line's failure.
    pub(super) fn ended_early(
        &mut self,
        ending: Ending,
        next: u64,
        was_joined: bool,
        now: Instant,
    ) {
        let target = ending.from;
        let fault = LineFault::EndedEarly { at: next };
        let known = self.targets.get(target);
        let (rest, random) = (REST_MAX_WAITING, &mut self.random);
        known.failed(fault.clone(), Duration::ZERO, rest, random, now);
        self.say(JoinEvent::LineDown {
            target,
            fault,
            was_joined,
            is_known: false,
        });
    }

    /// A line of the session stands beyond its end, and lacks the consumer's next message: there is
    /// no line now, and no end.
    pub(super) fn disprove_end(&mut self, now: Instant) {
        let Phase::In(own) = &mut self.phase else {
            return;
        };
        let next = own.next;
        let Some(ending) = own.ending.take() else {
            return;
        };
        let from = ending.from;
        own.outage = Some(Outage {
            since: ending.since,
            detect: Duration::ZERO,
            from,
        });
        let fault = LineFault::EndedEarly { at: next };
        self.ended_early(ending, next, true, now);
        self.say(JoinEvent::FailoverStarted { from, fault, next });
        let mut lines = self.lines.iter();
        let is_beside = |it: &Line| matches!(it.stage, Stage::Behind | Stage::Standby);
        let waiting =
            lines.position(|it| is_beside(it) && it.next() == Some(next) && self.is_joinable(it));
        if let Some(place) = waiting {
            self.join(place, now);
        }
    }

    /// Asks all other lines whether the session goes on. They have [`END_HELD`] to show it, or until
    /// all have said that it does not.
    pub(super) fn seek_continuation(&mut self, now: Instant) {
        let Phase::In(own) = &self.phase else {
            return;
        };
        let Some(ending) = own.ending else {
            return;
        };
        let is_over = now >= ending.since + END_HELD;
        if !is_over {
            self.seek(Duration::ZERO, now);
        }
        if is_over || self.is_exhausted(now) && self.are_all_through() {
            self.end_session(now);
        }
    }

    fn are_all_through(&self) -> bool {
        let left_out = &self.search.left_out;
        let mut known = left_out
            .iter()
            .filter_map(|&target| self.targets.find(target));
        !left_out.is_empty() && known.all(Known::is_through)
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
