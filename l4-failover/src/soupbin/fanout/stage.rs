//! How far a consumer has come: asked, caught up, at the history.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::catch_up::{CatchUp, Step};
use super::consumer::{Heard, Serving};
use super::departure::Departure;
use super::login::{Answer, Lack, answer};
use super::shared::{CatchUpPermit, Shared, Waiting};
use super::tape::{Place, Pulled, Seat, Tape, TapeEnd};
use crate::soupbin::bridge::Consumer;
use crate::soupbin::join::End;
use crate::soupbin::packet::{LoginAccepted, LoginRequest, Packet, Reject, SessionId};

/// A line of a consumer's own has given up by itself, and said why, when its consumer does.
const ANSWER_LATER: Duration = Duration::from_millis(250);

/// How far a consumer has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// It has not logged in.
    Greeting,
    /// Its login is not answered yet.
    Asking(Box<Asking>),
    /// It gets what is older than the history by a line of its own. Until then its login must be
    /// accepted; none once it is.
    CatchingUp(Box<CatchUp>, LoginRequest, Option<Instant>),
    /// It gets what the history has.
    Live(Seat, Place),
    /// Its connection ends.
    Parting(Departure),
}

#[derive(Debug)]
pub(super) struct Asking {
    request: LoginRequest,
    waiting: Waiting,
    /// Its seat at the session that has yet to come as far.
    seat: Option<Seat>,
    until: Instant,
    lack: Option<Lack>,
}

impl Stage {
    pub(super) fn asking(shared: &Arc<Shared>, request: LoginRequest) -> Self {
        Self::Asking(Box::new(Asking {
            request,
            waiting: Waiting::new(shared),
            seat: None,
            until: Instant::now() + shared.options().join.login_wait,
            lack: None,
        }))
    }

    /// When its login must have been answered, or it must have got on.
    pub(super) fn until(&self) -> Option<Instant> {
        match self {
            Self::Asking(asking) => Some(asking.until),
            Self::CatchingUp(catch_up, _, until) => {
                let due = catch_up.due();
                Some(until.map_or(due, |until| until.min(due)))
            }
            Self::Greeting | Self::Live(..) | Self::Parting(_) => None,
        }
    }
}

impl Asking {
    /// The session that there is, and what it answers; the task is woken when that may change.
    fn poll(&mut self, cx: &Context<'_>) -> Poll<(Arc<Tape>, Answer)> {
        loop {
            let tape = self.waiting.tape(cx);
            let held = tape.as_ref().map(|tape| tape.held());
            let (answer, Some(tape)) = (answer(&self.request, held), tape) else {
                self.lack = Some(Lack::Session);
                return Poll::Pending;
            };
            let Answer::Wait(lack) = answer else {
                self.lack = None;
                return Poll::Ready((tape, answer));
            };
            self.lack = Some(lack);
            if !self.poll_reached(&tape, cx) {
                return Poll::Pending;
            }
        }
    }

    /// Whether the session has come to the message that was asked for.
    fn poll_reached(&mut self, tape: &Arc<Tape>, cx: &Context<'_>) -> bool {
        let known = self.seat.take().filter(|it| Arc::ptr_eq(it.tape(), tape));
        let seat = self.seat.insert(known.unwrap_or_else(|| tape.seat()));
        let asked = self.request.sequence;
        match seat.poll_beyond(asked - 1, cx) {
            Poll::Ready(held) => held.next >= asked,
            Poll::Pending => false,
        }
    }
}

impl<C: Consumer> Serving<'_, C> {
    /// Goes on with what comes next, if the consumer has what came before.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>) -> bool {
        if !self.out.is_empty() {
            return false;
        }
        match &mut self.stage {
            Stage::Greeting | Stage::Parting(_) => return false,
            Stage::Asking(asking) => {
                let Poll::Ready((tape, answer)) = asking.poll(cx) else {
                    return false;
                };
                let request = asking.request;
                return self.answered(&tape, request, answer);
            }
            Stage::CatchingUp(catch_up, ..) => match catch_up.poll(&mut self.out.pieces, cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(step)) => self.caught_up(step),
                Poll::Ready(Err(departure @ Departure::NotCaughtUp { .. })) => {
                    self.reject(Reject::SessionUnavailable, departure);
                }
                Poll::Ready(Err(departure)) => self.part(departure),
            },
            Stage::Live(seat, place) => {
                let Poll::Ready(pulled) = seat.poll_pull(place, &mut self.out.pieces, cx) else {
                    return false;
                };
                let next = place.next;
                self.pulled(next, pulled);
            }
        }
        true
    }

    /// Whether anything came of the answer.
    fn answered(&mut self, tape: &Arc<Tape>, request: LoginRequest, answer: Answer) -> bool {
        match answer {
            Answer::Accept(next) => {
                self.admit(tape.session(), next);
                self.go_live(tape.seat(), next, &request);
            }
            Answer::CatchUp => return self.catch_up(tape, request),
            Answer::OtherSession => {
                let (asked, held) = (request.session, tape.session());
                let departure = Departure::OtherSession { asked, held };
                self.reject(Reject::SessionUnavailable, departure);
            }
            // That is waited for.
            Answer::Wait(_) => return false,
        }
        true
    }

    /// Its login is accepted, and goes on with this message.
    fn admit(&mut self, session: SessionId, next: u64) {
        let accepted = LoginAccepted {
            session,
            sequence: next,
        };
        self.tell(&Packet::LoginAccepted(accepted));
        self.session.accepted(Instant::now().into_std());
        self.seen.consumer.admitted(session, next);
        (self.seen.hear)(Heard::Admitted);
    }

    fn go_live(&mut self, seat: Seat, next: u64, request: &LoginRequest) {
        let is_known = request.heartbeat_timeout.is_some();
        let takes_unsequenced = is_known || self.shared.options().join.server_unsequenced;
        let place = seat.place(next, takes_unsequenced);
        self.seen.consumer.catches_up(false);
        self.stage = Stage::Live(seat, place);
    }

    /// Begins to log in by a line of its own, if it may have one now.
    fn catch_up(&mut self, tape: &Arc<Tape>, request: LoginRequest) -> bool {
        let Some(permit) = CatchUpPermit::of(&self.shared) else {
            return false;
        };
        // Its line has as long as any to answer the login, whatever was waited before for the permit;
        // and then it says why there is none.
        let until = Some(Instant::now() + self.shared.options().join.login_wait + ANSWER_LATER);
        let watch = Arc::clone(&self.seen.watch);
        let catch_up = CatchUp::start(
            (&self.shared, &self.pool),
            tape,
            (request.sequence, permit),
            move |told| watch(told),
        );
        self.seen.consumer.catches_up(true);
        self.stage = Stage::CatchingUp(Box::new(catch_up), request, until);
        true
    }

    fn caught_up(&mut self, step: Step) {
        let Stage::CatchingUp(_, request, until) = &mut self.stage else {
            return;
        };
        let (request, is_asking) = (*request, until.is_some());
        match step {
            Step::Accepted(session, next) => {
                *until = None;
                self.admit(session, next);
            }
            Step::More(next) => self.seen.consumer.reached(next),
            Step::Through(seat, next) => {
                match is_asking {
                    true => self.admit(seat.tape().session(), next),
                    false => self.seen.consumer.reached(next),
                }
                self.go_live(seat, next, &request);
            }
        }
    }

    fn pulled(&mut self, next: u64, pulled: Pulled) {
        match pulled {
            Pulled::More => self.seen.consumer.reached(next),
            Pulled::Lost(evicted) => {
                let first = evicted.first;
                self.part(Departure::Lagged { next, first });
            }
            Pulled::End(TapeEnd::Session) => {
                self.tell(&Packet::EndOfSession);
                self.part(Departure::Own(End::EndOfSession));
            }
            Pulled::End(TapeEnd::Cut(end)) => self.part(Departure::Own(end)),
        }
    }

    /// The time of a login is over, or of somebody who was to get on.
    pub(super) fn conclude(&mut self, now: Instant) {
        let departure = match &mut self.stage {
            Stage::Asking(asking) => {
                let (lack, request) = (asking.lack, asking.request);
                self.lacked(lack, &request)
            }
            Stage::CatchingUp(_, request, Some(until)) if *until <= now => not_caught_up(request),
            Stage::CatchingUp(catch_up, ..) => {
                if let Err(departure) = catch_up.get_on(now) {
                    self.part(departure);
                }
                return;
            }
            _ => return,
        };
        self.reject(Reject::SessionUnavailable, departure);
    }

    fn lacked(&self, lack: Option<Lack>, request: &LoginRequest) -> Departure {
        match lack {
            Some(Lack::Beyond(next)) => Departure::Own(End::BeyondEnd {
                requested: request.sequence,
                next,
            }),
            Some(Lack::Session) if self.shared.is_refused() => Departure::Refused,
            Some(Lack::Session) => Departure::Own(End::NoLine),
            None => not_caught_up(request),
        }
    }
}

fn not_caught_up(request: &LoginRequest) -> Departure {
    Departure::NotCaughtUp {
        requested: request.sequence,
        end: End::NoLine,
    }
}
