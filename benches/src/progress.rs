//! How far a measurement is: a bar that moves on a terminal, and otherwise a line now and then.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// The bar, how much of how much, when it will be over, and what is done, cut to the terminal's width.
const STYLE: &str = "[{bar:30}] {pos}/{len}, {eta} left: {wide_msg}";

/// How often a line is written where there is no terminal.
const LINES: Duration = Duration::from_secs(10);

/// Says how far a measurement is.
#[derive(Debug)]
pub struct Progress {
    what: String,
    total: usize,
    /// None where nobody would see it move.
    bar: Option<ProgressBar>,
    said: Instant,
}

impl Progress {
    /// Begins with nothing done.
    #[must_use]
    pub fn start(what: impl Into<String>, total: usize) -> Self {
        let what = what.into();
        let progress = Self {
            bar: stderr().is_terminal().then(|| bar(what.clone(), total)),
            what,
            total,
            said: Instant::now(),
        };
        progress.say(0);
        progress
    }

    /// So many are done.
    pub fn done(&mut self, done: usize) {
        let is_due = done == self.total || self.said.elapsed() >= LINES;
        if is_due || self.bar.is_some() {
            self.said = Instant::now();
            self.say(done);
        }
    }

    /// What is done from now on.
    pub fn now(&mut self, what: impl Into<String>) {
        self.what = what.into();
        if let Some(bar) = &self.bar {
            bar.set_message(self.what.clone());
        }
    }

    fn say(&self, done: usize) {
        let Self { what, total, .. } = self;
        match &self.bar {
            Some(bar) => {
                bar.set_position(done as u64);
                if done == *total {
                    bar.finish();
                }
            }
            None => {
                // A closed stderr leaves nobody to tell.
                let _ = writeln!(stderr(), "{what}: {done} of {total}");
            }
        }
    }
}

fn bar(what: String, total: usize) -> ProgressBar {
    let bar = ProgressBar::new(total as u64).with_message(what);
    match ProgressStyle::with_template(STYLE) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
