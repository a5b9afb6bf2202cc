//! How a line goes on with a session that was kept while there was none: what it repeats must be what
//! is held. Pure, but for the lock of what is held.

use std::fmt;

use bytes::Bytes;

use super::history::Differs;
use super::run::{Run, first_bytes};
use super::tape::Tape;
use crate::soupbin::join::{COMPARED, OnUnverified};

/// Why a line does not go on with what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Apart {
    /// It has another message under a number.
    Differs { sequence: u64 },
    /// It begins behind messages that are not held.
    Gap { next: u64, first: u64 },
    /// It repeats nothing that could be compared.
    Unverified { next: u64 },
    /// Every line says that there is no such session any more.
    Gone,
    /// No line has come as far as what is held, for long.
    Behind { next: u64 },
    /// There is too much between what is held and what is new.
    TooLong { next: u64 },
}

impl Apart {
    /// Whether it was found by what one line brought.
    pub(super) fn is_of_a_line(self) -> bool {
        match self {
            Self::Differs { .. } | Self::Gap { .. } | Self::Unverified { .. } => true,
            Self::Gone | Self::Behind { .. } | Self::TooLong { .. } => false,
        }
    }
}

/// A comparison that is under way.
#[derive(Debug)]
pub(super) struct Resume<'a> {
    tape: &'a Tape,
    /// The number of the line's next message.
    at: u64,
    /// The first that is not held.
    next: u64,
    /// How many were the same.
    pub(super) same: u64,
}

impl<'a> Resume<'a> {
    /// A line was accepted at message `first`, in the session of `tape`.
    ///
    /// # Errors
    ///
    /// [`Apart`]: it cannot go on there.
    pub(super) fn new(
        tape: &'a Tape,
        first: u64,
        on_unverified: OnUnverified,
    ) -> Result<Self, Apart> {
        let next = tape.held().next;
        if first > next {
            return Err(Apart::Gap { next, first });
        }
        if first == next && on_unverified == OnUnverified::Refuse {
            return Err(Apart::Unverified { next });
        }
        Ok(Self {
            tape,
            at: first,
            next,
            same: 0,
        })
    }

    /// Where a line is asked to begin that is to go on after messages from `first` to `next`.
    pub(super) fn begin(first: u64, next: u64) -> u64 {
        first.max(next.saturating_sub(COMPARED as u64)).max(1)
    }

    /// Whether it repeated all that it was to repeat.
    pub(super) fn is_through(&self) -> bool {
        self.at == self.next
    }

    /// Takes whole frames of the line: those that are new.
    ///
    /// # Errors
    ///
    /// [`Apart::Differs`]: one is not what is held under its number.
    pub(super) fn take(&mut self, mut frames: Bytes) -> Result<Bytes, Apart> {
        while !self.is_through() && !frames.is_empty() {
            let run = Run::of(&frames);
            let known = run.messages.min(self.next - self.at);
            let length = match known {
                // What has no number was passed on when it came for the first time, if it is that at all.
                0 => run.bytes,
                known => first_bytes(&frames, known),
            };
            if length == 0 {
                // Only whole frames come.
                break;
            }
            let repeated = frames.split_to(length);
            if known > 0 {
                self.same += self.tape.compare(self.at, &repeated)?.same;
                self.at += known;
            }
        }
        Ok(frames)
    }
}

impl From<Differs> for Apart {
    fn from(Differs { sequence }: Differs) -> Self {
        Self::Differs { sequence }
    }
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Differs { sequence } => {
                write!(
                    f,
                    "message {sequence} of the line is not the one that was kept"
                )
            }
            Self::Gap { next, first } => {
                write!(
                    f,
                    "the line begins at message {first}, and {next} came next"
                )
            }
            Self::Unverified { next } => write!(
                f,
                "the line begins at message {next}, and repeats nothing that could be compared"
            ),
            Self::Gone => f.write_str("every line says that the session is not available"),
            Self::Behind { next } => write!(f, "no line has come to message {next}"),
            Self::TooLong { next } => {
                write!(f, "too much has come since message {next} to repeat it")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::HistoryLimits;
    use super::*;
    use crate::soupbin::packet::Packet;

    /// Messages of these numbers, with text for people before each.
    fn frames(numbers: std::ops::Range<u64>, but: u64) -> Bytes {
        let mut bytes = Vec::new();
        for number in numbers {
            let text = match number == but {
                true => "another".to_owned(),
                false => number.to_string(),
            };
            Packet::Debug(b"text").encode(&mut bytes).unwrap();
            Packet::Sequenced(text.as_bytes())
                .encode(&mut bytes)
                .unwrap();
        }
        bytes.into()
    }

    /// What is held of messages 90 to 119.
    fn tape() -> Tape {
        let tape = Tape::new("FEED000001".parse().unwrap(), 90, HistoryLimits::default());
        assert_eq!(tape.write(&frames(90..120, 0)), 30);
        tape
    }

    #[test]
    fn what_is_repeated_is_compared_and_what_follows_is_new() {
        let tape = tape();
        assert_eq!(Resume::begin(90, 120), 104);
        assert_eq!((Resume::begin(110, 120), Resume::begin(1, 3)), (110, 1));
        let mut resume = Resume::new(&tape, 104, OnUnverified::Refuse).unwrap();
        assert!(resume.take(frames(104..119, 0)).unwrap().is_empty());
        assert!(!resume.is_through());
        let new = resume.take(frames(119..125, 0)).unwrap();
        assert_eq!((new, resume.same), (frames(120..125, 0), 16));
        assert!(resume.is_through());
        let whole = frames(125..130, 0);
        assert_eq!(resume.take(whole.clone()).unwrap(), whole);
    }

    #[test]
    fn another_message_and_a_line_that_begins_elsewhere_are_apart() {
        let tape = tape();
        let new = |first, on_unverified| Resume::new(&tape, first, on_unverified).map(|it| it.at);
        let (next, first) = (120, 121);
        let gap = Err(Apart::Gap { next, first });
        assert_eq!(new(121, OnUnverified::Join), gap);
        let unverified = Err(Apart::Unverified { next });
        assert_eq!(new(120, OnUnverified::Refuse), unverified);
        let mut blind = Resume::new(&tape, 120, OnUnverified::Join).unwrap();
        let whole = frames(120..122, 0);
        assert_eq!(blind.take(whole.clone()), Ok(whole));
        let mut resume = Resume::new(&tape, 115, OnUnverified::Refuse).unwrap();
        let differs = Err(Apart::Differs { sequence: 117 });
        assert_eq!(resume.take(frames(115..125, 117)), differs);
    }
}
