//! Doing what joining wants.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;

use tokio::io::AsyncWrite;

use super::line::{BridgeLine, LineEnd};
use super::run::{Bridge, Consumer};
use super::watch::{Names, Told};
use crate::pool::Endpoint;

use crate::soupbin::join::{Action, JoinEvent, LineFault, LineId, TargetId};

impl<C: Consumer> Bridge<'_, C> {
    pub(super) fn do_actions(&mut self, cx: &mut Context<'_>) -> bool {
        let mut is_any = false;
        loop {
            self.take_actions(cx);
            let Some(action) = self.later.pop_front() else {
                return is_any;
            };
            is_any = true;
            match action {
                Action::Dial {
                    line,
                    but,
                    is_standby,
                } => self.dial(line, &but, is_standby),
                Action::Send { line, bytes } => self.send(line, &bytes, cx),
                Action::Close { line } => self.close(line, cx),
                Action::Event(event) => self.event(&event),
                // Taken before.
                Action::Tell(_) | Action::End(_) => {}
            }
        }
    }

    /// What concerns the consumer is done at once, so that it stays in order with what lines send.
    pub(super) fn take_actions(&mut self, cx: &mut Context<'_>) {
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
            self.leave_maintained();
        }
        let joined = self.join.joined();
        let line = self.open.iter().find(|it| Some(it.target) == joined);
        let status = self.join.status(self.now());
        (self.watch)(Told {
            event,
            status: &status,
            names: Names(&self.endpoints),
            joined: line.and_then(BridgeLine::connected),
            open: &self.open,
        });
    }

    fn dial(&mut self, line: LineId, but: &[TargetId], is_standby: bool) {
        let but: Vec<Arc<Endpoint>> = but
            .iter()
            .map(|target| Arc::clone(&self.endpoints[target.0 as usize]))
            .collect();
        let (pool, now) = (self.lines.pool, self.now());
        let leased = match is_standby {
            true => pool.lease_standby(Some(self.lines.source), &but),
            false => pool.lease(Some(self.lines.source), &but),
        };
        let Some(leased) = leased else {
            return self.join.nobody(line, now);
        };
        let target = self.target(leased.endpoint());
        let options = self.lines.feed.options().line(leased.name());
        self.open
            .push(BridgeLine::dial(line, target, Arc::new(leased)));
        self.join.dialling(line, target, options, now);
    }

    /// Whoever refused these credentials a moment ago is not asked by this consumer either.
    pub(super) fn heed_refusals(&mut self) {
        for refusal in self.lines.feed.refusals().now() {
            let target = self.target(&refusal.endpoint);
            self.join.is_refused_by(target, refusal.until.into_std());
        }
    }

    /// The number of an endpoint: one that a reload has changed is the same.
    pub(super) fn target(&mut self, endpoint: &Arc<Endpoint>) -> TargetId {
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
}
