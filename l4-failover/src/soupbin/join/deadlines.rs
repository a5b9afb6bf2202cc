//! What time brings.

use std::time::Instant;

use super::action::{Action, End};
use super::event::{JoinEvent, LineFault};
use super::{Join, Phase, Stage};
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
            Stage::Behind => Some(line.session.as_ref()?.due().min(self.behind_until(line))),
            Stage::Asked | Stage::Held | Stage::Joined => {
                let due = line.session.as_ref()?.due();
                Some(line.quiet_at().map_or(due, |quiet| due.min(quiet)))
            }
        });
        let own = [Some(self.consumer.due()), self.phase_due()];
        own.into_iter().flatten().chain(lines).min()
    }

    fn phase_due(&self) -> Option<Instant> {
        let wait = self.options.login_wait;
        match &self.phase {
            Phase::Waiting | Phase::Over => None,
            Phase::LoggingIn(login) => {
                let end = login.since + wait;
                Some(self.seeks_at(wait / 2).map_or(end, |at| at.min(end)))
            }
            Phase::In(place) => {
                let (end, company) = match (&place.outage, place.ends_at, place.preferred) {
                    (_, Some(ends_at), _) => (Some(ends_at), std::time::Duration::ZERO),
                    (Some(outage), None, _) => (
                        Some(outage.since + self.options.max_outage),
                        Self::company_after(),
                    ),
                    (None, None, Some(_)) => (None, self.options.catch_up),
                    (None, None, None) => return None,
                };
                [end, self.seeks_at(company)].into_iter().flatten().min()
            }
        }
    }

    /// When a line must have come to the consumer's next message.
    fn behind_until(&self, line: &super::Line) -> Instant {
        let bound = match self.phase {
            Phase::LoggingIn(_) => self.options.login_wait,
            _ => self.options.catch_up,
        };
        line.accepted + bound
    }

    /// Does what is due at `now`.
    pub fn tick(&mut self, now: Instant) {
        self.tick_consumer(now);
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
        let is_unread = self.is_blocked || self.lines[place].stage == Stage::Held;
        if is_unread {
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
        if line.stage == Stage::Behind && now >= until {
            let at = line.next().unwrap_or_default();
            self.fail(place, LineFault::Behind { at }, now);
        }
    }

    /// Goes on looking for lines, as far as there is something to look for.
    pub(super) fn advance(&mut self, now: Instant) {
        match &self.phase {
            Phase::Waiting | Phase::Over => {}
            Phase::LoggingIn(_) => self.seek_login(now),
            Phase::In(place) if place.ends_at.is_some() => self.seek_continuation(now),
            Phase::In(_) => self.seek_line(now),
        }
    }
}
