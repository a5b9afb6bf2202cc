//! How a run goes, for people: a line that is written over on a terminal, a plain one now and then
//! elsewhere.

use std::io::{self, IsTerminal, Write};

use crate::consumer::Glance;

/// Seconds between two plain lines: a log of an hour has 360.
const PLAIN_EVERY: u32 = 10;

/// Writes progress to stderr.
pub(super) struct Progress {
    is_terminal: bool,
    glances: u32,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
            glances: 0,
        }
    }

    pub(super) fn show(&mut self, glance: Glance) {
        self.glances += 1;
        let Glance {
            messages,
            rate,
            is_clean,
        } = glance;
        let verdict = if is_clean { "clean" } else { "VIOLATED" };
        let text = format!("{messages} messages, {rate:.0} /s, {verdict}");
        if self.is_terminal {
            // The rest of a longer line before it is cleared.
            print(&format!("\r{text}\x1b[K"));
        } else if self.glances.is_multiple_of(PLAIN_EVERY) {
            print(&format!("{text}\n"));
        }
    }

    /// Leaves the line that was written over.
    pub(super) fn end(&self) {
        if self.is_terminal && self.glances > 0 {
            print("\n");
        }
    }
}

fn print(text: &str) {
    // A closed stderr leaves nobody to tell.
    let _ = io::stderr().write_all(text.as_bytes());
}
