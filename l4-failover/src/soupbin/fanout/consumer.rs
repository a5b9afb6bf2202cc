//! One of many consumers, from its first byte to its last: what it sends, what it is sent, and when.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use super::departure::Departure;
use super::login::{foresee, is_known};
use super::outgoing::Outgoing;
use super::shared::{Fanout, Shared};
use super::stage::Stage;
use crate::pool::Pool;
use crate::socket::relay::{Side, Tally};
use crate::soupbin::bridge::inbox::Inbox;
use crate::soupbin::bridge::{Consumer, Told, Watched};
use crate::soupbin::join::End;
use crate::soupbin::packet::{LoginRequest, Packet, Reject, split};
use crate::soupbin::session::{FromClient, ServerLimits, ServerSession, Tick};

/// How often it is said how many messages of a consumer were dropped: it may send any number.
const DROPS_TOLD: std::time::Duration = std::time::Duration::from_secs(1);
/// For what a consumer has left to take when its session, or its connection, has ended.
const LATE: std::time::Duration = std::time::Duration::from_secs(30);

const HEARTBEAT: &[u8] = b"\0\x01H";

/// What is told of a consumer while it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Its login was accepted.
    Admitted,
    /// So many messages that it sent were dropped: nobody passes them on.
    Dropped(u64),
}

/// Where others may look while a consumer is served, and what hears of it.
pub struct Seen<'a> {
    /// The consumer.
    pub consumer: &'a Watched,
    /// Counts bytes: as those of the upstream, what the consumer was sent.
    pub tally: &'a Tally,
    /// Hears what happens to it.
    pub hear: &'a mut (dyn FnMut(Heard) + Send),
    /// Hears what happens to a line of its own, if it needs one.
    pub watch: Arc<dyn Fn(Told<'_>) + Send + Sync>,
}

impl std::fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Seen").field(&self.consumer.address).finish()
    }
}

/// How a consumer's connection came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Why.
    pub departure: Departure,
    /// Whether it has everything that it was to get.
    pub is_whole: bool,
}

/// Serves a consumer until its connection ends: why it did.
pub async fn serve<'a, C: Consumer>(client: &'a mut C, fanout: &Fanout, seen: Seen<'a>) -> Served {
    let now = Instant::now();
    let shared = fanout.shared();
    let limits = ServerLimits {
        silence: shared.options().join.consumer_silence,
        ..ServerLimits::default()
    };
    let mut serving = Serving {
        client,
        pool: fanout.pool().clone(),
        seen,
        session: ServerSession::new(limits, now.into_std()),
        inbox: Inbox::default(),
        out: Outgoing::default(),
        stage: Stage::Greeting,
        dropped: (0, None),
        stalled: None,
        late: None,
        reloads: shared.reloads(),
        shared: Arc::clone(shared),
        armed: now,
        timer: Box::pin(sleep_until(now)),
    };
    poll_fn(|cx| serving.poll(cx)).await
}

pub(super) struct Serving<'a, C> {
    client: &'a mut C,
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Pool,
    pub(super) seen: Seen<'a>,
    pub(super) session: ServerSession,
    inbox: Inbox,
    pub(super) out: Outgoing,
    pub(super) stage: Stage,
    /// Messages that were dropped since that was told, and when it was.
    dropped: (u64, Option<Instant>),
    /// Since when it has taken nothing of what there is for it.
    stalled: Option<Instant>,
    /// When it must have taken what is left of a session that has ended.
    late: Option<Instant>,
    /// The reloads after which it was looked whether it may stay.
    reloads: u64,
    armed: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<C: Consumer> Serving<'_, C> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Served> {
        loop {
            self.heed_reloads();
            let mut moved = self.read(cx);
            moved |= self.advance(cx);
            moved |= self.write(cx);
            moved |= self.ring(cx);
            if let Some(served) = self.ended() {
                self.tell_dropped();
                return Poll::Ready(served);
            }
            if !moved {
                return Poll::Pending;
            }
        }
    }

    /// The end, once the consumer has what it was told, or takes no more of it. Who leaves, and who is
    /// cut, is not waited for.
    fn ended(&self) -> Option<Served> {
        let Stage::Parting(departure) = &self.stage else {
            return None;
        };
        let is_gone = matches!(departure, Departure::Own(End::Logout | End::Closed));
        let is_whole = self.out.is_empty();
        if is_whole || is_gone || !departure.is_orderly() {
            let departure = departure.clone();
            return Some(Served {
                departure,
                is_whole,
            });
        }
        let has_stalled = self.stall_at().is_some_and(|at| at <= Instant::now());
        has_stalled.then_some(Served {
            departure: Departure::Own(End::Stalled),
            is_whole,
        })
    }

    /// Ends the connection, unless that was to end already.
    pub(super) fn part(&mut self, departure: Departure) {
        if !matches!(self.stage, Stage::Parting(_)) {
            self.stage = Stage::Parting(departure);
            // What it was told last it takes at once, or in time.
            self.late.get_or_insert_with(|| Instant::now() + LATE);
        }
    }

    pub(super) fn reject(&mut self, reject: Reject, departure: Departure) {
        self.tell(&Packet::LoginRejected(reject));
        self.part(departure);
    }

    pub(super) fn tell(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        let written = packet.encode(&mut bytes);
        debug_assert!(written.is_ok(), "{packet:?}");
        self.out.pieces.push_back(bytes.into());
    }

    /// A consumer whose name may not log in any more does not stay; where nobody may, nor does who has
    /// not said its name.
    fn heed_reloads(&mut self) {
        let reloads = self.shared.reloads();
        if std::mem::replace(&mut self.reloads, reloads) == reloads {
            return;
        }
        let fanout = self.shared.fanout();
        let user = self.seen.consumer.user();
        let is_named = user.is_none_or(|user| fanout.names(user));
        if !is_named || fanout.consumers.is_empty() {
            self.part(Departure::Removed);
        }
    }

    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        if matches!(self.stage, Stage::Parting(_)) {
            return false;
        }
        let mut taken = Taken {
            session: &mut self.session,
            dropped: &mut self.dropped.0,
            is_greeting: matches!(self.stage, Stage::Greeting),
            login: None,
            end: None,
        };
        let read = self
            .inbox
            .poll_read(self.client, cx, |bytes, _| taken.take(bytes));
        let (login, end) = (taken.login, taken.end);
        match read {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.part(Departure::Own(End::Closed)),
            Poll::Ready(Ok(read)) => self.seen.tally.add(Side::Client, read as u64),
            Poll::Ready(Err(error)) => self.broke(&error),
        }
        if let Some(login) = login {
            self.greeted(login);
        }
        if let Some(end) = end {
            self.part(Departure::Own(end));
        }
        if self.dropped.0 > 0
            && self
                .dropped
                .1
                .is_none_or(|told| told.elapsed() >= DROPS_TOLD)
        {
            self.tell_dropped();
        }
        true
    }

    fn greeted(&mut self, login: LoginRequest) {
        let who = &login.credentials;
        if !is_known(who, &self.shared.fanout().consumers) {
            let username = who.username().to_owned();
            let departure = Departure::WrongCredentials { username };
            return self.reject(Reject::NotAuthorized, departure);
        }
        self.seen.consumer.called(who.username());
        self.stage = Stage::asking(&self.shared, login);
    }

    fn tell_dropped(&mut self) {
        let messages = std::mem::take(&mut self.dropped.0);
        if messages > 0 {
            self.dropped.1 = Some(Instant::now());
            (self.seen.hear)(Heard::Dropped(messages));
        }
    }

    fn broke(&mut self, error: &io::Error) {
        let broken = Departure::Own(End::Broken(error.to_string()));
        // It may have been to have more yet.
        self.stage = Stage::Parting(broken);
    }

    /// Whether the consumer took anything of what there is for it.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        if self.out.is_empty() {
            return false;
        }
        match self.out.poll_write(self.client, cx) {
            Poll::Pending => {
                self.stalled.get_or_insert_with(Instant::now);
                return false;
            }
            Poll::Ready(Ok(written)) => {
                self.stalled = None;
                self.session.sent(Instant::now().into_std());
                self.seen.tally.add(Side::Upstream, written as u64);
            }
            Poll::Ready(Err(error)) => self.broke(&error),
        }
        true
    }

    fn stall_at(&self) -> Option<Instant> {
        let stall = self.shared.options().stall;
        self.stalled.map(|since| since + stall)
    }

    fn due(&self) -> Option<Instant> {
        let drops = self.dropped.1.filter(|_| self.dropped.0 > 0);
        let session = match self.stage {
            Stage::Parting(_) => None,
            _ => Some(Instant::from_std(self.session.due())),
        };
        let own = [session, self.stall_at(), self.late, self.stage.until()];
        let own = own.into_iter().flatten();
        own.chain(drops.map(|told| told + DROPS_TOLD)).min()
    }

    fn ring(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(due) = self.due() else {
            return false;
        };
        // What is due later than the timer is set to is looked at again when it rings.
        if due < self.armed || self.timer.is_elapsed() {
            self.armed = due;
            self.timer.as_mut().reset(due);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.rung(Instant::now());
        true
    }

    fn rung(&mut self, now: Instant) {
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_over(self.stall_at()) {
            self.part(Departure::Own(End::Stalled));
        }
        if is_over(self.late) {
            // Also where it parts already, and takes a byte now and then.
            self.late = None;
            self.stage = Stage::Parting(Departure::Late);
        }
        if is_over(self.stage.until()) {
            self.conclude(now);
        }
        if self.dropped.1.is_none_or(|told| told + DROPS_TOLD <= now) {
            self.tell_dropped();
        }
        if !matches!(self.stage, Stage::Parting(_)) {
            self.tick(now);
        }
    }

    fn tick(&mut self, now: Instant) {
        match self.session.tick(now.into_std()) {
            // What waits shows as well that somebody is there.
            Tick::Heartbeat if self.out.is_empty() => {
                self.out.pieces.push_back(Bytes::from_static(HEARTBEAT));
            }
            Tick::Heartbeat | Tick::Nothing => {}
            Tick::Silent => self.part(Departure::Own(End::Silent)),
            Tick::NoLogin => self.part(Departure::Own(End::NoLogin)),
        }
        if let Stage::Live(seat, place) = &self.stage {
            let next = place.next;
            if seat.is_ended() {
                self.late.get_or_insert(now + LATE);
            }
            if let Some(evicted) = seat.tape().has_lost(next) {
                let first = evicted.first;
                self.part(Departure::Lagged { next, first });
            }
        }
    }
}

/// What a consumer sent.
struct Taken<'a> {
    session: &'a mut ServerSession,
    dropped: &'a mut u64,
    is_greeting: bool,
    login: Option<LoginRequest>,
    end: Option<End>,
}

impl Taken<'_> {
    /// Takes what is whole: how many bytes.
    fn take(&mut self, bytes: &[u8]) -> usize {
        self.session.heard(Instant::now().into_std());
        let mut taken = 0;
        while self.end.is_none() {
            match split(&bytes[taken..]) {
                Ok(Some(frame)) => {
                    taken += frame.len();
                    let sent = self.session.received(frame);
                    match sent {
                        Ok(FromClient::Login(login)) => {
                            (self.login, self.is_greeting) = (Some(login), false);
                        }
                        Ok(FromClient::Unsequenced(_)) => *self.dropped += 1,
                        Ok(FromClient::Debug(_) | FromClient::Heartbeat) => {}
                        Ok(FromClient::Logout) => self.end = Some(End::Logout),
                        Err(error) => self.end = Some(End::Protocol(error)),
                    }
                }
                Ok(None) => {
                    let foreseen = match self.is_greeting {
                        true => foresee(&bytes[taken..]),
                        false => Ok(()),
                    };
                    self.end = foreseen.err().map(End::Protocol);
                    break;
                }
                Err(error) => self.end = Some(End::Malformed(error)),
            }
        }
        taken
    }
}
