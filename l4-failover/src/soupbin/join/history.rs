//! The last messages that a consumer got, to know a line by.

use super::options::COMPARED;

/// The last [`COMPARED`] messages; their memory is used again.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    ring: [Vec<u8>; COMPARED],
    /// How many messages were kept since the last [`clear`](Self::clear), those that are gone
    /// included.
    kept: u64,
}

impl History {
    /// Keeps a message, the one after the last.
    #[inline]
    pub(super) fn push(&mut self, message: &[u8]) {
        let place = (self.kept % COMPARED as u64) as usize;
        self.kept += 1;
        let slot = &mut self.ring[place];
        slot.clear();
        slot.extend_from_slice(message);
    }

    /// Counts messages that are followed by [`COMPARED`] others, so that none of them is kept.
    pub(super) fn skip(&mut self, count: usize) {
        self.kept += count as u64;
    }

    /// How many are there.
    pub(super) fn retained(&self) -> u64 {
        self.kept.min(COMPARED as u64)
    }

    /// The message that was kept `back` messages ago, 1 being the last.
    pub(super) fn back(&self, back: u64) -> Option<&[u8]> {
        if back == 0 || back > self.retained() {
            return None;
        }
        let place = ((self.kept - back) % COMPARED as u64) as usize;
        self.ring.get(place).map(Vec::as_slice)
    }

    pub(super) fn clear(&mut self) {
        self.kept = 0;
    }
}
