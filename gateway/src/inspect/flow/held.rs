//! What all flows hold together, and who gives it up where it is too much.

use super::Flows;
use super::dialogue::Scene;
use super::event::{FlowEvent, FlowId};
use super::key::Key;

impl Flows {
    /// A flow holds another number of bytes than before.
    pub(super) fn note_held(
        &mut self,
        flow: FlowId,
        key: Key,
        before: usize,
        held: usize,
        events: &mut Vec<FlowEvent>,
    ) {
        self.held_bytes = self.held_bytes - before + held;
        if held == 0 {
            self.holders.pop(&flow);
        } else if before == 0 {
            self.holders.put(flow, key);
        }
        while self.held_bytes > self.bounds.held_bytes {
            let Some((_, key)) = self.holders.pop_lru() else {
                break;
            };
            self.give_up(&key, events);
        }
    }

    /// What this flow holds is needed for others.
    fn give_up(&mut self, key: &Key, events: &mut Vec<FlowEvent>) {
        let Some(track) = self.open.peek_mut(key) else {
            return;
        };
        self.held_bytes -= track.cost();
        self.counts.given_up += 1;
        track.give_up(&mut Scene {
            flow: track.id,
            key: *key,
            time: self.now,
            bounds: &self.bounds.hello,
            secret: &self.secret,
            has_overlap: false,
            events,
        });
    }
}
