//! A consumer's connection, from its login to its end.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep, sleep_until};

use super::feed::Feed;
use super::inbox::Inbox;
use super::line::{BridgeLine, LineEnd, Wire};
use super::outbox::Outbox;
use super::recall::Recall;
use super::watch::{Names, Told};
use crate::pool::{Endpoint, Pool};
use crate::socket::Connection;
use crate::socket::relay::{Side, Tally};
use crate::soupbin::join::{Action, End, Join, JoinEvent, LineFault, LineId, TargetId};

/// What waits for a line that takes nothing; more of the consumer is not read meanwhile.
const LINE_WAITS_MAX: usize = 64 * 1024;

/// Whom a consumer's lines lead to, and how.
#[derive(Clone, Copy, Debug)]
pub struct Lines<'a> {
    /// The endpoints.
    pub pool: &'a Pool,
    /// How they are joined, and how they are spoken to: that as it is when they are dialled.
    pub feed: &'a Feed,
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

/// Carries a consumer from line to line until its connection ends: why it did. What happens on the
/// way is told to `watch`.
pub async fn carry<C: Connection>(
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
    poll_fn(|cx| bridge.poll(cx)).await
}

struct Bridge<'a, C> {
    client: &'a mut C,
    lines: Lines<'a>,
    progress: Progress<'a>,
    watch: &'a mut (dyn FnMut(Told<'_>) + Send),
    recall: Recall,
    join: Join,
    open: Vec<BridgeLine>,
    /// Every endpoint that a line was ever dialled to, by its number.
    endpoints: Vec<Arc<Endpoint>>,
    inbox: Inbox,
    outbox: Outbox,
    /// What is to be done with lines, and told of them, once the bytes in hand are through.
    later: VecDeque<Action>,
    /// Since when the consumer has taken nothing of what waits for it.
    stalled: Option<Instant>,
    /// How long that may last.
    stall: Duration,
    end: Option<End>,
    armed: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<C: Connection> Bridge<'_, C> {
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

    fn now(&self) -> std::time::Instant {
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

    fn do_actions(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_any = false;
        loop {
            self.take_actions(cx);
            let Some(action) = self.later.pop_front() else {
                return is_any;
            };
            is_any = true;
            match action {
                Action::Dial { line, but } => self.dial(line, &but),
                Action::Send { line, bytes } => self.send(line, &bytes, cx),
                Action::Close { line } => self.close(line, cx),
                Action::Event(event) => self.event(&event),
                // Taken before.
                Action::Tell(_) | Action::End(_) => {}
            }
        }
    }

    /// What concerns the consumer is done at once, so that it stays in order with what lines send.
    fn take_actions(&mut self, cx: &mut Context<'_>) {
        while let Some(action) = self.join.next_action() {
            match action {
                Action::Tell(bytes) => self.tell(&bytes, cx),
                Action::End(end) => self.end = Some(end),
                Action::Dial { .. }
                | Action::Send { .. }
                | Action::Close { .. }
                | Action::Event(_) => self.later.push_back(action),
            }
        }
    }

    fn event(&mut self, event: &JoinEvent) {
        if let JoinEvent::Joined(joined) = event {
            let endpoint = &self.endpoints[joined.to.0 as usize];
            self.recall.joined(self.lines.pool, endpoint);
        }
        let joined = self.join.joined();
        let line = self.open.iter().find(|it| Some(it.target) == joined);
        let status = self.join.status(self.now());
        (self.watch)(Told {
            event,
            status: &status,
            names: Names(&self.endpoints),
            joined: line.and_then(BridgeLine::connected),
        });
    }

    fn dial(&mut self, line: LineId, but: &[TargetId]) {
        let but: Vec<Arc<Endpoint>> = but
            .iter()
            .map(|target| Arc::clone(&self.endpoints[target.0 as usize]))
            .collect();
        let (pool, now) = (self.lines.pool, self.now());
        let Some(leased) = pool.lease(Some(self.lines.source), &but) else {
            return self.join.nobody(line, now);
        };
        let target = self.target(leased.endpoint());
        let options = self.lines.feed.options().line(leased.name());
        self.open
            .push(BridgeLine::dial(line, target, Arc::new(leased)));
        self.join.dialling(line, target, options, now);
    }

    /// The number of an endpoint: one that a reload has changed is the same.
    fn target(&mut self, endpoint: &Arc<Endpoint>) -> TargetId {
        let known = self.endpoints.iter().position(|it| it.is(endpoint));
        let place = known.unwrap_or(self.endpoints.len());
        match known {
            Some(place) => self.endpoints[place] = Arc::clone(endpoint),
            None => self.endpoints.push(Arc::clone(endpoint)),
        }
        TargetId(place as u32)
    }

    fn send(&mut self, line: LineId, bytes: &[u8], cx: &mut Context<'_>) {
        let line = self.open.iter_mut().find(|it| it.id == line);
        if let Some(BridgeLine {
            end: LineEnd::Open(wire),
            id,
            ..
        }) = line
            && let Err(error) = wire.outbox.put(&mut *wire.stream, bytes, cx)
        {
            let (id, fault) = (*id, LineFault::Broken(error.to_string()));
            let now = self.now();
            self.join.failed(id, fault, now);
        }
    }

    /// Ends a line in order: what it was sent last goes out as far as its socket takes it.
    fn close(&mut self, line: LineId, cx: &mut Context<'_>) {
        let Some(place) = self.open.iter().position(|it| it.id == line) else {
            return;
        };
        if let LineEnd::Open(mut wire) = self.open.swap_remove(place).end {
            let _ = Pin::new(&mut *wire.stream).poll_shutdown(cx);
            wire.stream.end();
        }
    }

    /// Gives the consumer bytes, after those that wait.
    fn tell(&mut self, bytes: &[u8], cx: &mut Context<'_>) {
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

    fn poll_lines(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        let mut place = 0;
        while place < self.open.len() && !self.join.is_over() {
            let mut line = self.open.swap_remove(place);
            moved |= self.poll_line(&mut line, cx);
            self.open.push(line);
            let last = self.open.len() - 1;
            self.open.swap(place, last);
            place += 1;
        }
        moved
    }

    fn poll_line(&mut self, line: &mut BridgeLine, cx: &mut Context<'_>) -> bool {
        match &mut line.end {
            LineEnd::Dialling(dial) => {
                let Poll::Ready(dialled) = dial.as_mut().poll(cx) else {
                    return false;
                };
                let now = self.now();
                match dialled {
                    Ok((stream, address)) => {
                        line.end = LineEnd::Open(Box::new(Wire::new(stream, address)));
                        self.join.connected(line.id, now);
                    }
                    Err(error) => {
                        let fault =
                            LineFault::Unreachable(crate::error::with_causes(&error).to_string());
                        self.join.failed(line.id, fault, now);
                    }
                }
                true
            }
            LineEnd::Open(wire) => self.poll_wire(line.id, wire, cx),
        }
    }

    fn poll_wire(&mut self, id: LineId, wire: &mut Wire, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        match wire.outbox.is_empty() {
            true => wire.stuck = None,
            false => match wire.outbox.poll_write(&mut *wire.stream, cx) {
                Poll::Pending if self.is_stuck(wire) => return self.took_nothing(id),
                Poll::Pending => {}
                Poll::Ready(Ok(_)) => (moved, wire.stuck) = (true, None),
                Poll::Ready(Err(error)) => return self.broke(id, &error),
            },
        }
        let is_wanted = self.join.wants(id);
        let was_wanted = std::mem::replace(&mut wire.is_wanted, is_wanted);
        if !is_wanted {
            return moved;
        }
        if !was_wanted {
            wire.inbox.again(|bytes| self.take(id, bytes, cx));
        }
        let Wire { stream, inbox, .. } = wire;
        let read = inbox.poll_read(&mut **stream, cx, |bytes, cx| self.take(id, bytes, cx));
        match read {
            Poll::Pending => return moved,
            Poll::Ready(Ok(0)) => {
                let now = self.now();
                self.join.failed(id, LineFault::Closed, now);
            }
            Poll::Ready(Ok(read)) => self.progress.tally.add(Side::Upstream, read as u64),
            Poll::Ready(Err(error)) => return self.broke(id, &error),
        }
        true
    }

    /// Whether a line has taken nothing for as long as a consumer may.
    fn is_stuck(&self, wire: &mut Wire) -> bool {
        let since = *wire.stuck.get_or_insert_with(Instant::now);
        since.elapsed() >= self.stall
    }

    fn took_nothing(&mut self, id: LineId) -> bool {
        let why = format!("it took no byte for {:?}", self.stall);
        let now = self.now();
        self.join.failed(id, LineFault::Broken(why), now);
        true
    }

    fn broke(&mut self, id: LineId, error: &io::Error) -> bool {
        let (fault, now) = (LineFault::Broken(error.to_string()), self.now());
        self.join.failed(id, fault, now);
        true
    }

    /// Gives the consumer what a line sent, as far as it is to have it: how much was taken.
    fn take(&mut self, id: LineId, bytes: &[u8], cx: &mut Context<'_>) -> usize {
        let now = self.now();
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            let step = self.join.from_line(id, rest, now);
            self.take_actions(cx);
            if !step.forward.is_empty() {
                self.tell(&rest[step.forward.clone()], cx);
            }
            taken += step.taken;
            if let Some(next) = self.join.next() {
                self.progress.next.store(next, Relaxed);
            }
            if step.taken == 0 || taken == bytes.len() {
                return taken;
            }
        }
    }

    /// Whether another line is preferred now.
    fn poll_recall(&mut self, cx: &mut Context<'_>) -> bool {
        let joined = self.join.joined();
        let joined = joined.map(|target| &*self.endpoints[target.0 as usize]);
        if self.recall.poll(self.lines.pool, joined, cx).is_pending() {
            return false;
        }
        let now = self.now();
        self.join.prefer_another(now);
        true
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
