//! The two flows of a relay, joined on one task.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::flow::{Flow, Turn};
use super::watch::{Due, Wanted, Watch};
use super::{RelayError, RelayLimits, Shared, Side, Tally, drive, splice};
use crate::socket::{Connection, queue};

/// Two connections and the flows between them. Unless it finishes cleanly, dropping it sets both
/// connections to close with RST.
pub(super) struct Pair<'a, C: Connection, U: Connection> {
    client: &'a mut C,
    upstream: &'a mut U,
    tally: &'a Tally,
    shared: &'a Shared,
    up: Flow,
    down: Flow,
    watch: Watch,
    broken: Option<RelayError>,
    is_clean: bool,
}

impl<'a, C: Connection, U: Connection> Pair<'a, C, U> {
    pub(super) fn new(
        client: &'a mut C,
        upstream: &'a mut U,
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
            Side::Client => self.client.tcp(),
            Side::Upstream => self.upstream.tcp(),
        }
    }

    fn flow_mut(&mut self, from: Side) -> &mut Flow {
        match from {
            Side::Client => &mut self.up,
            Side::Upstream => &mut self.down,
        }
    }

    /// Polls both flows; ready when neither has anything left to do.
    fn poll_flows(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        // Both every time, not one after the other: the second may still be sending.
        let up = self.poll_up(cx);
        let up = self.noted(cx, up);
        let down = self.poll_down(cx);
        let down = self.noted(cx, down);
        ready!(up);
        down
    }

    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RelayError>> {
        let mut turn = Turn {
            source: &mut *self.client,
            sink: &mut *self.upstream,
            tally: self.tally,
            shared: self.shared,
        };
        drive::poll(&mut self.up, cx, &mut turn)
    }

    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RelayError>> {
        let mut turn = Turn {
            source: &mut *self.upstream,
            sink: &mut *self.client,
            tally: self.tally,
            shared: self.shared,
        };
        drive::poll(&mut self.down, cx, &mut turn)
    }

    /// A flow's end; if it was a break, both flows learn of it.
    fn noted(&mut self, cx: &Context<'_>, end: Poll<Result<(), RelayError>>) -> Poll<()> {
        if let Err(error) = ready!(end) {
            self.broke(cx, error);
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
        self.flow_mut(side.other()).abandon(shared);
        self.flow_mut(side).cut();
        if self.broken.is_some() {
            self.flow_mut(side).abandon(shared);
        }
        self.broken.get_or_insert(error);
        cx.waker().wake_by_ref();
    }

    /// Ready when a limit on silence has ended the relay.
    fn poll_limits(&mut self, cx: &mut Context<'_>) -> Poll<RelayError> {
        loop {
            let steps = self.up.steps.wrapping_add(self.down.steps);
            let ended = match ready!(self.watch.poll(cx, steps, self.wanted())) {
                Due::Silence => self.silent(),
                Due::Look => self.look(cx),
            };
            if let Some(error) = ended {
                return Poll::Ready(error);
            }
        }
    }

    fn wanted(&self) -> Wanted {
        let limits = &self.shared.limits;
        let is_ending = self.broken.is_some() || self.finished().is_some();
        let linger = is_ending.then_some(limits.linger);
        Wanted {
            silence: [linger, limits.idle].into_iter().flatten().min(),
            look: is_ending || self.up.is_blocked() || self.down.is_blocked(),
        }
    }

    /// The one side that has finished, while the other has not.
    fn finished(&self) -> Option<Side> {
        match (self.up.is_finished(), self.down.is_finished()) {
            (true, false) => Some(Side::Client),
            (false, true) => Some(Side::Upstream),
            _ => None,
        }
    }

    /// Nothing has moved for as long as is allowed.
    fn silent(&mut self) -> Option<RelayError> {
        let RelayLimits { linger, idle, .. } = self.shared.limits;
        if let Some(broken) = self.broken.take() {
            return Some(broken);
        }
        match (self.finished(), idle) {
            (Some(finished), idle) if idle.is_none_or(|idle| linger <= idle) => {
                Some(RelayError::Lingered {
                    finished,
                    limit: linger,
                })
            }
            (_, idle) => idle.map(RelayError::Idle),
        }
    }

    /// Looks at what no event tells: pipes that are stuck, and sides that were reset while nobody
    /// was reading from them.
    fn look(&mut self, cx: &Context<'_>) -> Option<RelayError> {
        for side in [Side::Client, Side::Upstream] {
            if let Err(error) = self.unstick(side) {
                return Some(error);
            }
            let is_known = matches!(self.broken, Some(RelayError::Broken { side: known, .. }) if known == side);
            if !is_known && queue::is_broken(self.stream(side)) {
                let source = io::ErrorKind::ConnectionReset.into();
                self.broke(cx, self.flow_of(side).source_broke(source));
            }
        }
        None
    }

    /// Gives a pipe back whose sink has taken nothing since the last look.
    fn unstick(&mut self, from: Side) -> Result<(), RelayError> {
        let shared = self.shared;
        let flow = self.flow_mut(from);
        if flow.is_stalled() && shared.budget.has_room(flow.piped()) {
            splice::rescue(flow, shared)?;
        }
        Ok(())
    }

    fn flow_of(&self, from: Side) -> &Flow {
        match from {
            Side::Client => &self.up,
            Side::Upstream => &self.down,
        }
    }
}

impl<C: Connection, U: Connection> Future for Pair<'_, C, U> {
    type Output = Result<(), RelayError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let me = self.get_mut();
        if me.poll_flows(cx).is_pending() {
            return me.poll_limits(cx).map(Err);
        }
        Poll::Ready(me.broken.take().map_or(Ok(()), Err))
    }
}

impl<C: Connection, U: Connection> Drop for Pair<'_, C, U> {
    fn drop(&mut self) {
        self.up.abandon(self.shared);
        self.down.abandon(self.shared);
        if !self.is_clean {
            // Fails only on a socket that is dead already.
            let _ = self.client.tcp().set_zero_linger();
            let _ = self.upstream.tcp().set_zero_linger();
        }
    }
}
