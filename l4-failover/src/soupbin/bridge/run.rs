//! A consumer's connection, from its login to its end.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until};

use super::feed::SharedFeed;
use super::inbox::Inbox;
use super::line::{BridgeLine, LineEnd};
use super::outbox::Outbox;
use super::recall::Recall;
use super::watch::Told;
use crate::pool::{Endpoint, Pool};

use crate::socket::relay::{Side, Tally};
use crate::soupbin::join::{Action, End, Join, TargetId};

/// What waits for a line that takes nothing; more of the consumer is not read meanwhile.
const LINE_WAITS_MAX: usize = 64 * 1024;

/// Whom a consumer's lines lead to, and how.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// The endpoints.
    pub pool: &'a Pool,
    /// How they are joined, and how they are spoken to: that as it is when they are dialled.
    pub feed: &'a SharedFeed,
    /// The consumer's address, which a pool may choose by.
    pub source: IpAddr,
}

/// Where others may look while a consumer is carried.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Counts bytes.
    pub tally: &'a Tally,
    /// The number of the consumer's next message; 0 before its login was accepted.
    pub next: &'a AtomicU64,
}

/// How a consumer's connection came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Why.
    pub end: End,
    /// Whether the consumer has everything that it was to get: a stream that was cut must not look
    /// whole.
    pub is_whole: bool,
}

/// Where a consumer reads and writes: a connection, or a pipe within this process. What is told to it
/// goes in one piece, whole frames only.
pub trait Consumer: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Consumer for T {}

/// Carries a consumer from line to line until its connection ends: why it did. What happens on the
/// way is told to `watch`.
pub async fn carry<C: Consumer>(
    client: &mut C,
    lines: Lines<'_>,
    progress: Progress<'_>,
    watch: &mut (dyn FnMut(Told<'_>) + Send),
) -> Carried {
    let now = Instant::now();
    let seed = fastrand::u64(..);
    let options = lines.feed.options();
    let mut bridge = Bridge {
        client,
        lines,
        progress,
        watch,
        recall: Recall::new(lines.pool),
        join: Join::new(options.join.clone(), seed, now.into_std()),
        stall: options.stall,
        open: Vec::new(),
        endpoints: Vec::new(),
        inbox: Inbox::default(),
        outbox: Outbox::default(),
        later: VecDeque::new(),
        stalled: None,
        end: None,
        armed: now,
        timer: Box::pin(sleep_until(now)),
    };
    bridge.heed_refusals();
    poll_fn(|cx| bridge.poll(cx)).await
}

pub(super) struct Bridge<'a, C> {
    pub(super) client: &'a mut C,
    pub(super) lines: Lines<'a>,
    pub(super) progress: Progress<'a>,
    pub(super) watch: &'a mut (dyn FnMut(Told<'_>) + Send),
    pub(super) recall: Recall,
    pub(super) join: Join,
    pub(super) open: Vec<BridgeLine>,
    /// Every endpoint that a line was ever dialled to, by its number.
    pub(super) endpoints: Vec<Arc<Endpoint>>,
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    /// What is to be done with lines, and told of them, once the bytes in hand are through.
    pub(super) later: VecDeque<Action>,
    /// Since when the consumer has taken nothing of what waits for it.
    pub(super) stalled: Option<Instant>,
    /// How long that may last.
    pub(super) stall: Duration,
    pub(super) end: Option<End>,
    pub(super) armed: Instant,
    pub(super) timer: Pin<Box<Sleep>>,
}

impl<C: Consumer> Bridge<'_, C> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Carried> {
        loop {
            let mut moved = self.do_actions(cx);
            if let Some(carried) = self.ended() {
                return Poll::Ready(carried);
            }
            moved |= self.write_to_consumer(cx);
            moved |= self.read_consumer(cx);
            moved |= self.poll_lines(cx);
            moved |= self.poll_recall(cx);
            moved |= self.poll_timer(cx);
            if !moved {
                return Poll::Pending;
            }
        }
    }

    pub(super) fn now(&self) -> std::time::Instant {
        Instant::now().into_std()
    }

    /// The end, once the consumer has what it was told, or takes no more of it. Who leaves, and who is
    /// cut, is not waited for.
    fn ended(&mut self) -> Option<Carried> {
        let end = self.end.as_ref()?;
        let is_waited_for = end.is_orderly() && !matches!(end, End::Logout | End::Closed);
        let is_whole = self.outbox.is_empty();
        if is_waited_for && !is_whole && self.stall_left().is_some() {
            return None;
        }
        let end = self.end.take()?;
        Some(Carried {
            end: if is_waited_for && !is_whole {
                End::Stalled
            } else {
                end
            },
            is_whole,
        })
    }

    /// What is left of the time that the consumer may take nothing; none if that is over.
    fn stall_left(&self) -> Option<Duration> {
        let since = self.stalled.unwrap_or_else(Instant::now);
        let left = (since + self.stall).checked_duration_since(Instant::now());
        left.filter(|left| !left.is_zero())
    }

    /// Gives the consumer bytes, after those that wait.
    pub(super) fn tell(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
        if let Err(error) = self.outbox.put(self.client, bytes, cx) {
            return self.consumer_broke(&error);
        }
        if !self.outbox.is_empty() && self.stalled.is_none() {
            self.stalled = Some(Instant::now());
            let now = self.now();
            self.join.block(true, now);
        }
    }

    fn consumer_broke(&mut self, error: &io::Error) {
        let broken = End::Broken(error.to_string());
        match &mut self.end {
            // It was to have more yet.
            Some(end) => *end = broken,
            None => self.join.end(broken),
        }
    }

    /// Whether the consumer took anything of what waits.
    fn write_to_consumer(&mut self, cx: &mut Context<'_>) -> bool {
        if self.stalled.is_none() {
            return false;
        }
        match self.outbox.poll_write(self.client, cx) {
            Poll::Pending => return false,
            Poll::Ready(Err(error)) => self.consumer_broke(&error),
            Poll::Ready(Ok(_)) if self.outbox.is_empty() => {
                self.stalled = None;
                let now = self.now();
                self.join.block(false, now);
            }
            Poll::Ready(Ok(_)) => self.stalled = Some(Instant::now()),
        }
        true
    }

    fn read_consumer(&mut self, cx: &mut Context<'_>) -> bool {
        let is_full = |line: &BridgeLine| match &line.end {
            LineEnd::Open(wire) => wire.outbox.len() > LINE_WAITS_MAX,
            LineEnd::Dialling(_) => false,
        };
        if self.join.is_over() {
            return false;
        }
        if self.open.iter().any(is_full) {
            let now = self.now();
            self.join.spare_consumer(now);
            return false;
        }
        let (join, tally) = (&mut self.join, self.progress.tally);
        let read = self.inbox.poll_read(self.client, cx, |bytes, _| {
            join.from_consumer(bytes, Instant::now().into_std())
        });
        match read {
            Poll::Pending => return false,
            Poll::Ready(Ok(0)) => self.join.end(End::Closed),
            Poll::Ready(Ok(read)) => tally.add(Side::Client, read as u64),
            Poll::Ready(Err(error)) => self.consumer_broke(&error),
        }
        true
    }

    /// Whether another line is preferred now, or one that is looked for may be found.
    fn poll_recall(&mut self, cx: &mut Context<'_>) -> bool {
        let joined = self.join.joined();
        let joined = joined.map(|target| &*self.endpoints[target.0 as usize]);
        let is_preferred = self.recall.poll(self.lines.pool, joined, cx).is_ready();
        let (news, now) = (self.recall.news(), self.now());
        if news.is_ordered {
            self.join.forgive_diverged(now);
        }
        if news.is_any {
            self.leave_maintained();
        }
        for endpoint in &news.returned {
            let target = self.target(endpoint);
            self.join.target_up(target, now);
        }
        if is_preferred {
            self.join.prefer_another(now);
        }
        is_preferred || news.is_any || !news.returned.is_empty()
    }

    /// Ends the lines beside the joined one whose endpoints an operator took out.
    pub(super) fn leave_maintained(&mut self) {
        let (pool, now) = (self.lines.pool, self.now());
        for (place, endpoint) in self.endpoints.iter().enumerate() {
            if pool.is_in_maintenance(endpoint) {
                self.join.leave_target(TargetId(place as u32), now);
            }
        }
    }

    fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let stall = self.stalled.map(|since| since + self.stall);
        let due = self.join.due().map(Instant::from_std);
        let Some(due) = due.into_iter().chain(stall).min() else {
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
        if self.stalled.is_some() && self.stall_left().is_none() {
            self.join.end(End::Stalled);
        }
        let now = self.now();
        self.join.tick(now);
        true
    }
}
