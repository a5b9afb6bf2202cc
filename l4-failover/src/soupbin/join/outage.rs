//! In mid-stream: a line is lost, or another preferred; a new one repeats what the consumer has, and
//! is joined where it comes to what the consumer has not.

use std::time::{Duration, Instant};

use super::action::End;
use super::event::{JoinEvent, Joined, LineFault, Why};
use super::line::Line;
use super::options::{COMPARED, OnGap, OnUnverified};
use super::{Join, LastOutage, Phase, Search, Stage};
use crate::soupbin::packet::{LoginAccepted, Reject};

impl Join {
    /// Another line is preferred: the one that whoever dials chooses now. It is joined before the
    /// one that there is is left, and that stays as long as the other cannot be joined.
    pub fn prefer_another(&mut self, now: Instant) {
        let Some(joined) = self.joined() else {
            // Whatever is chosen next is what is preferred.
            return;
        };
        if let Phase::In(place) = &mut self.phase {
            place.preferred = Some(now);
            self.search = Search::default();
            self.targets.forgive_others(joined);
            self.advance(now);
        }
    }

    /// When another line is dialled next, though there is one.
    pub(super) fn prefers_at(&self, from: Instant) -> Option<Instant> {
        match self.seeks_at(self.options.catch_up) {
            Some(at) => Some(at.max(from)),
            None => Some(from).filter(|_| !self.lines.iter().any(Line::is_candidate)),
        }
    }

    /// The line that there is is as good as any.
    pub(super) fn unprefer(&mut self) {
        if let Phase::In(place) = &mut self.phase {
            place.preferred = None;
        }
    }

    /// A line accepted its login.
    pub(super) fn accepted(&mut self, place: usize, accepted: LoginAccepted, now: Instant) {
        let line = &mut self.lines[place];
        line.accepted = now;
        line.first = accepted.sequence;
        if let Some(target) = line.target {
            let event = JoinEvent::LineUp {
                target,
                session: accepted.session,
                asked: line.asked,
                accepted: accepted.sequence,
            };
            // One that comes up again and again only to fail is no news.
            let known = self.targets.get(target);
            let is_news = known.fault.is_none() || !known.was_up;
            known.was_up = true;
            is_news.then(|| self.say(event));
        }
        match &self.phase {
            Phase::LoggingIn(_) => self.login_accepted(place, accepted, now),
            Phase::In(_) => self.line_accepted(place, accepted, now),
            Phase::Waiting | Phase::Over => {}
        }
    }

    fn line_accepted(&mut self, place: usize, accepted: LoginAccepted, now: Instant) {
        let Phase::In(at) = &self.phase else {
            return;
        };
        let id = self.lines[place].id;
        let (found, first, next) = (accepted.session, accepted.sequence, at.next);
        if found != at.session {
            return self.fail(place, LineFault::OtherSession { found }, now);
        }
        if first > next && at.ending.is_some() {
            // The session went on, though not from here.
            self.disprove_end(now);
        }
        let Some(place) = self.place_of(id) else {
            return;
        };
        if first > next {
            let is_needed = self.joined().is_none();
            // While there is a line, a better one does not begin later.
            return match is_needed {
                true => self.lines[place].stage = Stage::Held,
                false => self.fail(place, LineFault::Gap { first }, now),
            };
        }
        let repeats = (next - first).min(self.history.retained());
        let is_blind = repeats == 0 && self.history.retained() > 0;
        let is_refused = is_blind && self.options.on_unverified == OnUnverified::Refuse;
        // Beside a joined line it can be compared with what comes.
        if is_refused && !self.is_served_hot() {
            return self.fail(place, LineFault::Unverified, now);
        }
        self.lines[place].stage = Stage::Behind;
        self.lines[place].is_blind = is_blind;
        self.send_subscription(place, now);
        if first == next {
            self.arrived(place, now);
        }
    }

    /// A line rejected its login.
    pub(super) fn rejected(&mut self, place: usize, reject: Reject, now: Instant) {
        match &self.phase {
            Phase::LoggingIn(_) => self.login_rejected(place, reject, now),
            Phase::In(_) => self.line_rejected(place, reject, now),
            Phase::Waiting | Phase::Over => {}
        }
    }

    /// A session that is not available so far back may be from the next message on.
    fn line_rejected(&mut self, place: usize, reject: Reject, now: Instant) {
        let (target, asked) = (self.lines[place].target, self.lines[place].asked);
        self.fail(place, LineFault::Rejected(reject), now);
        let (Some(target), Phase::In(at)) = (target, &self.phase) else {
            return;
        };
        let is_reach = reject == Reject::SessionUnavailable && asked < at.next;
        let is_of_use = self.options.on_unverified == OnUnverified::Join || self.is_served_hot();
        let is_tried_nearer = is_reach && is_of_use;
        let known = self.targets.get(target);
        // Once: the next number moves on while another line is joined.
        let is_tried_nearer = is_tried_nearer && !known.is_asked_at_next;
        known.is_asked_at_next = is_tried_nearer;
        if is_tried_nearer {
            known.rested();
        }
    }

    /// A line that is not joined sent a message; whether the consumer gets it.
    pub(super) fn repeated(
        &mut self,
        place: usize,
        number: u64,
        message: &[u8],
        now: Instant,
    ) -> bool {
        match &self.phase {
            Phase::LoggingIn(login) => {
                let requested = login.request.sequence;
                self.history.push(message);
                self.lines[place].discarded += 1;
                if number + 1 == requested {
                    self.admit(place, requested, now);
                }
                false
            }
            Phase::In(at) if number < at.next => {
                self.compare(place, at.next, number, message, now);
                false
            }
            Phase::In(_) => self.goes_beyond(place, message, now),
            Phase::Waiting | Phase::Over => false,
        }
    }

    fn compare(&mut self, place: usize, next: u64, number: u64, message: &[u8], now: Instant) {
        match self.history.back(next - number) {
            Some(kept) if kept != message => {
                let sequence = number;
                return self.fail(place, LineFault::Mismatch { sequence }, now);
            }
            Some(_) => self.lines[place].compared += 1,
            None => self.lines[place].discarded += 1,
        }
        if number + 1 == next {
            self.arrived(place, now);
        }
    }

    /// A line stands at the consumer's next message.
    pub(super) fn arrived(&mut self, place: usize, now: Instant) {
        let Phase::In(at) = &self.phase else {
            return;
        };
        // A session that was said to be over must be seen to go on.
        if at.ending.is_some() {
            return;
        }
        match self.is_served_hot() {
            true => self.stand_by(place, now),
            false if self.is_joinable(&self.lines[place]) => self.join(place, now),
            false => {}
        }
    }

    /// A line has the consumer's next message, though the session was said to be over.
    fn goes_beyond(&mut self, place: usize, message: &[u8], now: Instant) -> bool {
        self.join(place, now);
        let Phase::In(at) = &mut self.phase else {
            return false;
        };
        at.next += 1;
        self.history.push(message);
        self.consumer.sent(now);
        true
    }

    /// The consumer gets its messages from this line from here on.
    pub(super) fn join(&mut self, place: usize, now: Instant) {
        let (before, stepped_back) = (self.joined(), self.step_back());
        let Phase::In(at) = &mut self.phase else {
            return;
        };
        let line = &mut self.lines[place];
        let Some(to) = line.target else {
            return;
        };
        let began = match line.stage {
            Stage::Standby if line.joined < now => now,
            _ => line.dialled,
        };
        line.join(at.next, now);
        let (ending, outage) = (at.ending.take(), at.outage.take());
        let why = match (ending, before) {
            (Some(_), _) => Why::FalseEnd,
            (None, Some(_)) => Why::Preferred,
            (None, None) => Why::Failover,
        };
        let took = match (&outage, ending) {
            (Some(outage), _) => line.took(outage.since, outage.detect, now),
            (None, Some(ending)) => line.took(ending.since, Duration::ZERO, now),
            (None, None) => line.took(began, Duration::ZERO, now),
        };
        let next = at.next;
        at.last_outage = outage.as_ref().map(|it| LastOutage {
            spent: now.saturating_duration_since(it.since),
            next,
        });
        at.preferred = None;
        line.is_verified |= line.compared >= COMPARED as u64;
        at.is_verified = line.is_verified;
        let joined = Joined {
            from: before
                .or(outage.map(|it| it.from))
                .or(ending.map(|it| it.from)),
            to,
            next: at.next,
            compared: line.compared,
            discarded: line.discarded,
            is_verified: at.is_verified,
            why,
            took,
        };
        let id = line.id;
        self.search = Search::default();
        self.targets.get(to).joined();
        self.leave_unneeded(id, stepped_back);
        if let Some(ending) = ending {
            self.ended_early(ending, next, true, now);
        }
        self.say(JoinEvent::Joined(joined));
    }

    /// Looks for a line to carry on, or concludes that there is none.
    pub(super) fn seek_line(&mut self, now: Instant) {
        let Phase::In(at) = &self.phase else {
            return;
        };
        let Some(outage) = &at.outage else {
            let is_preferred = at.preferred.is_some_and(|from| now >= from);
            match self.is_hot() {
                true => self.seek_beside(now),
                false if is_preferred => self.seek(self.options.catch_up, now),
                false => {}
            }
            return;
        };
        if now >= outage.since + self.options.max_outage {
            return self.conclude_outage(now);
        }
        self.seek(Self::company_after(), now);
        if self.is_exhausted(now) {
            self.conclude_if_hopeless(now);
        }
    }

    /// No line was found in time.
    fn conclude_outage(&mut self, now: Instant) {
        let Phase::In(at) = &self.phase else {
            return;
        };
        let next = at.next;
        match self.oldest_held() {
            Some((place, first)) => self.conclude_gap(place, first, now),
            None => self.end(End::Outage { next }),
        }
    }

    /// Nobody is left to ask, and what all said is not going to change.
    fn conclude_if_hopeless(&mut self, now: Instant) {
        let left_out = std::mem::take(&mut self.search.left_out);
        let gone = LineFault::Rejected(Reject::SessionUnavailable);
        let is_gone = left_out
            .iter()
            .all(|&target| self.targets.get(target).fault == Some(gone.clone()));
        let is_any = !left_out.is_empty();
        let held = self.oldest_held();
        let lines = &self.lines;
        let is_held = |target| lines.iter().any(|it| it.target == Some(target));
        let all_begin_later = left_out.iter().all(|&target| is_held(target));
        self.search.left_out = left_out;
        match held {
            Some((place, first)) if all_begin_later => self.conclude_gap(place, first, now),
            None if is_any && is_gone => self.end(End::SessionGone),
            _ => {}
        }
    }

    /// Every line that there is lacks the consumer's next message.
    fn conclude_gap(&mut self, place: usize, first: u64, now: Instant) {
        let Phase::In(at) = &mut self.phase else {
            return;
        };
        let next = at.next;
        match self.options.on_gap {
            OnGap::Close => self.end(End::Gap { next, first }),
            OnGap::Report => {
                at.next = first;
                self.history.clear();
                self.fill_ring(first);
                self.say(JoinEvent::Gap {
                    from: next,
                    to: first,
                });
                self.send_subscription(place, now);
                self.join(place, now);
            }
        }
    }
}
