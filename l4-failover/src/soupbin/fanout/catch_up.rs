//! A line of a consumer's own, by which it gets what is older than the history, until it has come to
//! what is held there.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::time::Instant;

use super::departure::Departure;
use super::nearer::{Distance, Nearer, Turn};
use super::options::of_catch_up;
use super::run::{Run, first_bytes};
use super::shared::{CatchUpPermit, Shared};
use super::tape::{Compared, Seat, Tape};
use super::upstream::blank;
use crate::pool::Pool;
use crate::soupbin::bridge::Told;
use crate::soupbin::bridge::refusals::is_refusal;
use crate::soupbin::feed::intake::{Intake, Wanted};
use crate::soupbin::join::{COMPARED, End, JoinEvent};
use crate::soupbin::packet::{LoginRequest, SessionId};

/// Bytes that may wait for the consumer before its line is not read.
const ROOM: usize = 64 * 1024;

/// A consumer's way to the history.
#[derive(Debug)]
pub(super) struct CatchUp {
    intake: Intake,
    seat: Seat,
    /// What came, and was not given yet.
    rest: Bytes,
    /// What the consumer asked for.
    requested: u64,
    /// The message that it gets next; none before the login was accepted.
    next: Option<u64>,
    /// Messages of the line that were the same in the history.
    compared: u64,
    nearer: Nearer,
    permit: CatchUpPermit,
}

/// What a look brings.
#[derive(Debug)]
pub(super) enum Step {
    /// The login is accepted, and goes on with this message.
    Accepted(SessionId, u64),
    /// There is something for the consumer; this message is next.
    More(u64),
    /// It goes on with the history at this message.
    Through(Seat, u64),
}

impl CatchUp {
    /// Begins to log in at the message that was asked for; `watch` hears of the line.
    pub(super) fn start(
        (shared, pool): (&Arc<Shared>, &Pool),
        tape: &Arc<Tape>,
        (requested, permit): (u64, CatchUpPermit),
        mut watch: impl FnMut(Told<'_>) + Send + 'static,
    ) -> Self {
        let wanted = Wanted {
            login: LoginRequest {
                credentials: blank(),
                session: tape.session(),
                sequence: requested,
                heartbeat_timeout: None,
            },
            subscription: Vec::new(),
            room: ROOM,
        };
        let lines = shared.lines.sibling(of_catch_up(&shared.lines.options()));
        let refused = Arc::clone(shared);
        let watch = move |told: Told<'_>| {
            // An account is locked after a few of these.
            if matches!(told.event, JoinEvent::LineDown { fault, .. } if is_refusal(fault)) {
                refused.close_catch_ups();
            }
            watch(told);
        };
        let (way, now) = ((pool.clone(), lines), Instant::now());
        Self {
            intake: Intake::start(way, &wanted, Arc::new(AtomicU64::new(0)), watch),
            seat: tape.seat(),
            rest: Bytes::new(),
            requested,
            next: None,
            compared: 0,
            nearer: Nearer::new(now.into_std()),
            permit,
        }
    }

    /// When it is to be looked at whether it [gets on](Self::get_on).
    pub(super) fn due(&self) -> Instant {
        Instant::from_std(self.nearer.due(self.distance()))
    }

    fn distance(&self) -> Distance {
        let held = self.seat.tape().held();
        let next = self.next.unwrap_or(self.requested);
        match held.next.saturating_sub(next) {
            0 if held.first == held.next && self.next.is_some() => Distance::NothingHeld,
            messages => Distance::Messages(messages),
        }
    }

    /// Its time may be over.
    ///
    /// # Errors
    ///
    /// [`Departure`]: it has not come nearer to the history.
    pub(super) fn get_on(&mut self, now: Instant) -> Result<(), Departure> {
        let turn = self.nearer.look(self.distance(), now.into_std());
        match turn {
            Turn::GoesOn => Ok(()),
            Turn::IsOver => Err(Departure::NotNearer {
                next: self.next.unwrap_or(self.requested),
            }),
        }
    }

    /// Adds to `pieces` what comes next for the consumer, once there is something.
    pub(super) fn poll(
        &mut self,
        pieces: &mut VecDeque<Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Step, Departure>> {
        let Some(next) = self.next else {
            return self.poll_accepted(cx);
        };
        if self.nearer.is_there && self.rest.is_empty() {
            return Poll::Ready(Ok(Step::Through(self.seat.tape().seat(), next)));
        }
        loop {
            let run = Run::of(&self.rest);
            if run.messages > 0 {
                return self.poll_give(next, run, pieces, cx);
            }
            if run.bytes > 0 {
                // Text for people, and what else has no number: the port's own line has it, too.
                let _ = self.rest.split_to(run.bytes);
                continue;
            }
            match ready!(self.intake.poll_frames(cx)) {
                Ok(frames) => self.rest = frames,
                Err(end) => return Poll::Ready(self.ended(next, end)),
            }
        }
    }

    fn poll_accepted(&mut self, cx: &mut Context<'_>) -> Poll<Result<Step, Departure>> {
        let requested = self.requested;
        let refused = |end| Departure::NotCaughtUp { requested, end };
        let accepted = ready!(self.intake.poll_accepted(cx)).map_err(refused)?;
        self.permit.accepted();
        // No line is that old: the oldest message that anybody has, be it here.
        let oldest = accepted.sequence.min(self.seat.tape().held().first);
        if oldest < accepted.sequence {
            return Poll::Ready(Ok(Step::Through(self.seat.tape().seat(), oldest)));
        }
        self.next = Some(oldest);
        Poll::Ready(Ok(Step::Accepted(accepted.session, oldest)))
    }

    /// Gives what the history has, too, or is older; the rest waits until it has come there as well, so
    /// that all of it can be compared.
    fn poll_give(
        &mut self,
        next: u64,
        run: Run,
        pieces: &mut VecDeque<Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Step, Departure>> {
        let held = ready!(self.seat.poll_beyond(next, cx));
        let known = run.messages.min(held.next.saturating_sub(next));
        if known == 0 {
            // The port's own line has ended, and did not come this far.
            return Poll::Ready(Ok(Step::Through(self.seat.tape().seat(), next)));
        }
        let frames = self.rest.split_to(first_bytes(&self.rest, known));
        let compared = self.seat.tape().compare(next, &frames);
        let Compared { same, held } = compared.map_err(|it| Departure::Mismatch {
            sequence: it.sequence,
        })?;
        pieces.push_back(frames);
        let next = next + known;
        (self.next, self.compared) = (Some(next), self.compared + same);
        // What is oldest may be gone before it is pulled.
        let is_well_within = next >= held.first + (held.next - held.first) / 2;
        let is_known = self.compared >= COMPARED as u64 && is_well_within;
        let is_there = is_known || next == held.next;
        Poll::Ready(Ok(match self.compared > 0 && is_there {
            true => Step::Through(self.seat.tape().seat(), next),
            false => Step::More(next),
        }))
    }

    /// The line has no more, which is no matter if the history has.
    fn ended(&self, next: u64, end: End) -> Result<Step, Departure> {
        let held = self.seat.tape().held();
        let is_compared = self.compared > 0 && next >= held.first;
        let is_over = end == End::EndOfSession && next == held.next;
        match is_compared || is_over {
            true => Ok(Step::Through(self.seat.tape().seat(), next)),
            false => Err(Departure::CatchUpLost { next, end }),
        }
    }
}
