//! Endpoints whose lines could be connected to and not joined: no check sees that, and it must not be
//! forgotten with the consumers that found out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::soupbin::join::LineFault;

/// Most endpoints that are remembered; of more the one is forgotten that was found out first.
const UNFIT_MAX: usize = 64;

/// An endpoint that could not be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// The endpoint's name.
    pub endpoint: Arc<str>,
    /// Why, in one word, and in a sentence: the last time.
    pub fault: (&'static str, String),
    /// Since when no line to it was joined.
    pub since: Instant,
    /// How many lines have failed so since then.
    pub lines: u64,
}

/// Those of a feed, until a line to them is joined.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Vec<Unfit>>);

impl Memory {
    pub(super) fn all(&self) -> Vec<Unfit> {
        self.lock().clone()
    }

    /// A line to the endpoint failed.
    pub(super) fn failed(&self, endpoint: &Arc<str>, fault: &LineFault) {
        if !tells_of_its_stream(fault) {
            return;
        }
        let fault = (fault.as_str(), fault.to_string());
        let mut all = self.lock();
        if let Some(known) = all.iter_mut().find(|it| it.endpoint == *endpoint) {
            known.fault = fault;
            known.lines += 1;
            return;
        }
        if all.len() == UNFIT_MAX {
            all.remove(0);
        }
        all.push(Unfit {
            endpoint: Arc::clone(endpoint),
            fault,
            since: Instant::now(),
            lines: 1,
        });
    }

    /// A line to the endpoint was joined.
    pub(super) fn joined(&self, endpoint: &str) {
        self.lock().retain(|it| &*it.endpoint != endpoint);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Unfit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a fault is one of what the server says, not of the way to it.
fn tells_of_its_stream(fault: &LineFault) -> bool {
    match fault {
        LineFault::Unreachable(_)
        | LineFault::Closed
        | LineFault::Broken(_)
        | LineFault::Silent(_) => false,
        LineFault::NoAnswer
        | LineFault::Malformed(_)
        | LineFault::Protocol(_)
        | LineFault::Rejected(_)
        | LineFault::OtherSession { .. }
        | LineFault::Mismatch { .. }
        | LineFault::Behind { .. }
        | LineFault::Gap { .. }
        | LineFault::Unverified
        | LineFault::EndedEarly { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_check_sees_is_kept_until_a_line_is_joined() {
        let memory = Memory::default();
        let endpoint: Arc<str> = "127.0.0.1:9001".into();
        memory.failed(&endpoint, &LineFault::Closed);
        assert_eq!(memory.all(), []);
        memory.failed(&endpoint, &LineFault::Unverified);
        memory.failed(&endpoint, &LineFault::Mismatch { sequence: 7 });
        let all = memory.all();
        assert_eq!(
            (all.len(), all[0].fault.0, all[0].lines),
            (1, "mismatch", 2)
        );
        memory.joined("127.0.0.1:9000");
        assert_eq!(memory.all(), all);
        memory.joined(&endpoint);
        assert_eq!(memory.all(), []);
    }

    #[test]
    fn no_more_are_kept_than_that() {
        let memory = Memory::default();
        for nth in 0..=UNFIT_MAX {
            memory.failed(&nth.to_string().into(), &LineFault::NoAnswer);
        }
        let all = memory.all();
        assert_eq!((all.len(), &*all[0].endpoint), (UNFIT_MAX, "1"));
    }
}
