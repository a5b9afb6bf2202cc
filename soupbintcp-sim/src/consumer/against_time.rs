//! Judges a stream of which no seed is known: by the timestamps of ITCH messages.

use super::verdict::{Fault, Recent, Tally, fingerprint, timestamp};
use crate::itch::{Timestamp, length_of};

/// So many messages in a row that are late are none: time went wrong before them, by a message whose
/// time is damaged. What is overtaken on the way is fewer.
const LATE_MAX: u32 = 16;

/// The judge. It says nothing more once a message came that is none of ITCH.
#[derive(Debug, Default)]
pub(super) struct AgainstTime {
    is_other: bool,
    last: Timestamp,
    /// How many were late in a row.
    late: u32,
    recent: Recent,
}

impl AgainstTime {
    /// Judges a message that counting gives number `at`. Time that stands still is no mistake, as
    /// exchanges send messages of the same nanosecond; the same message again is one.
    pub(super) fn judge(&mut self, message: &[u8], at: u64, tally: &mut Tally) {
        self.is_other |= !is_sized(message);
        let Some(time) = timestamp(message).filter(|_| !self.is_other) else {
            return;
        };
        let own = fingerprint(message);
        if time > self.last {
            (self.last, self.late) = (time, 0);
        } else if self.recent.find(own).is_some() {
            return tally.count(Fault::Duplicate { at, of: None });
        } else if time < self.last {
            tally.count(Fault::Reorder { at, of: None });
            self.late += 1;
            if self.late == LATE_MAX {
                (self.last, self.late) = (time, 0);
            }
        }
        self.recent.push(own);
    }
}

fn is_sized(message: &[u8]) -> bool {
    message.first().and_then(|kind| length_of(*kind)) == Some(message.len())
}
