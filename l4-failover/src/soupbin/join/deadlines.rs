//! What time brings.

use std::time::{Duration, Instant};

use super::action::{Action, End};
use super::event::{JoinEvent, LineFault};
use super::{END_HELD, Join, Phase, Place, Stage};
use crate::soupbin::packet::Packet;
use crate::soupbin::session::Tick;

impl Join {
    /// When [`tick`](Self::tick) has something to do, unless something else happens before.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        if self.is_over() {
            return None;
        }
        let lines = self.lines.iter();
        let lines = lines.filter_map(|line| match line.stage {
            Stage::Dialling => None,
            Stage::Behind => {
                let due = line.session.as_ref()?.due();
                Some(self.behind_until(line).map_or(due, |until| due.min(until)))
            }
            Stage::Asked => Some(line.session.as_ref()?.due().min(line.answers_by())),
            Stage::Held | Stage::Standby | Stage::Joined => {
                let due = line.session.as_ref()?.due();
                Some(line.quiet_at().map_or(due, |quiet| due.min(quiet)))
            }
        });
        let own = [
            Some(self.consumer.due()),
            self.phase_due(),
            self.dropped_due(),
        ];
        own.into_iter().flatten().chain(lines).min()
    }

    fn phase_due(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Waiting | Phase::Over => None,
            Phase::LoggingIn(login) => {
                let end = login.since + self.options.login_wait;
                let seeks_at = self.seeks_at(self.login_company_after(login));
                let seeks_at = seeks_at.filter(|_| !self.is_one_behind());
                Some(seeks_at.map_or(end, |at| at.min(end)))
            }
            Phase::In(place) => self.in_due(place),
        }
    }

    fn in_due(&self, place: &Place) -> Option<Instant> {
        let is_served = place.outage.is_none() && place.ending.is_none();
        if self.is_hot() && is_served {
            return self.beside_due(place.since);
        }
        let (end, seeks_at) = match (&place.outage, place.ending, place.preferred) {
            (_, Some(ending), _) => (ending.since + END_HELD, self.seeks_at(Duration::ZERO)),
            (Some(outage), None, _) => {
                let end = outage.since + self.options.max_outage;
                (end, self.seeks_at(Self::company_after()))
            }
            (None, None, Some(from)) => return self.prefers_at(from),
            (None, None, None) => return None,
        };
        Some(seeks_at.map_or(end, |at| at.min(end)))
    }

    /// When a line must have come to the consumer's next message; before the consumer's login is
    /// answered, that has its own time.
    fn behind_until(&self, line: &super::Line) -> Option<Instant> {
        let is_in = matches!(self.phase, Phase::In(_));
        is_in.then(|| line.accepted + self.options.catch_up)
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Instant) {
        if self.is_over() {
            return;
        }
        self.tick_consumer(now);
        if self.dropped_due().is_some_and(|due| now >= due) {
            self.tell_dropped(now);
        }
        let mut place = 0;
        while place < self.lines.len() && !self.is_over() {
            let before = self.lines.len();
            self.tick_line(place, now);
            // A line that failed is no longer there.
            place += usize::from(self.lines.len() == before);
        }
        self.advance(now);
    }

    fn tick_consumer(&mut self, now: Instant) {
        match self.consumer.tick(now) {
            Tick::Nothing => {}
            Tick::Heartbeat => self.act(Action::Tell(super::encoded(&Packet::ServerHeartbeat))),
            Tick::Silent => self.end(End::Silent),
            Tick::NoLogin => self.end(End::NoLogin),
        }
    }

    fn tick_line(&mut self, place: usize, now: Instant) {
        let until = self.behind_until(&self.lines[place]);
        if self.is_unread(&self.lines[place]) {
            self.lines[place].heard(now);
        }
        let line = &mut self.lines[place];
        let silence = line.options.silence;
        let tick = line.session.as_mut().map(|session| session.tick(now));
        match tick {
            Some(Tick::Heartbeat) => self.send(place, &Packet::ClientHeartbeat, now),
            Some(Tick::Silent) => return self.fail(place, LineFault::Silent(silence), now),
            Some(Tick::Nothing | Tick::NoLogin) | None => {}
        }
        let line = &mut self.lines[place];
        if line.quiet_at().is_some_and(|quiet| now >= quiet) {
            line.is_quiet = true;
            let silent_for = now.saturating_duration_since(line.heard);
            let target = line.target;
            target
                .into_iter()
                .for_each(|target| self.say(JoinEvent::LineQuiet { target, silent_for }));
        }
        let line = &self.lines[place];
        match line.stage {
            Stage::Asked if now >= line.answers_by() => {
                self.fail(place, LineFault::NoAnswer, now);
            }
            Stage::Behind if until.is_some_and(|until| now >= until) => {
                let at = line.next().unwrap_or_default();
                self.fail(place, LineFault::Behind { at }, now);
            }
            _ => {}
        }
    }

    /// Goes on looking for lines, as far as there is something to look for.
    pub(super) fn advance(&mut self, now: Instant) {
        match &self.phase {
            Phase::Waiting | Phase::Over => {}
            Phase::LoggingIn(_) => self.seek_login(now),
            Phase::In(place) if place.ending.is_some() => self.seek_continuation(now),
            Phase::In(_) => self.seek_line(now),
        }
    }
}
