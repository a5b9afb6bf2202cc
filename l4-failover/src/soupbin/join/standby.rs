//! A line beside the joined one: the consumer gets each message from whichever brings it first, and
//! what the other brings later is compared with it.
//!
//! A line *stands by* once it repeated enough of what the consumer has. What it then brings first, the
//! consumer gets, as long as all that it brought late was equal. The *joined* line is the one that the
//! consumer's own messages go to; when it fails, the other is joined at once.

use std::time::Instant;

use super::action::{LineId, TargetId};
use super::event::JoinEvent;
use super::line::Line;
use super::options::COMPARED;
use super::{Join, Phase, Stage};
use crate::soupbin::packet::Packet;

impl Join {
    /// Whether another line is kept beside the joined one.
    pub(super) fn is_hot(&self) -> bool {
        self.ring.is_some()
    }

    /// Whether a line is looked for only to be kept beside the joined one.
    pub(super) fn is_served_hot(&self) -> bool {
        self.is_hot() && self.joined().is_some()
    }

    /// The joined line stands by from here on: which one, if there is one and the standby is hot.
    pub(super) fn step_back(&mut self) -> Option<LineId> {
        let is_hot = self.is_hot();
        let mut lines = self.lines.iter_mut();
        let line = lines.find(|it| is_hot && it.stage == Stage::Joined)?;
        line.stage = Stage::Standby;
        // The consumer went by it, and all that it repeated was equal.
        line.is_proven = true;
        Some(line.id)
    }

    /// What the consumer has already is all that a line can be compared with.
    pub(super) fn fill_ring(&mut self, next: u64) {
        let Some(ring) = &mut self.ring else {
            return;
        };
        let retained = self.history.retained();
        ring.restart(next - retained);
        let mut frames = Vec::new();
        for back in (1..=retained).rev() {
            let message = self.history.back(back).unwrap_or_default();
            let written = Packet::Sequenced(message).encode(&mut frames);
            debug_assert!(written.is_ok());
        }
        ring.push(&frames);
        self.lines.iter_mut().for_each(|line| line.place = None);
    }

    /// A line is good enough to be kept beside the joined one.
    pub(super) fn stand_by(&mut self, place: usize, now: Instant) {
        let Phase::In(at) = &self.phase else {
            return;
        };
        let next = at.next;
        if self.lines[place].stage != Stage::Behind {
            return;
        }
        // Of two the one that is preferred is kept.
        let id = self.lines[place].id;
        if let Some(another) = self.lines.iter().position(|it| it.stage == Stage::Standby) {
            let left = if self.lines[place].is_preferred {
                another
            } else {
                place
            };
            let line = self.lines.remove(left);
            self.leave(line);
        }
        let Some(place) = self.place_of(id) else {
            return;
        };
        self.prove(place, next);
        let line = &mut self.lines[place];
        line.stand_by(now);
        line.is_verified = line.compared >= COMPARED as u64;
        let Some(target) = line.target else {
            return;
        };
        let event = JoinEvent::StandingBy {
            target,
            at: line.since,
            compared: line.compared,
            is_verified: line.is_verified,
        };
        self.targets.get(target).joined();
        if let Phase::In(at) = &mut self.phase {
            // What it said before was an error, and it knows.
            at.beside_ended = at.beside_ended.filter(|it| it.from != target);
        }
        self.say(event);
        self.follow_preference(now);
    }

    /// Joins the line that is preferred, as soon as nothing is interrupted by it: where it stands at the
    /// consumer's next message. One that is always late is not waited for without end.
    pub(super) fn follow_preference(&mut self, now: Instant) {
        let (Phase::In(at), true) = (&self.phase, self.is_served_hot()) else {
            return;
        };
        let since = at.preferred.unwrap_or(now);
        let is_over = now >= since + self.options.catch_up;
        let is_ready = |line: &Line| {
            let is_there = line.next() == Some(at.next) || is_over;
            line.is_preferred && line.stage == Stage::Standby && is_there && line.is_proven
        };
        if let Some(place) = self.lines.iter().position(is_ready) {
            self.join(place, now);
        }
    }

    /// An operator has spoken: what diverged may be tried again, and must show anew what it carries.
    pub fn forgive_diverged(&mut self, now: Instant) {
        self.targets.forgive_diverged();
        self.search.nobody_until = None;
        self.advance(now);
    }

    /// Ends the lines to a target, except the joined one: an operator took it out. If it diverged, it may
    /// be tried again once it is back.
    pub fn leave_target(&mut self, target: TargetId, now: Instant) {
        let is_left = |line: &Line| line.target == Some(target) && line.stage != Stage::Joined;
        while let Some(place) = self.lines.iter().position(is_left) {
            let line = self.lines.remove(place);
            self.leave(line);
        }
        self.targets.get(target).forgive();
        self.advance(now);
    }

    /// The line that can carry the consumer on at once.
    pub(super) fn successor(&self) -> Option<usize> {
        let Phase::In(at) = &self.phase else {
            return None;
        };
        let is_next = |line: &Line| {
            let is_there = line.next() == Some(at.next);
            let is_beside = matches!(line.stage, Stage::Standby | Stage::Behind);
            self.is_hot() && is_beside && is_there && self.is_joinable(line)
        };
        self.lines.iter().position(is_next)
    }

    /// Ends the lines that are not needed beside this one, which was just joined. Where the standby is
    /// hot, the one before stays, or one that stood by, or one that is on its way.
    pub(super) fn leave_unneeded(&mut self, joined: LineId, before: Option<LineId>) {
        if !self.is_hot() {
            return self.leave_others(joined);
        }
        let rank = |line: &&Line| match line.stage {
            _ if line.id == joined => 0,
            _ if Some(line.id) == before => 5,
            Stage::Standby => 4,
            Stage::Behind => 3,
            Stage::Asked => 2,
            Stage::Dialling => 1,
            Stage::Held | Stage::Joined => 0,
        };
        let best = self.lines.iter().max_by_key(rank);
        let kept = best.filter(|line| rank(line) > 0).map(|line| line.id);
        let is_left = |line: &Line| line.id != joined && Some(line.id) != kept;
        while let Some(place) = self.lines.iter().position(is_left) {
            let line = self.lines.remove(place);
            self.leave(line);
        }
        self.lines
            .iter_mut()
            .for_each(|line| line.is_preferred = false);
    }

    /// Looks for a line to keep beside the joined one, and for the one that is preferred.
    pub(super) fn seek_beside(&mut self, now: Instant) {
        if !self.is_hot() {
            return;
        }
        let is_due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        if is_due(self.preferred_at()) {
            let but = self.targets.resting(now).collect();
            let line = self.dial(but, false, now);
            if let Some(place) = self.place_of(line) {
                self.lines[place].is_preferred = true;
            }
        } else if is_due(self.standby_at(now)) {
            let busy = self.lines.iter().filter_map(|line| line.target);
            let but = busy.chain(self.targets.resting(now)).collect();
            self.dial(but, true, now);
        }
    }

    /// When [`seek_beside`](Self::seek_beside) has something to do.
    pub(super) fn beside_due(&self, now: Instant) -> Option<Instant> {
        let due = [self.preferred_at(), self.standby_at(now)];
        due.into_iter().flatten().min().filter(|_| self.is_hot())
    }

    fn preferred_at(&self) -> Option<Instant> {
        let Phase::In(at) = &self.phase else {
            return None;
        };
        let is_under_way = self
            .lines
            .iter()
            .any(|it| it.is_preferred || it.is_chosen_now());
        at.preferred.filter(|_| !is_under_way)
    }

    fn standby_at(&self, now: Instant) -> Option<Instant> {
        let is_there = |line: &Line| line.is_candidate() || line.stage == Stage::Standby;
        let is_any = self.lines.iter().any(is_there);
        (!is_any).then(|| self.search.nobody_until.unwrap_or(now))
    }

    /// What is preferred leads to where a line leads already: whether that is settled by it.
    pub(super) fn is_there_already(
        &mut self,
        place: usize,
        target: TargetId,
        now: Instant,
    ) -> bool {
        let id = self.lines[place].id;
        let is_other = |line: &Line| line.id != id && line.target == Some(target);
        let Some(other) = self.lines.iter().position(is_other) else {
            return false;
        };
        self.lines[other].is_preferred |= self.lines[place].is_preferred;
        let line = self.lines.remove(place);
        self.leave(line);
        self.follow_preference(now);
        true
    }
}
