//! Sources without a connection that have not rested yet.

use std::collections::HashMap;
use std::time::Instant;

use super::source::Source;

/// Sources without a connection, with the time at which they will have rested; never more than a
/// bound, beyond which the half that came first is forgotten. One that is forgotten has rested.
#[derive(Debug)]
pub(super) struct Resting {
    half: usize,
    late: HashMap<Source, Instant>,
    early: HashMap<Source, Instant>,
}

impl Resting {
    /// Nobody yet, and never more than `max`.
    pub(super) fn new(max: usize) -> Self {
        Self {
            half: max / 2,
            late: HashMap::new(),
            early: HashMap::new(),
        }
    }

    /// When `source` will have rested, if it is known.
    pub(super) fn rested(&self, source: &Source) -> Option<Instant> {
        let known = self.late.get(source).or_else(|| self.early.get(source));
        known.copied()
    }

    /// `source` rests until `rested`.
    pub(super) fn add(&mut self, source: Source, rested: Instant) {
        self.remove(&source);
        if self.late.len() >= self.half {
            self.early = std::mem::take(&mut self.late);
        }
        self.late.insert(source, rested);
    }

    /// `source` rests no more.
    pub(super) fn remove(&mut self, source: &Source) {
        self.late.remove(source);
        self.early.remove(source);
    }

    /// Forgets those who have rested.
    pub(super) fn tidy(&mut self, now: Instant) {
        for part in [&mut self.late, &mut self.early] {
            part.retain(|_, rested| *rested > now);
            // What a flood took is given back once it is over.
            if part.is_empty() {
                *part = HashMap::new();
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.late.len() + self.early.len()
    }
}
