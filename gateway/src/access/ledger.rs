//! What each source has taken.

use std::collections::HashMap;
use std::time::Instant;

use super::limits::SourceLimits;
use super::resting::Resting;
use super::source::Source;

/// What each source has taken. Nothing is kept of a source that has no connection and has rested,
/// and nothing of who is refused.
///
/// An entry for each source that has a connection, so never more than there are connections; and of
/// those that only rest, never more than a bound. Where that forgets somebody too soon, it is one
/// that is let in, never one that is refused: no number of sources keeps out another.
#[derive(Debug)]
pub(super) struct Ledger {
    present: HashMap<Source, Present>,
    resting: Resting,
}

/// A source that has connections.
#[derive(Clone, Copy, Debug)]
struct Present {
    connections: u32,
    /// When as many as a burst may come again.
    rested: Instant,
}

/// What a source has too many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TooMany {
    Connections,
    New,
}

impl Ledger {
    /// Nobody yet; never more than `resting_max` without a connection.
    pub(super) fn new(resting_max: usize) -> Self {
        Self {
            present: HashMap::new(),
            resting: Resting::new(resting_max),
        }
    }

    /// One more connection of `source`, if it may.
    pub(super) fn admit(
        &mut self,
        source: Source,
        limits: &SourceLimits,
        now: Instant,
    ) -> Result<(), TooMany> {
        let mut known = self.known(&source, now);
        if limits
            .connections
            .is_some_and(|max| known.connections >= max.get())
        {
            return Err(TooMany::Connections);
        }
        if let Some(rate) = limits.rate {
            known.rested = rate.take(known.rested, now).ok_or(TooMany::New)?;
        }
        known.connections = known.connections.saturating_add(1);
        self.resting.remove(&source);
        self.present.insert(source, known);
        Ok(())
    }

    fn known(&self, source: &Source, now: Instant) -> Present {
        self.present
            .get(source)
            .copied()
            .unwrap_or_else(|| Present {
                connections: 0,
                rested: self.resting.rested(source).unwrap_or(now),
            })
    }

    /// A connection of `source` that was admitted has ended.
    pub(super) fn leave(&mut self, source: Source, now: Instant) {
        let Some(present) = self.present.get_mut(&source) else {
            return;
        };
        present.connections -= 1;
        let Present {
            connections,
            rested,
        } = *present;
        if connections > 0 {
            return;
        }
        self.present.remove(&source);
        if rested > now {
            self.resting.add(source, rested);
        }
    }

    /// Forgets those who have rested.
    pub(super) fn tidy(&mut self, now: Instant) {
        self.resting.tidy(now);
    }

    /// How many sources are known.
    pub(super) fn len(&self) -> usize {
        self.present.len() + self.resting.len()
    }
}
