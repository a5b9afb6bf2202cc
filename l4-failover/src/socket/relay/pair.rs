//! The two flows of a relay, joined on one task.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::flow::{Flow, Turn};
use super::watch::Watch;
use super::{RelayError, Shared, Side, Tally, drive, splice};
use crate::socket::queue;

/// A pipe whose sink takes nothing for this long is emptied into memory and given back: longer
/// than any round trip, so that ordinary backpressure of bulk keeps its pipe.
const STALL: Duration = Duration::from_secs(1);

/// Two connections and the flows between them. Unless it finishes cleanly, dropping it sets both
/// connections to close with RST.
pub(super) struct Pair<'a> {
    client: &'a mut TcpStream,
    upstream: &'a mut TcpStream,
    tally: &'a Tally,
    shared: &'a Shared,
    up: Flow,
    down: Flow,
    watch: Watch,
    broken: Option<RelayError>,
    is_clean: bool,
}

/// A bound on silence.
#[derive(Clone, Copy)]
enum Limit {
    Stall(Side),
    Linger(Side),
    Broken,
    Idle,
}

impl<'a> Pair<'a> {
    pub(super) fn new(
        client: &'a mut TcpStream,
        upstream: &'a mut TcpStream,
        tally: &'a Tally,
        shared: &'a Shared,
    ) -> Self {
        Self {
            client,
            upstream,
            tally,
            shared,
            up: Flow::new(Side::Client),
            down: Flow::new(Side::Upstream),
            watch: Watch::default(),
            broken: None,
            is_clean: false,
        }
    }

    /// Both sides have finished: they close with FIN.
    pub(super) fn finish(&mut self) {
        self.is_clean = true;
    }

    /// Waits until the kernel of `side` has acknowledged what was written to it, so that a RST
    /// does not overtake it; bounded by `linger`.
    ///
    /// Nothing wakes a socket whose send queue has emptied, so this looks, less and less often.
    pub(super) async fn deliver(&mut self, side: Side) {
        let until = Instant::now() + self.shared.limits.linger;
        let mut pause = Duration::from_millis(1);
        while !queue::is_delivered(self.stream(side)) && Instant::now() < until {
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    fn stream(&self, side: Side) -> &TcpStream {
        match side {
            Side::Client => self.client,
            Side::Upstream => self.upstream,
        }
    }

    fn flow(&mut self, from: Side) -> (&mut Flow, Turn<'_>) {
        let (flow, source, sink) = match from {
            Side::Client => (&mut self.up, &mut *self.client, &mut *self.upstream),
            Side::Upstream => (&mut self.down, &mut *self.upstream, &mut *self.client),
        };
        let turn = Turn {
            source,
            sink,
            tally: self.tally,
            shared: self.shared,
        };
        (flow, turn)
    }

    /// Polls both flows; ready when neither has anything left to do.
    fn poll_flows(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Both every time, not one after the other: the second may still be sending.
        let up = self.poll_flow(cx, Side::Client);
        let down = self.poll_flow(cx, Side::Upstream);
        ready!(up);
        down
    }

    fn poll_flow(&mut self, cx: &mut Context<'_>, from: Side) -> Poll<()> {
        let (flow, mut turn) = self.flow(from);
        match ready!(drive::poll(flow, cx, &mut turn)) {
            Ok(()) => {}
            Err(error) => self.broke(cx, error),
        }
        Poll::Ready(())
    }

    /// The first side to break: nothing can reach it any more, and what came from it before the
    /// break still goes out. A second break leaves nothing to do.
    fn broke(&mut self, cx: &Context<'_>, error: RelayError) {
        let RelayError::Broken { side, .. } = error else {
            return;
        };
        let shared = self.shared;
        self.flow(side.other()).0.abandon(shared);
        self.flow(side).0.cut();
        if self.broken.is_some() {
            self.flow(side).0.abandon(shared);
        }
        self.broken.get_or_insert(error);
        cx.waker().wake_by_ref();
    }

    /// Ready when a limit on silence has ended the relay.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<RelayError> {
        loop {
            let Some((limit, silence)) = self.next_limit() else {
                self.watch.disarm();
                return Poll::Pending;
            };
            let steps = self.up.steps.wrapping_add(self.down.steps);
            ready!(self.watch.poll_silence(cx, steps, silence));
            if let Some(error) = self.expired(limit) {
                return Poll::Ready(error);
            }
        }
    }

    fn next_limit(&self) -> Option<(Limit, Duration)> {
        let limits = &self.shared.limits;
        let finished = match (self.up.is_finished(), self.down.is_finished()) {
            (true, false) => Some(Side::Client),
            (false, true) => Some(Side::Upstream),
            _ => None,
        };
        let broken = self
            .broken
            .is_some()
            .then_some((Limit::Broken, limits.linger));
        let linger = finished.map(|side| (Limit::Linger(side), limits.linger));
        let idle = limits.idle.map(|silence| (Limit::Idle, silence));
        let stall = [&self.up, &self.down]
            .into_iter()
            .find(|flow| flow.piped() > 0 && self.shared.budget.has_room(flow.piped()))
            .map(|flow| (Limit::Stall(flow.from), STALL));
        [broken, linger, idle, stall]
            .into_iter()
            .flatten()
            .min_by_key(|(_, silence)| *silence)
    }

    fn expired(&mut self, limit: Limit) -> Option<RelayError> {
        match limit {
            Limit::Stall(from) => {
                let (flow, turn) = self.flow(from);
                splice::rescue(flow, &turn).err()
            }
            Limit::Broken => self.broken.take(),
            Limit::Linger(finished) => Some(RelayError::Lingered {
                finished,
                limit: self.shared.limits.linger,
            }),
            Limit::Idle => self.shared.limits.idle.map(RelayError::Idle),
        }
    }
}

impl Future for Pair<'_> {
    type Output = Result<(), RelayError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let me = self.get_mut();
        if me.poll_flows(cx).is_pending() {
            return me.poll_limits(cx).map(Err);
        }
        Poll::Ready(me.broken.take().map_or(Ok(()), Err))
    }
}

impl Drop for Pair<'_> {
    fn drop(&mut self) {
        self.up.abandon(self.shared);
        self.down.abandon(self.shared);
        if !self.is_clean {
            // Fails only on a socket that is dead already.
            let _ = self.client.set_zero_linger();
            let _ = self.upstream.set_zero_linger();
        }
    }
}
