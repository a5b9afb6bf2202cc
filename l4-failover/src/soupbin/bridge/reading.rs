//! What comes from lines, and when they are connected.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use tokio::time::Instant;

use super::line::{BridgeLine, LineEnd, Wire};
use super::run::{Bridge, Consumer};

use crate::socket::relay::Side;
use crate::soupbin::join::{LineFault, LineId};

impl<C: Consumer> Bridge<'_, C> {
    pub(super) fn poll_lines(&mut self, cx: &mut Context<'_>) -> bool {
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
        if !self.join.wants(id) {
            wire.is_wanted = false;
            return moved;
        }
        if !std::mem::replace(&mut wire.is_wanted, true) {
            moved |= wire.inbox.again(|bytes| self.take(id, bytes, cx));
            wire.is_wanted = self.join.wants(id);
            if !wire.is_wanted {
                wire.place.set(self.join.next_on(id));
                return moved;
            }
        }
        let Wire { stream, inbox, .. } = wire;
        let read = inbox.poll_read(&mut **stream, cx, |bytes, cx| self.take(id, bytes, cx));
        // What it had to leave is looked at as soon as it is wanted again.
        wire.is_wanted = self.join.wants(id);
        wire.place.set(self.join.next_on(id));
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
}
