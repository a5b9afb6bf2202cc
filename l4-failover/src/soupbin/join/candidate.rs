//! Finding lines: whom to dial, and when.

use std::time::{Duration, Instant};

use super::action::{Action, LineId, TargetId};
use super::event::{JoinEvent, LineFault};
use super::line::Line;
use super::options::LineOptions;
use super::target::{REST_MAX, REST_MAX_WAITING, STABLE};
use super::{CANDIDATES_MAX, HEDGE, Join, NOBODY_RETRY, Outage, Phase, Search, Stage};
use crate::soupbin::packet::{LoginRequest, Packet};
use crate::soupbin::session::{ClientLimits, ClientSession};

impl Join {
    /// A line is being dialled, and leads there.
    pub fn dialling(&mut self, line: LineId, target: TargetId, options: LineOptions, now: Instant) {
        self.targets.get(target);
        let Some(place) = self.place_of(line) else {
            return;
        };
        // What is preferred may be what is there.
        if self.joined() == Some(target) {
            self.unprefer();
            let line = self.lines.remove(place);
            self.leave(line);
            return;
        }
        let line = &mut self.lines[place];
        line.target = Some(target);
        line.options = options;
        line.dialled = now;
        self.advance(now);
    }

    /// There is nobody left to dial.
    pub fn nobody(&mut self, line: LineId, now: Instant) {
        let Some(place) = self.place_of(line) else {
            return;
        };
        self.lines.remove(place);
        let again = now + NOBODY_RETRY;
        let rested = self.targets.rested(now);
        self.search.nobody_until = Some(rested.map_or(again, |rested| rested.min(again)));
        self.advance(now);
    }

    /// A line is connected: its login is the next thing to send.
    pub fn connected(&mut self, line: LineId, now: Instant) {
        let Some(place) = self.place_of(line) else {
            return;
        };
        let Some(login) = self.login_for(place) else {
            return;
        };
        let line = &mut self.lines[place];
        line.stage = Stage::Asked;
        line.connected = now;
        line.heard = now;
        line.asked = login.sequence;
        let limits = ClientLimits {
            silence: line.options.silence,
        };
        line.session = Some(ClientSession::new(login, limits, now));
        self.send(place, &Packet::LoginRequest(login), now);
        if matches!(self.phase, Phase::LoggingIn(_)) {
            self.leave_unanswered(self.lines[place].id);
        }
        self.advance(now);
    }

    /// What a line is asked for.
    fn login_for(&mut self, place: usize) -> Option<LoginRequest> {
        let (request, session, sequence) = match &self.phase {
            Phase::LoggingIn(login) => (login.request, login.session, login.request.sequence),
            Phase::In(at) => {
                let target = self.lines[place].target?;
                let retained = match self.targets.get(target).is_asked_at_next {
                    true => 0,
                    false => self.history.retained(),
                };
                (
                    at.request,
                    at.session,
                    at.next.saturating_sub(retained).max(1),
                )
            }
            Phase::Waiting | Phase::Over => return None,
        };
        let options = &self.lines[place].options;
        Some(LoginRequest {
            credentials: options.credentials.unwrap_or(request.credentials),
            session,
            sequence,
            heartbeat_timeout: options.heartbeat_timeout,
        })
    }

    /// A line could not be connected to, or broke.
    pub fn failed(&mut self, line: LineId, fault: LineFault, now: Instant) {
        if let Some(place) = self.place_of(line) {
            self.fail(place, fault, now);
            self.advance(now);
        }
    }

    /// Ends a line that is of no use.
    pub(super) fn fail(&mut self, place: usize, fault: LineFault, now: Instant) {
        let line = self.lines.remove(place);
        self.act(Action::Close { line: line.id });
        self.search.nobody_until = None;
        let Some(target) = line.target else {
            return;
        };
        let was_joined = line.stage == Stage::Joined;
        let lived = match was_joined {
            true => now.saturating_duration_since(line.accepted),
            false => Duration::ZERO,
        };
        if matches!(self.phase, Phase::LoggingIn(_)) {
            // What it sent on its way to the number that is asked for.
            self.history.clear();
        }
        let patience = self.patience(was_joined);
        let known = self.targets.get(target);
        let is_news = known.fault.as_ref().map(LineFault::as_str) != Some(fault.as_str());
        known.failed(fault.clone(), lived, patience, &mut self.random, now);
        if was_joined || is_news {
            self.say(JoinEvent::LineDown {
                target,
                fault: fault.clone(),
                was_joined,
            });
        }
        if was_joined {
            self.lost(&line, target, fault, now);
        }
    }

    /// How long a target rests at most: not long while a consumer waits.
    fn patience(&self, was_joined: bool) -> Duration {
        let is_served = !was_joined && self.joined().is_some();
        if is_served {
            REST_MAX
        } else {
            REST_MAX_WAITING
        }
    }

    /// The joined line failed.
    fn lost(&mut self, line: &Line, from: TargetId, fault: LineFault, now: Instant) {
        let Phase::In(place) = &mut self.phase else {
            return;
        };
        // A line that brought nothing and did not last did not end the outage before.
        let before = place.last_outage.filter(|last| last.next == place.next);
        let is_same = now.saturating_duration_since(line.accepted) < STABLE;
        let before = before.filter(|_| is_same).map(|last| last.since);
        place.outage = Some(Outage {
            since: before.unwrap_or(now),
            detect: now.saturating_duration_since(line.heard),
            from,
        });
        place.preferred = None;
        let next = place.next;
        self.search = Search::default();
        self.targets.forgive_others(from);
        self.say(JoinEvent::FailoverStarted { from, fault, next });
    }

    /// Dials another line, if the ones under way are not enough.
    pub(super) fn seek(&mut self, company_after: Duration, now: Instant) {
        while self.wants_line(company_after, now) {
            let line = LineId(self.lines_made);
            self.lines_made += 1;
            // Where the joined line leads may be what is preferred, too.
            let others = self.lines.iter().filter(|it| it.stage != Stage::Joined);
            let busy = others.filter_map(|line| line.target);
            let but: Vec<TargetId> = busy.chain(self.targets.resting(now)).collect();
            self.search.left_out.clone_from(&but);
            self.lines.push(Line::new(line, now));
            self.act(Action::Dial { line, but });
        }
    }

    fn wants_line(&self, company_after: Duration, now: Instant) -> bool {
        let candidates = self.lines.iter().filter(|line| line.is_candidate());
        let is_choosing = candidates.clone().any(|line| line.target.is_none());
        let is_nobody = self.search.nobody_until.is_some_and(|until| now < until);
        let newest = candidates.clone().map(|line| line.dialled).max();
        let is_alone_for_long = newest.is_none_or(|newest| now >= newest + company_after);
        !is_choosing && !is_nobody && is_alone_for_long && candidates.count() < CANDIDATES_MAX
    }

    /// When [`seek`](Self::seek) would dial again.
    pub(super) fn seeks_at(&self, company_after: Duration) -> Option<Instant> {
        let candidates = self.lines.iter().filter(|line| line.is_candidate());
        if candidates.clone().count() >= CANDIDATES_MAX {
            return None;
        }
        let newest = candidates.map(|line| line.dialled).max();
        let company = newest.map(|newest| newest + company_after);
        let nobody = self.search.nobody_until;
        company.max(nobody)
    }

    /// The usual time until a line gets company.
    pub(super) const fn company_after() -> Duration {
        HEDGE
    }

    /// Whether the search is over for now: nobody is under way, and nobody left to dial.
    pub(super) fn is_exhausted(&self, now: Instant) -> bool {
        let is_nobody = self.search.nobody_until.is_some_and(|until| now < until);
        is_nobody && !self.lines.iter().any(Line::is_candidate)
    }
}
