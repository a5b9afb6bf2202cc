//! What live lines bring: the consumer gets each message from whichever brings it first, and what the
//! other brings later is compared with it.

use std::time::Instant;

use super::action::End;
use super::event::{JoinEvent, LineFault};
use super::line::Line;
use super::options::{COMPARED, OnMismatch, OnUnverified};
use super::{Join, Phase, Stage, Step};
use crate::soupbin::packet::{HEADER, Kind, split};
use crate::soupbin::session::FromServer;

impl Join {
    /// Takes the messages that a line's bytes begin with, where the standby is hot: either those that
    /// the consumer has, or those that it gets now. None if there are none to take so.
    pub(super) fn run(&mut self, place: usize, bytes: &[u8], now: Instant) -> Option<Step> {
        let (true, Phase::In(at)) = (self.is_hot(), &self.phase) else {
            return None;
        };
        let (next, number) = (at.next, self.lines[place].next()?);
        let is_message = matches!(split(bytes), Ok(Some(frame)) if frame.kind == Kind::Sequenced);
        match is_message {
            true if number < next => self.late(place, bytes, now),
            true => self.first(place, bytes, now),
            false => None,
        }
    }

    /// A line brings messages that the consumer has.
    fn late(&mut self, place: usize, bytes: &[u8], now: Instant) -> Option<Step> {
        let id = self.lines[place].id;
        self.find_place(place, now);
        let Some(place) = self.place_of(id) else {
            return Some(taken(bytes.len()));
        };
        let (Phase::In(at), Some(ring)) = (&self.phase, &self.ring) else {
            return None;
        };
        let (line, next) = (&mut self.lines[place], at.next);
        let number = line.next()?;
        let Some(lies) = line.place else {
            let (run, messages) = count(line, bytes, ring.first());
            line.discarded += messages;
            if line.next() == Some(next) {
                self.arrived(place, now);
            }
            self.advance(now);
            return (run > 0).then_some(taken(run));
        };
        let (run, messages) = count(line, bytes, next);
        if run == 0 {
            return None;
        }
        let same = ring.same(lies, &bytes[..run]);
        if same < run {
            let sequence = number + frames_within(bytes, same);
            self.differs(place, sequence, now);
        } else {
            line.place = Some(lies + run as u64);
            line.compared += messages;
            line.is_holding = false;
            self.came_nearer(place, now);
        }
        self.advance(now);
        Some(taken(run))
    }

    /// Finds where the line's next message lies in what is kept.
    fn find_place(&mut self, place: usize, now: Instant) {
        let (Some(ring), line) = (&self.ring, &mut self.lines[place]) else {
            return;
        };
        if line.place.is_some_and(|lies| ring.has(lies)) {
            return;
        }
        let found = line.next().and_then(|number| ring.place_of(number));
        let was_known = std::mem::replace(&mut line.place, found).is_some();
        if was_known && found.is_none() {
            self.fell_behind(place, now);
        }
    }

    /// A line is further behind than what is kept.
    fn fell_behind(&mut self, place: usize, now: Instant) {
        let Phase::In(at) = &self.phase else {
            return;
        };
        let (next, line) = (at.next, &mut self.lines[place]);
        let (stage, target, at) = (line.stage, line.target, line.next().unwrap_or_default());
        match (stage, target) {
            (Stage::Joined, _) => self.fail(place, LineFault::Behind { at }, now),
            (Stage::Standby, Some(target)) => {
                line.forget(now);
                self.say(JoinEvent::Unverified { target, at, next });
            }
            _ => line.forget(line.accepted),
        }
    }

    /// A line that repeated what the consumer has got further with it.
    fn came_nearer(&mut self, place: usize, now: Instant) {
        let Phase::In(at) = &self.phase else {
            return;
        };
        let (next, is_disturbed) = (at.next, at.ending.is_some() || at.outage.is_some());
        self.prove(place, next);
        let line = &self.lines[place];
        let is_there = line.next() == Some(next);
        let is_known = line.compared >= COMPARED as u64;
        match line.stage {
            Stage::Behind if is_known && !is_disturbed => self.stand_by(place, now),
            Stage::Behind | Stage::Standby if is_there => self.arrived(place, now),
            _ => {}
        }
        self.follow_preference(now);
        self.verify();
    }

    /// Whether a line has repeated as much as there was, up to [`COMPARED`].
    pub(super) fn prove(&mut self, place: usize, next: u64) {
        let line = &mut self.lines[place];
        let needed = (COMPARED as u64).min(next - 1);
        line.is_proven |= line.compared >= needed;
    }

    /// Lines that repeated enough are trusted; and so are those whose messages they were.
    fn verify(&mut self) {
        for place in 0..self.lines.len() {
            let line = &self.lines[place];
            if line.is_live() && !line.is_verified && self.is_trusted(line) {
                let (target, is_joined) = (line.target, line.stage == Stage::Joined);
                self.lines[place].is_verified = true;
                if let Phase::In(at) = &mut self.phase {
                    at.is_verified |= is_joined;
                }
                let event = target.map(|target| JoinEvent::Verified { target });
                event.into_iter().for_each(|event| self.say(event));
            }
        }
    }

    /// Whether a line repeated enough, or another one enough of what came since it was live.
    fn is_trusted(&self, line: &Line) -> bool {
        let enough = COMPARED as u64;
        let is_repeated = |other: &Line| {
            let is_further = other.next().is_some_and(|next| next >= line.since + enough);
            other.id != line.id && other.compared >= enough && is_further
        };
        let was_repeated = line.emitted >= enough && self.lines.iter().any(is_repeated);
        line.compared >= enough || was_repeated
    }

    /// A line brings what the consumer waits for.
    fn first(&mut self, place: usize, bytes: &[u8], now: Instant) -> Option<Step> {
        if !self.may_emit(&self.lines[place]) {
            self.lines[place].is_holding = true;
            return Some(taken(0));
        }
        let id = self.lines[place].id;
        let Phase::In(at) = &self.phase else {
            return None;
        };
        let (next, is_awaited) = (at.next, at.ending.is_some() || at.outage.is_some());
        if is_awaited {
            self.join(place, now);
        }
        let place = self.place_of(id)?;
        let run = self.forward(place, bytes, now);
        let (Phase::In(at), Some(ring)) = (&mut self.phase, &mut self.ring) else {
            return None;
        };
        ring.push(&bytes[..run]);
        let line = &mut self.lines[place];
        line.place = Some(ring.end());
        line.emitted += at.next - next;
        line.is_holding = false;
        if run > 0
            && let Some(ending) = at.beside_ended.take()
        {
            self.ended_early(ending, next, false, now);
        }
        (run > 0).then_some(Step {
            taken: run,
            forward: 0..run,
        })
    }

    /// Whether the consumer may get its next message from this line.
    fn may_emit(&self, line: &Line) -> bool {
        let Phase::In(at) = &self.phase else {
            return false;
        };
        let is_awaited = at.ending.is_some() || at.outage.is_some();
        !self.is_blocked
            && match line.stage {
                Stage::Joined => true,
                Stage::Standby | Stage::Behind if is_awaited => self.is_joinable(line),
                Stage::Standby => line.is_proven,
                Stage::Behind | Stage::Held | Stage::Dialling | Stage::Asked => false,
            }
    }

    /// Whether a line may carry the consumer on, once it stands where that is.
    pub(super) fn is_joinable(&self, line: &Line) -> bool {
        let is_believed = self.options.on_unverified == OnUnverified::Join;
        is_believed || !line.is_blind || line.compared > 0
    }

    /// Whether a line stands at the consumer's next message, and must keep that.
    pub(super) fn is_kept_waiting(&self, line: &Line) -> bool {
        let Phase::In(at) = &self.phase else {
            return false;
        };
        let is_there = line.next() == Some(at.next);
        let is_stopped = self.is_blocked && (line.is_live() && is_there || line.is_holding);
        is_stopped || is_there && line.is_holding && !self.may_emit(line)
    }

    /// Whether a frame without a number must wait until the consumer takes something: a joined line is
    /// read on meanwhile if it is late.
    pub(super) fn must_wait(&self, place: usize, kind: Kind) -> bool {
        let goes_on = matches!(kind, Kind::Unsequenced | Kind::Debug);
        let is_joined = self.lines[place].stage == Stage::Joined;
        self.is_hot() && self.is_blocked && is_joined && goes_on
    }

    /// A line has another message than the consumer got. One that is known to count as the others do
    /// has diverged, and is out; another may have numbered by what it was asked for.
    fn differs(&mut self, place: usize, sequence: u64, now: Instant) {
        let line = &self.lines[place];
        let is_out = match line.stage {
            Stage::Joined => true,
            Stage::Standby => line.is_proven || line.asked == 1,
            _ => line.asked == 1,
        };
        let (fault, target) = (LineFault::Mismatch { sequence }, line.target);
        let Some(target) = target.filter(|_| is_out) else {
            return self.fail(place, fault, now);
        };
        self.targets.get(target).diverged = Some(sequence);
        self.say(JoinEvent::Diverged { target, sequence });
        match self.options.on_mismatch {
            OnMismatch::Report => self.fail(place, fault, now),
            OnMismatch::Close => self.end(End::Mismatch { sequence }),
        }
    }
}

fn taken(bytes: usize) -> Step {
    Step {
        taken: bytes,
        forward: 0..0,
    }
}

/// Counts the messages that `bytes` begin with, those before `until`: their bytes, and how many.
fn count(line: &mut Line, bytes: &[u8], until: u64) -> (usize, u64) {
    let (mut run, mut messages) = (0, 0);
    let Some(session) = &mut line.session else {
        return (0, 0);
    };
    while session.next().is_some_and(|next| next < until)
        && let Ok(Some(frame)) = split(&bytes[run..])
        && frame.kind == Kind::Sequenced
        && let Ok(FromServer::Sequenced { message, .. }) = session.received(frame)
    {
        run += HEADER + message.len();
        messages += 1;
    }
    (run, messages)
}

/// How many whole frames lie before this byte.
fn frames_within(bytes: &[u8], end: usize) -> u64 {
    let (mut at, mut frames) = (0, 0);
    while let Ok(Some(frame)) = split(&bytes[at..]) {
        at += frame.len();
        if at > end {
            break;
        }
        frames += 1;
    }
    frames
}
