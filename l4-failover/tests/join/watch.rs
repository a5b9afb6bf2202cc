//! What each line brought, by a count of its own: the judge of which line a message may come from.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use l4_failover::soupbin::join::LineId;

use super::consumer::Consumer;

/// A target is not tried again sooner than this after its line failed, where nothing has happened that
/// makes it worth to be.
const RETRY_MIN: Duration = Duration::from_millis(50);

/// What a line brought.
#[derive(Debug)]
struct Track {
    target: usize,
    /// The number of its next message, by what it said itself.
    next: Option<u64>,
    /// The first message that was not the one that the consumer had.
    differs: Option<u64>,
    /// A message that the consumer had not, and did not get.
    lost: Option<u64>,
}

/// All lines that there were.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Whether all that a line repeats is compared, however old it is: where the standby is hot.
    is_strict: bool,
    tracks: HashMap<LineId, Track>,
    /// When which target was dialled.
    dials: Vec<(Duration, usize)>,
    /// How often a target might have been dialled again at once.
    pub(crate) allowances: usize,
}

impl Watch {
    /// Before there is a line.
    pub(crate) fn new(is_strict: bool) -> Self {
        Self {
            is_strict,
            ..Self::default()
        }
    }

    /// A line is dialled.
    pub(crate) fn dialled(&mut self, line: LineId, target: usize, time: Duration) {
        let track = Track {
            target,
            next: None,
            differs: None,
            lost: None,
        };
        self.tracks.insert(line, track);
        self.dials.push((time, target));
    }

    /// Whole frames of a line were taken, and of these the consumer is about to get some.
    pub(crate) fn takes(
        &mut self,
        line: LineId,
        taken: &[u8],
        forward: &Range<usize>,
        consumer: &Consumer,
    ) {
        let track = self.tracks.get_mut(&line).expect("it was dialled");
        let (mut at, mut given) = (0, 0);
        while taken.len() >= at + 3 {
            let length = usize::from(taken[at]) << 8 | usize::from(taken[at + 1]);
            let Some(frame) = taken.get(at + 2..at + 2 + length) else {
                return;
            };
            match frame[0] {
                b'A' => track.accepted(&frame[1..]),
                b'S' if forward.contains(&at) => {
                    track.gives(consumer.next + given, self.is_strict);
                    given += 1;
                }
                b'S' => track.repeats(&frame[1..], consumer),
                _ => {}
            }
            at += 2 + length;
        }
    }

    /// A line that is there yet, though it differs, or lost a message on the way.
    pub(crate) fn assert_sound(&self, line: LineId) {
        let track = self.tracks.get(&line).expect("it was dialled");
        if self.is_strict {
            assert_eq!(track.differs, None, "the line differs, and is not out");
        }
        assert_eq!(track.lost, None, "the consumer did not get it, nor will");
    }

    /// A line to this target is said to differ by this message: one did.
    pub(crate) fn assert_differs(&self, target: usize, sequence: u64) {
        let mut tracks = self.tracks.values();
        // With a cold standby older ones may have differed, and were not compared.
        let is_it = |it: &Track| match it.differs {
            Some(first) if self.is_strict => it.target == target && first == sequence,
            Some(first) => it.target == target && first <= sequence,
            None => false,
        };
        assert!(
            tracks.any(is_it),
            "message {sequence} of {target} is the same"
        );
    }

    /// Nobody was dialled more often than a rest after each failure allows.
    pub(crate) fn assert_dials(&self, seed: u64) {
        let mut hasty = 0;
        for (nth, (time, target)) in self.dials.iter().enumerate() {
            let mut before = self.dials[..nth].iter().rev();
            let last = before.find(|(_, other)| other == target);
            let is_hasty = last.is_some_and(|(last, _)| *time < *last + RETRY_MIN);
            hasty += usize::from(is_hasty);
        }
        let (dials, allowed) = (self.dials.len(), self.allowances);
        assert!(
            hasty <= allowed,
            "seed {seed}: {hasty} of {dials} dials too soon, {allowed} allowed"
        );
    }
}

impl Track {
    fn accepted(&mut self, payload: &[u8]) {
        let text = std::str::from_utf8(&payload[10..]).expect("digits");
        self.next = text.trim().parse().ok();
    }

    /// The consumer gets its next message from this line.
    fn gives(&mut self, wanted: u64, is_strict: bool) {
        assert_eq!(self.next, Some(wanted), "the line is elsewhere");
        if is_strict {
            assert_eq!(self.differs, None, "the line differed before {wanted}");
        }
        self.next = Some(wanted + 1);
    }

    /// The consumer does not get this one.
    fn repeats(&mut self, message: &[u8], consumer: &Consumer) {
        let number = self.next.expect("its login was accepted");
        self.next = Some(number + 1);
        let Some(first) = consumer.first else {
            return;
        };
        match consumer.message(number) {
            Some(known) if known != message => {
                self.differs.get_or_insert(number);
            }
            Some(_) => {}
            None if number >= first => {
                self.lost.get_or_insert(number);
            }
            None => {}
        }
    }
}
