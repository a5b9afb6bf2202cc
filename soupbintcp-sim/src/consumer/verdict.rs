//! What is wrong with a stream: the part that all judges share.

use std::collections::VecDeque;
use std::fmt;

use crate::itch::Timestamp;

/// Mistakes that a report tells one by one; the others are only counted. The first ones show what
/// went wrong, and a stream that is all wrong must not fill the memory.
const FAULTS_TOLD: usize = 16;

/// Numbers of a stream that are remembered: a message that comes again or late is looked for among
/// so many before it, and one that comes early among so many after it. A failover's overlap is
/// some tens.
pub(super) const NEARBY: usize = 1024;

/// How many there were of each mistake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Messages that never came.
    pub gaps: u64,
    /// Messages that came again.
    pub duplicates: u64,
    /// Messages that came late, after others that belong behind them.
    pub reorders: u64,
    /// Messages that are none of the stream's.
    pub corrupt: u64,
}

impl Faults {
    /// Whether there was none.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.gaps == 0 && self.duplicates == 0 && self.reorders == 0 && self.corrupt == 0
    }
}

/// One mistake, at the number that counting gives the message which shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Some messages are missing before it.
    Gap {
        /// Its number, by counting.
        at: u64,
        /// How many are missing.
        missing: u64,
    },
    /// It came before.
    Duplicate {
        /// Its number, by counting.
        at: u64,
        /// The number that it had before; none if its like is only remembered.
        of: Option<u64>,
    },
    /// It belongs before others that came already.
    Reorder {
        /// Its number, by counting.
        at: u64,
        /// The number that it should have; none if only its time tells.
        of: Option<u64>,
    },
    /// It is no message of this stream.
    Corrupt {
        /// Its number, by counting.
        at: u64,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { at, missing } => write!(f, "message {at}: {missing} are missing before it"),
            Self::Duplicate { at, of: Some(of) } => {
                write!(f, "message {at}: it is number {of}, which came before")
            }
            Self::Duplicate { at, of: None } => write!(f, "message {at}: it came before"),
            Self::Reorder { at, of: Some(of) } => {
                write!(f, "message {at}: it is number {of}, and late")
            }
            Self::Reorder { at, of: None } => {
                write!(
                    f,
                    "message {at}: by its time it belongs before one that came already"
                )
            }
            Self::Corrupt { at } => write!(f, "message {at}: it is none of this stream's"),
        }
    }
}

/// Counts mistakes, and keeps the first ones.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) faults: Faults,
    pub(super) told: Vec<Fault>,
}

impl Tally {
    pub(super) fn count(&mut self, fault: Fault) {
        match fault {
            Fault::Gap { missing, .. } => {
                self.faults.gaps = self.faults.gaps.saturating_add(missing)
            }
            Fault::Duplicate { .. } => self.faults.duplicates += 1,
            Fault::Reorder { .. } => self.faults.reorders += 1,
            Fault::Corrupt { .. } => self.faults.corrupt += 1,
        }
        if self.told.len() < FAULTS_TOLD {
            self.told.push(fault);
        }
    }

    /// A message that was missing came after all.
    pub(super) const fn came_late(&mut self) {
        self.faults.gaps = self.faults.gaps.saturating_sub(1);
    }
}

/// Fingerprints of the last messages before a number.
#[derive(Debug, Default)]
pub(super) struct Recent(VecDeque<u64>);

impl Recent {
    pub(super) fn push(&mut self, fingerprint: u64) {
        if self.0.len() == NEARBY {
            self.0.pop_front();
        }
        self.0.push_back(fingerprint);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// How many places back a message stands: 1 for the last one.
    pub(super) fn find(&self, fingerprint: u64) -> Option<u64> {
        let back = self.0.iter().rev().position(|it| *it == fingerprint);
        back.map(|back| back as u64 + 1)
    }
}

/// 64 bits of a message. Equal messages have equal ones; others by a chance of one in 2⁶⁴.
pub(super) fn fingerprint(message: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = message.len() as u64 ^ ODD;
    let mut take = |part: u64| {
        sum = (sum ^ part).wrapping_mul(ODD);
        sum ^= sum >> 29;
    };
    let (whole, rest) = message.as_chunks::<8>();
    for part in whole {
        take(u64::from_le_bytes(*part));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    take(u64::from_le_bytes(last));
    sum
}

/// When an ITCH message was made; none of a message that is too short for one.
pub(super) fn timestamp(message: &[u8]) -> Option<Timestamp> {
    let mut bytes = [0; 8];
    bytes[2..].copy_from_slice(message.get(5..11)?);
    Some(Timestamp::from_nanos(u64::from_be_bytes(bytes)))
}
