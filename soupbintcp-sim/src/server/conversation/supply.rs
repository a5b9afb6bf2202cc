//! Messages for a client: which may be sent, and which were.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::Conversation;
use crate::server::chunk::chunk_of;
use crate::server::conduct::Flow;
use crate::server::end::End;

impl Conversation<'_> {
    /// Sees to it that there is to be written what may be.
    pub(super) async fn fill(&mut self, now: Instant) -> Result<(), End> {
        if !self.session.is_in() || self.conduct.flow != Flow::On {
            self.outgoing.allow(0);
            return Ok(());
        }
        let end = self.follow_script(now).await?;
        if self.conduct.flow != Flow::On {
            self.outgoing.allow(0);
            return Ok(());
        }
        if self.outgoing.next() > self.stage.timeline.last() {
            return Err(self.farewell());
        }
        let is_other = self.is_stale && self.outgoing.is_between();
        if self.outgoing.is_saying() {
            // First that: an answer to a login does not wait for messages to be made.
            return Ok(());
        }
        if end >= self.outgoing.next() && (is_other || !self.outgoing.has_next()) {
            self.load().await?;
        }
        self.outgoing.allow(end);
        Ok(())
    }

    /// The last message that may be sent at `now`. Where the script has something before the next
    /// message, that is done first.
    async fn follow_script(&mut self, now: Instant) -> Result<u64, End> {
        loop {
            let end = self.stage.timeline.end(now, self.conduct.lag);
            let (next, barrier) = (self.outgoing.next(), self.stage.barrier());
            if next < barrier || next > end || self.conduct.flow != Flow::On {
                // What was ordered before the barrier was lifted is to be seen.
                self.obey().await?;
                let end = self.stage.timeline.end(now, self.conduct.lag);
                return Ok(end.min(barrier - 1));
            }
            self.stage.reach(next);
            self.obey().await?;
        }
    }

    pub(super) async fn load(&mut self) -> Result<(), End> {
        let next = self.outgoing.next();
        if next > self.stage.timeline.last() {
            return Ok(());
        }
        let chunk = self.stage.tape.chunk(chunk_of(next)).await;
        let mut chunk = chunk.map_err(End::Content)?;
        if self.conduct.is_blemished(chunk.first(), chunk.after()) {
            chunk = Arc::new(chunk.blemished(&self.conduct.blemishes));
        }
        self.outgoing.load(chunk);
        self.is_stale = false;
        Ok(())
    }

    /// When the next message may be sent, if that is to be waited for.
    pub(super) fn due(&self) -> Option<Instant> {
        let is_waiting = self.session.is_in()
            && self.conduct.flow == Flow::On
            && self.outgoing.bytes().is_empty()
            && self.outgoing.next() <= self.stage.timeline.last();
        let due = |()| {
            let next = self.outgoing.next();
            self.stage.timeline.due(next, self.conduct.lag)
        };
        is_waiting.then_some(()).and_then(due)
    }

    /// So many bytes were written, at `now`.
    pub(super) fn wrote(&mut self, count: usize, now: Instant) {
        self.session.sent(now);
        self.stalled = None;
        let first = self.outgoing.next();
        let messages = self.outgoing.wrote(count);
        let next = self.outgoing.next();
        self.client.progress.wrote(next, messages, count);
        if messages == 0 {
            return;
        }
        self.stage.timeline.sent(next - 1);
        self.stage.counts.messages.fetch_add(messages, Relaxed);
        if let Some(late) = self.late(first, now) {
            self.stage.counts.lateness.add(late, messages);
        }
    }

    /// How late a message was that became due while the client was there.
    fn late(&self, n: u64, now: Instant) -> Option<Duration> {
        let due = self.stage.timeline.due(n, self.conduct.lag);
        let due = due.filter(|due| *due > self.since);
        due.map(|due| now.saturating_duration_since(due))
    }
}
