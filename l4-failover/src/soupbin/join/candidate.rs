//! Finding lines: whom to dial, and when.

use std::time::{Duration, Instant};

use super::action::{Action, LineId, TargetId};
use super::event::{JoinEvent, LineFault};
use super::line::Line;
use super::options::{BLIND, LineOptions};
use super::target::{LONG_WAIT, REST_MAX, REST_MAX_WAITING, SOON, STABLE};
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
            return self.seek_beside(now);
        }
        if self.is_hot() && self.is_there_already(place, target, now) {
            return self.advance(now);
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
        let line = self.lines.remove(place);
        let is_served = self.joined().is_some();
        let again = now + if is_served { REST_MAX } else { NOBODY_RETRY };
        let rested = self.targets.rested(now);
        let until = rested.map_or(again, |rested| rested.min(again));
        self.search.left_out = line.but;
        match &mut self.phase {
            Phase::In(at) if line.is_preferred => at.preferred = at.preferred.map(|_| until),
            _ => self.search.nobody_until = Some(until),
        }
        self.advance(now);
    }

    /// A line is connected: its login is the next thing to send.
    pub fn connected(&mut self, line: LineId, now: Instant) {
        let Some(place) = self.place_of(line) else {
            return;
        };
        if self.lines[place].stage != Stage::Dialling {
            return;
        }
        let Some(login) = self.login_for(place) else {
            let unknown = LineFault::Unreachable("connected, and nobody said where to".to_owned());
            return self.failed(line, unknown, now);
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
        self.end_unanswered(self.lines[place].id, now);
        self.advance(now);
    }

    /// What a line is asked for.
    fn login_for(&mut self, place: usize) -> Option<LoginRequest> {
        let target = self.lines[place].target?;
        let (request, session, sequence) = match &self.phase {
            Phase::LoggingIn(login) => (login.request, login.session, login.request.sequence),
            Phase::In(at) => {
                let back = match (
                    self.targets.get(target).is_asked_at_next,
                    self.history.retained(),
                ) {
                    (true, _) => 0,
                    // Nothing can be compared; but a line that is behind and numbers by what it is asked
                    // for would not be known for it.
                    (false, 0) => BLIND,
                    (false, retained) => retained,
                };
                let sequence = at.next.saturating_sub(back).max(1);
                (at.request, at.session, sequence)
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
        let Some(target) = line.target else {
            // Nothing rests, so the search does: it must not go round and round.
            self.search.left_out.clear();
            self.search.nobody_until = Some(now + NOBODY_RETRY);
            return;
        };
        self.search.nobody_until = None;
        let was_joined = line.stage == Stage::Joined;
        let lived = line.lived(now);
        self.forget_login(&line);
        let patience = self.patience(was_joined, now);
        let known = self.targets.get(target);
        let is_known = known.fault.as_ref().map(LineFault::as_str) == Some(fault.as_str());
        known.was_up = line.is_in();
        known.died_soon = was_joined && lived < SOON;
        known.failed(fault.clone(), lived, patience, &mut self.random, now);
        let was_looked_for = !was_joined && (line.is_preferred || !self.is_hot());
        let known = self.targets.get(target);
        if let (true, Phase::In(place)) = (was_looked_for, &mut self.phase) {
            let rested = known.retry_at.unwrap_or(now);
            place.preferred = place.preferred.map(|from| from.max(rested));
        }
        self.say(JoinEvent::LineDown {
            target,
            fault: fault.clone(),
            was_joined,
            is_known,
        });
        if was_joined {
            self.lost(&line, target, fault, now);
        }
    }

    /// What a line has said of a session that the consumer was not yet told of goes with it.
    fn forget_login(&mut self, line: &Line) {
        if let Phase::LoggingIn(login) = &mut self.phase {
            if line.stage == Stage::Behind {
                self.history.clear();
            }
            if !self.lines.iter().any(Line::is_in) {
                login.session = login.request.session;
            }
        }
    }

    /// How long a target rests at most: not long while a consumer waits, unless it is one that waits
    /// for a long time.
    fn patience(&self, was_joined: bool, now: Instant) -> Duration {
        let is_served = !was_joined && self.joined().is_some();
        let waits_since = match &self.phase {
            Phase::LoggingIn(login) => Some(login.since),
            Phase::In(at) => at.outage.as_ref().map(|it| it.since),
            Phase::Waiting | Phase::Over => None,
        };
        let is_long = waits_since.is_some_and(|since| now >= since + LONG_WAIT);
        if is_served || is_long || self.successor().is_some() {
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
        // A line that brought nothing and did not last did not end the outage before; and one that
        // said nothing at all was as good as none.
        let lived = line.lived(now);
        let before = place.last_outage.filter(|last| last.next == place.next);
        let before = before.filter(|_| lived < STABLE).map(|last| {
            let was_mute = line.heard <= line.joined;
            last.spent + if was_mute { lived } else { Duration::ZERO }
        });
        place.outage = Some(Outage {
            since: before
                .and_then(|spent| now.checked_sub(spent))
                .unwrap_or(now),
            detect: now.saturating_duration_since(line.heard),
            from,
        });
        place.preferred = None;
        let next = place.next;
        if let (Some(ended), None) = (place.beside_ended.take(), self.successor()) {
            return self.believe_end(ended, now);
        }
        self.say(JoinEvent::FailoverStarted { from, fault, next });
        if let Some(successor) = self.successor() {
            return self.join(successor, now);
        }
        self.search = Search::default();
        // Lines that die as soon as they are joined must not be gone through without a rest.
        match lived < REST_MAX_WAITING && before.is_some() {
            true => self.targets.hasten(now + REST_MAX_WAITING),
            false => self.targets.forgive_others(from),
        }
    }

    /// Dials another line, if the ones under way are not enough.
    pub(super) fn seek(&mut self, company_after: Duration, now: Instant) {
        while self.wants_line(company_after, now) {
            // Where the joined line leads may be what is preferred, too.
            let others = self.lines.iter().filter(|it| it.stage != Stage::Joined);
            let busy = others.filter_map(|line| line.target);
            let but: Vec<TargetId> = busy.chain(self.targets.resting(now)).collect();
            self.dial(but, false, now);
        }
    }

    /// Has one more line dialled; `is_standby` if it is not to take the place of the joined one.
    pub(super) fn dial(&mut self, but: Vec<TargetId>, is_standby: bool, now: Instant) -> LineId {
        let line = LineId(self.lines_made);
        self.lines_made += 1;
        self.lines.push(Line::new(line, but.clone(), now));
        self.act(Action::Dial {
            line,
            but,
            is_standby,
        });
        line
    }

    fn wants_line(&self, company_after: Duration, now: Instant) -> bool {
        let candidates = self.lines.iter().filter(|line| line.is_candidate());
        let is_nobody = self.search.nobody_until.is_some_and(|until| now < until);
        let newest = candidates.map(|line| line.dialled).max();
        let is_alone_for_long = newest.is_none_or(|newest| now >= newest + company_after);
        self.has_room() && !is_nobody && is_alone_for_long
    }

    /// Whether one more line may be tried: one is chosen at a time.
    fn has_room(&self) -> bool {
        let mut candidates = self.lines.iter().filter(|line| line.is_candidate());
        let is_choosing = candidates.clone().any(Line::is_chosen_now);
        !is_choosing && candidates.by_ref().count() < CANDIDATES_MAX
    }

    /// When [`seek`](Self::seek) would dial again.
    pub(super) fn seeks_at(&self, company_after: Duration) -> Option<Instant> {
        if !self.has_room() {
            return None;
        }
        let candidates = self.lines.iter().filter(|line| line.is_candidate());
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
        let may_come = |line: &Line| {
            line.is_candidate() || line.stage == Stage::Standby && self.is_joinable(line)
        };
        is_nobody && !self.lines.iter().any(may_come)
    }
}
