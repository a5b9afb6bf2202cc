//! A consumer within this process: a login that is carried from line to line, and what comes of it.
//!
//! The bridge runs in a task of its own, so that servers hear of a consumer that is busy with a
//! message: it answers heartbeats, and reads on for as long as there is room. To drive the joining from
//! `next` would save that task and a copy of each read, and have the exchange end the session of
//! whoever thinks for longer than fifteen seconds.

use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::task::coop::consume_budget;

use super::batch::{Batch, Count};
use super::pipe::{Taken, TakerEnd, pipe};
use crate::pool::Pool;
use crate::socket::relay::Tally;
use crate::soupbin::bridge::{Lines, Progress, SharedFeed, Told, carry};
use crate::soupbin::join::{End, JoinEvent};
use crate::soupbin::packet::{LoginAccepted, LoginRequest, Packet, split};

/// What a pool may balance by: nobody who comes from within has an address.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What a consumer asks for.
#[derive(Debug)]
pub(in crate::soupbin) struct Wanted {
    pub(in crate::soupbin) login: LoginRequest,
    /// Messages that belong to the login.
    pub(in crate::soupbin) subscription: Vec<Vec<u8>>,
    /// Bytes that may wait until they are taken, before lines are no longer read.
    pub(in crate::soupbin) room: usize,
}

/// Takes what a consumer gets. Dropped, the consumer leaves its lines.
#[derive(Debug)]
pub(in crate::soupbin) struct Intake {
    taker: TakerEnd,
    count: Count,
    spare: BytesMut,
}

impl Intake {
    /// Begins to log in, in a task of its own; `next` is where others may look for the number of the
    /// message that comes next.
    pub(in crate::soupbin) fn start(
        (pool, feed): (Pool, SharedFeed),
        wanted: &Wanted,
        next: Arc<AtomicU64>,
        mut watch: impl FnMut(Told<'_>) + Send + 'static,
    ) -> Self {
        let (mut bridge, taker) = pipe(wanted.room);
        taker.send(&wanted.requests());
        let display = bridge.display();
        let gaps = display.clone();
        tokio::spawn(async move {
            let mut told = |told: Told<'_>| {
                if let JoinEvent::Gap { from, to } = told.event {
                    gaps.misses((*from, *to));
                }
                watch(told);
            };
            let lines = Lines {
                pool: &pool,
                feed: &feed,
                source: HERE,
            };
            let progress = Progress {
                tally: &Tally::default(),
                next: &next,
            };
            let carried = {
                let mut carrying = pin!(carry(&mut bridge, lines, progress, &mut told));
                let turn = |cx: &mut Context<'_>| {
                    let carried = carrying.as_mut().poll(cx);
                    display.show();
                    carried
                };
                poll_fn(turn).await
            };
            bridge.end(carried.end);
        });
        Self {
            taker,
            count: Count::default(),
            spare: BytesMut::new(),
        }
    }

    /// Waits until the login is answered.
    ///
    /// # Errors
    ///
    /// [`End`]: why it is not accepted.
    pub(in crate::soupbin) async fn accepted(&mut self) -> Result<LoginAccepted, End> {
        poll_fn(|cx| self.poll_accepted(cx)).await
    }

    /// The same for who polls.
    pub(in crate::soupbin) fn poll_accepted(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<LoginAccepted, End>> {
        loop {
            let (mut frames, missing) = match ready!(self.poll_take(cx)) {
                Taken::Frames(frames, missing) => (frames, missing),
                Taken::End(end) => return Poll::Ready(Err(end)),
            };
            let Some(frame) = split(&frames).map_err(End::Malformed)? else {
                continue;
            };
            // A rejection is followed by the end, which knows more.
            if let Ok(Packet::LoginAccepted(accepted)) = frame.packet() {
                let length = frame.len();
                let _ = frames.split_to(length);
                self.count = Count::from(accepted.sequence);
                self.count.came(frames, missing);
                return Poll::Ready(Ok(accepted));
            }
        }
    }

    /// What came after the login, as it is: whole frames of every kind but heartbeats, once there are
    /// some. For whoever counts by himself, and bears no gaps.
    pub(in crate::soupbin) fn poll_frames(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Bytes, End>> {
        let rest = self.count.take_rest();
        if !rest.is_empty() {
            return Poll::Ready(Ok(rest));
        }
        Poll::Ready(match ready!(self.poll_take(cx)) {
            Taken::Frames(frames, _) => Ok(frames),
            Taken::End(end) => Err(end),
        })
    }

    /// The next messages, once there are some. Nothing is lost if the future is dropped before it is
    /// ready.
    ///
    /// # Errors
    ///
    /// [`End`]: why there are no more.
    pub(super) async fn next(&mut self) -> Result<Batch, End> {
        loop {
            if let Some(batch) = self.count.batch().map_err(End::Malformed)? {
                return Ok(batch);
            }
            // A feed that never pauses must not have the thread for itself.
            consume_budget().await;
            match self.take().await {
                Taken::Frames(frames, missing) => self.count.came(frames, missing),
                Taken::End(end) => return Err(end),
            }
        }
    }

    /// Gives back a batch that was used up.
    pub(super) fn recycle(&mut self, batch: Batch) {
        self.reuse(batch.into_spare());
    }

    /// Gives back frames that were used up.
    pub(in crate::soupbin) fn recycle_frames(&mut self, frames: Bytes) {
        self.reuse(frames.try_into_mut().unwrap_or_default());
    }

    fn reuse(&mut self, spare: BytesMut) {
        if spare.capacity() > self.spare.capacity() {
            self.spare = spare;
        }
    }

    /// Leaves, and waits until the lines were told.
    pub(in crate::soupbin) async fn leave(mut self) {
        self.taker.leave();
        while let Taken::Frames(..) = self.take().await {}
    }

    async fn take(&mut self) -> Taken {
        poll_fn(|cx| self.poll_take(cx)).await
    }

    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Taken> {
        self.taker.poll_take(&mut self.spare, cx)
    }
}

impl Wanted {
    /// What a consumer sends first.
    fn requests(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let messages = self.subscription.iter();
        let messages = messages.map(|message| Packet::Unsequenced(message));
        for packet in [Packet::LoginRequest(self.login)]
            .into_iter()
            .chain(messages)
        {
            let written = packet.encode(&mut bytes);
            debug_assert!(written.is_ok(), "no message of a subscription is too long");
        }
        bytes
    }
}
