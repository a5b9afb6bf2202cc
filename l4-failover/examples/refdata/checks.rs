//! The claims of the story, each told with its time, and whether it held.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use tests::page::{Page, time};

/// Tells what happens, and counts what held.
#[derive(Debug)]
pub(crate) struct Checks<'a> {
    pub(crate) page: &'a Page,
    started: Instant,
    /// How many claims were made.
    pub(crate) count: usize,
    /// Those that did not hold: what was expected, and what was found.
    pub(crate) failures: Vec<String>,
}

impl<'a> Checks<'a> {
    pub(crate) fn new(page: &'a Page) -> Self {
        Self {
            page,
            started: Instant::now(),
            count: 0,
            failures: Vec::new(),
        }
    }

    /// Time since the story began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// A line about what was done; nothing is claimed.
    pub(crate) fn done(&self, what: &str) {
        self.line("›", what);
    }

    /// A claim; `found` is said if it does not hold.
    pub(crate) fn check(&mut self, holds: bool, claim: &str, found: &dyn Debug) {
        self.count += 1;
        if holds {
            self.line("✓", claim);
            return;
        }
        let failure = format!("expected: {claim}; found: {found:?}");
        self.line("✗", &failure);
        self.failures.push(failure);
    }

    fn line(&self, mark: &str, text: &str) {
        let at = time(self.elapsed());
        self.page.line(&format!("  {mark} {at:>8}  {text}"));
    }
}
