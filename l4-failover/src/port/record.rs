//! The one owner of a connection's log line, its metrics and its live entry.
//!
//! Whatever happens to a connection, it is counted and logged once: by [`Record::close`], or, where
//! its task was ended from outside, when the record is dropped.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::context::Context;
use super::error::Error;
use super::front::Front;
use super::log::{Line, Upstream};
use super::outcome::{Outcome, Phase};
use crate::outcome::{Cause, Ending};
use crate::pool::{Connected, Cut, Leased};
use crate::socket::Stream;
use crate::socket::live::Entry;
use crate::socket::relay::{Side, Tally};
use crate::socket::tls::San;
use crate::socket::workers::Accepted;

/// What is known of a connection while it lives.
#[derive(Debug)]
pub struct Record {
    context: Arc<Context>,
    entry: Arc<Entry<Arc<Front>>>,
    phase: Phase,
    /// How long the handshake took, where there was one.
    shook: Duration,
    /// Boxed, as the rest: an idle connection's task should stay small.
    caller: Option<Box<San>>,
    upstream: Option<Box<Upstream>>,
    failed_attempts: usize,
    is_closed: bool,
}

impl Record {
    pub(super) fn open(context: &Arc<Context>, accepted: Accepted<'_, Context>) -> Self {
        let Accepted {
            listener,
            slot,
            worker,
            client,
        } = accepted;
        let front = listener.front();
        front.series.opened();
        let phase = match front.gate {
            Some(_) => Phase::Handshake,
            None => Phase::Connect,
        };
        let entry = context.live.open(slot, worker, client, front);
        entry.reached(phase.as_str(), None);
        Self {
            context: Arc::clone(context),
            entry,
            phase,
            shook: Duration::ZERO,
            caller: None,
            upstream: None,
            failed_attempts: 0,
            is_closed: false,
        }
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    pub(super) fn front(&self) -> &Arc<Front> {
        &self.entry.own
    }

    pub(super) fn client(&self) -> SocketAddr {
        self.entry.client
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.entry.tally
    }

    /// The caller was let in, by this name.
    pub(super) fn called(&mut self, name: Option<San>) {
        self.reach(Phase::Connect);
        self.shook = self.entry.opened.elapsed();
        self.caller = name.map(Box::new);
    }

    /// An endpoint answered.
    pub(super) fn connected(&mut self, connected: Connected) -> Stream {
        let took = self.entry.opened.elapsed().saturating_sub(self.shook);
        self.front().series.dialled(took);
        let tried = connected.failed.iter().filter(|it| it.was_tried());
        self.failed_attempts = tried.count();
        self.upstream = Some(Box::new(Upstream {
            endpoint: Arc::clone(connected.endpoint.name()),
            lease: Some(connected.endpoint),
            address: connected.address,
            took,
            is_spilled: connected.is_spilled,
        }));
        self.reach(Phase::Relay);
        connected.stream
    }

    /// The connection is on a line of a feed from here on.
    pub(super) fn joined(&mut self, line: &Leased, address: SocketAddr) {
        let before = self.upstream.as_ref();
        let took = before.map_or_else(|| self.entry.opened.elapsed(), |before| before.took);
        if before.is_none() {
            self.front().series.dialled(took);
        }
        self.upstream = Some(Box::new(Upstream {
            endpoint: Arc::clone(line.name()),
            lease: None,
            address,
            took,
            is_spilled: line.is_spilled(),
        }));
        self.reach(Phase::Relay);
    }

    /// A consumer was let in, by this name, to what its port has for all.
    pub(super) fn admitted(&mut self, user: Option<&Arc<str>>) {
        if let Some(user) = user {
            self.entry.called(user);
        }
        self.reach(Phase::Relay);
    }

    /// How far the connection has come.
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Ready when an operator ends the connection, or the pool's policy the session.
    pub(super) async fn cut(&self) -> Error {
        poll_fn(|cx| match self.entry.poll_end(cx) {
            Poll::Ready(()) => Poll::Ready(Error::Unwanted(self.phase)),
            Poll::Pending => self.poll_cut(cx).map(Error::Cut),
        })
        .await
    }

    fn poll_cut(&self, cx: &std::task::Context<'_>) -> Poll<Cut> {
        let lease = self.upstream.as_ref().and_then(|it| it.lease.as_ref());
        lease.map_or(Poll::Pending, |it| it.poll_cut(cx))
    }

    /// Ready when an operator ends the connection.
    pub(super) async fn unwanted(&self) -> Error {
        poll_fn(|cx| self.entry.poll_end(cx)).await;
        Error::Unwanted(self.phase)
    }

    /// The connection as others see it.
    pub(super) fn entry(&self) -> &Arc<Entry<Arc<Front>>> {
        &self.entry
    }

    fn reach(&mut self, phase: Phase) {
        self.phase = phase;
        let upstream = self.upstream.as_ref();
        let endpoint = upstream.map(|it| &it.endpoint);
        self.entry.reached(phase.as_str(), endpoint);
    }

    pub(super) fn close(mut self, result: Result<(), Error>) {
        match result {
            Ok(()) => self.finish(Outcome::DONE, None),
            Err(error) => {
                let outcome = error.outcome();
                if let Error::Connect(error) = &error {
                    self.failed_attempts = error.tried();
                }
                // How a consumer leaves is an outcome, and no error.
                let is_left = matches!(error, Error::Feed(..)) && outcome.cause == Cause::Done;
                self.finish(outcome, Some(&error).filter(|_| !is_left));
            }
        }
    }

    fn finish(&mut self, outcome: Outcome, error: Option<&Error>) {
        self.is_closed = true;
        self.context.live.close(&self.entry, report);
        self.front().series.closed(outcome);
        let tally = self.tally();
        self.context.metrics().process.relayed(tally);
        self.context.log.connection(&Line {
            id: self.entry.id,
            port: &self.front().name,
            client: self.entry.client,
            caller: self.caller.as_deref(),
            user: self.entry.stage().user.as_deref(),
            upstream: self.upstream.as_deref(),
            failed_attempts: self.failed_attempts,
            outcome,
            error: error.map(|error| error as &(dyn std::error::Error + 'static)),
            from_client: tally.from_client(),
            from_upstream: tally.from_upstream(),
            lasted: self.entry.opened.elapsed(),
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.is_closed {
            let cause = match self.context.is_draining() {
                true => Cause::Drain,
                false => Cause::Abandon,
            };
            let ending = Ending::new(cause, cause.as_str());
            self.finish(Outcome::new(self.phase, ending), None);
        }
    }
}

/// Adds what passed since the last time to the metrics. Only under the lock of the entry's shard,
/// so that nothing is added twice.
pub(super) fn report(entry: &Entry<Arc<Front>>) {
    for side in [Side::Client, Side::Upstream] {
        entry.own.series.add_bytes(side, entry.tally.take_new(side));
    }
}
