//! The consumer's login: the first line that can answer it fixes the session and the place.

use std::time::{Duration, Instant};

use super::action::{End, LineId, TargetId};
use super::event::{JoinEvent, Joined, LineFault, Why};
use super::{HEDGE, Join, LoggingIn, Phase, Place, Search, Stage};
use crate::soupbin::packet::{LoginAccepted, Packet, Reject};

impl Join {
    /// A line accepted the consumer's login.
    pub(super) fn login_accepted(&mut self, place: usize, accepted: LoginAccepted, now: Instant) {
        let Phase::LoggingIn(login) = &mut self.phase else {
            return;
        };
        let found = accepted.session;
        if !login.session.is_blank() && login.session != found {
            let target = self.lines[place].target;
            self.fail(place, LineFault::OtherSession { found }, now);
            return self.spare(target, now);
        }
        login.session = found;
        let requested = login.request.sequence;
        let line = &mut self.lines[place];
        if requested == 0 || accepted.sequence == requested {
            self.admit(place, accepted.sequence, now);
        } else if accepted.sequence < requested {
            // It never gets another number than it asked for: the line may come there yet.
            line.stage = Stage::Behind;
            // Another may know no better, and answer with the number that it is asked for.
            let id = line.id;
            self.leave_candidates(id);
            self.history.clear();
        } else {
            line.stage = Stage::Held;
        }
    }

    /// The line stands at the number that the consumer gets.
    pub(super) fn admit(&mut self, place: usize, next: u64, now: Instant) {
        let Phase::LoggingIn(login) = &self.phase else {
            return;
        };
        let (login, line) = (login.clone(), &mut self.lines[place]);
        let Some(to) = line.target else {
            return;
        };
        if line.stage != Stage::Behind {
            // What is kept is another line's.
            self.history.clear();
        }
        line.join(next, now);
        let (id, discarded) = (line.id, line.discarded);
        let took = line.took(login.since, Duration::ZERO, now);
        self.phase = Phase::In(Place {
            request: login.request,
            since: now,
            session: login.session,
            next,
            is_verified: false,
            outage: None,
            last_outage: None,
            ending: None,
            beside_ended: None,
            preferred: None,
        });
        self.fill_ring(next);
        self.search = Search::default();
        self.targets.get(to).joined();
        self.leave_others(id);
        self.consumer.accepted(now);
        let session = login.session;
        self.tell(
            &Packet::LoginAccepted(LoginAccepted {
                session,
                sequence: next,
            }),
            now,
        );
        if login.request.sequence != 0 && next > login.request.sequence {
            self.say(JoinEvent::Truncated {
                requested: login.request.sequence,
                accepted: next,
            });
        }
        self.say(JoinEvent::Joined(Joined {
            from: None,
            to,
            next,
            compared: 0,
            discarded,
            is_verified: false,
            why: Why::Login,
            took,
        }));
        // What was sent before there was a line.
        if let Some(place) = self.place_of(id) {
            self.send_subscription(place, now);
        }
    }

    /// A line rejected the consumer's login.
    pub(super) fn login_rejected(&mut self, place: usize, reject: Reject, now: Instant) {
        let line = &self.lines[place];
        // A login that was not the consumer's own says nothing of the consumer.
        let (target, is_own) = (line.target, line.options.credentials.is_none());
        self.fail(place, LineFault::Rejected(reject), now);
        match reject {
            Reject::NotAuthorized if is_own => {
                self.refuse(reject, End::Rejected(reject), now);
            }
            Reject::NotAuthorized => {}
            Reject::SessionUnavailable => self.spare(target, now),
        }
    }

    /// A target was asked, and is not asked again for this login.
    fn spare(&mut self, target: Option<TargetId>, now: Instant) {
        let until = now + self.options.login_wait;
        if let Some(target) = target {
            self.targets.get(target).rest_until(until);
        }
    }

    /// Tells the consumer that there is no login, and ends its connection.
    fn refuse(&mut self, reject: Reject, end: End, now: Instant) {
        self.tell(&Packet::LoginRejected(reject), now);
        self.end(end);
    }

    /// Looks for a line that can answer the login, or concludes that there is none.
    pub(super) fn seek_login(&mut self, now: Instant) {
        let Phase::LoggingIn(login) = &self.phase else {
            return;
        };
        let (since, company_after) = (login.since, self.login_company_after(login));
        if now >= since + self.options.login_wait {
            return self.conclude_login(now);
        }
        // One that is coming to the number is the one to wait for.
        if self.is_one_behind() {
            return;
        }
        self.seek(company_after, now);
        let is_done = self.is_exhausted(now) && self.has_each_answered();
        if is_done {
            self.conclude_login(now);
        }
    }

    /// How long a line may take to answer before the next is asked. Without a session's name only
    /// one is asked at a time: the first has half of all the time, the next half of the rest.
    pub(super) fn login_company_after(&self, login: &LoggingIn) -> Duration {
        match login.session.is_blank() {
            true => self.options.login_wait / (2 << login.unanswered.min(4)),
            false => HEDGE,
        }
    }

    pub(super) fn is_one_behind(&self) -> bool {
        self.lines.iter().any(|line| line.stage == Stage::Behind)
    }

    /// Whether every target rejected the login, or begins later.
    fn has_each_answered(&mut self) -> bool {
        let left_out = std::mem::take(&mut self.search.left_out);
        let held = |join: &Self, target| {
            let mut lines = join.lines.iter();
            lines.any(|it| it.stage == Stage::Held && it.target == Some(target))
        };
        // With a line that begins later, all others need only have been tried.
        let is_any_held = self.oldest_held().is_some();
        let answered = left_out.iter().all(|&target| {
            let fault = &self.targets.get(target).fault;
            let has_said = matches!(
                fault,
                Some(LineFault::Rejected(_) | LineFault::OtherSession { .. })
            );
            let is_tried = has_said || (is_any_held && fault.is_some());
            is_tried || held(self, target)
        });
        let is_any = !left_out.is_empty();
        self.search.left_out = left_out;
        is_any && answered
    }

    /// The time is over, or every line was asked.
    fn conclude_login(&mut self, now: Instant) {
        if let Some((place, next)) = self.oldest_held() {
            return self.admit(place, next, now);
        }
        let Phase::LoggingIn(login) = &self.phase else {
            return;
        };
        let requested = login.request.sequence;
        let mut behind = self.lines.iter().filter(|it| it.stage == Stage::Behind);
        let end = match behind.find_map(|line| line.next()) {
            Some(next) => End::BeyondEnd { requested, next },
            None if self.is_exhausted(now) && self.has_each_answered() => {
                End::Rejected(Reject::SessionUnavailable)
            }
            None => End::NoLine,
        };
        self.refuse(Reject::SessionUnavailable, end, now);
    }

    /// The line among those that begin too late that begins first, and where.
    pub(super) fn oldest_held(&self) -> Option<(usize, u64)> {
        let lines = self.lines.iter().enumerate();
        let held = lines.filter(|(_, line)| line.stage == Stage::Held);
        let begins = held.filter_map(|(place, line)| Some((place, line.next()?)));
        begins.min_by_key(|(_, next)| *next)
    }

    /// Ends the lines that were asked before, and have not answered, if the login names no session:
    /// no two lines answer that.
    pub(super) fn end_unanswered(&mut self, but: LineId, now: Instant) {
        let is_late = |line: &super::Line| line.stage == Stage::Asked && line.id != but;
        while let Phase::LoggingIn(login) = &mut self.phase {
            let late = self.lines.iter().position(is_late);
            let Some(place) = late.filter(|_| login.session.is_blank()) else {
                return;
            };
            login.unanswered += 1;
            self.fail(place, LineFault::NoAnswer, now);
        }
    }
}
