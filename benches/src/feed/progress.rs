//! How far a measurement is: a bar that moves on a terminal, and otherwise a line now and then.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

const WIDTH: usize = 30;

/// How often a line is written where there is no terminal.
const LINES: Duration = Duration::from_secs(10);

/// Says how far a measurement is.
#[derive(Debug)]
pub(super) struct Progress {
    what: String,
    total: usize,
    is_terminal: bool,
    said: Instant,
}

impl Progress {
    pub(super) fn start(what: impl Into<String>, total: usize) -> Self {
        let progress = Self {
            what: what.into(),
            total,
            is_terminal: stderr().is_terminal(),
            said: Instant::now(),
        };
        progress.say(0);
        progress
    }

    /// So many are done.
    pub(super) fn done(&mut self, done: usize) {
        let is_due = self.is_terminal || done == self.total || self.said.elapsed() >= LINES;
        if is_due {
            self.said = Instant::now();
            self.say(done);
        }
    }

    fn say(&self, done: usize) {
        let Self { what, total, .. } = self;
        let filled = WIDTH * done / (*total).max(1);
        let bar = format!("{}{}", "#".repeat(filled), "-".repeat(WIDTH - filled));
        let text = match (self.is_terminal, done == *total) {
            (true, false) => format!("\r[{bar}] {done}/{total} {what}"),
            (true, true) => format!("\r[{bar}] {done}/{total} {what}\n"),
            (false, _) => format!("{what}: {done} of {total}\n"),
        };
        // A closed stderr leaves nobody to tell.
        let _ = stderr().write_all(text.as_bytes());
    }
}
