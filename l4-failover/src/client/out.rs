//! Where commands write, and how: coloured for a terminal, plain for a pipe.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use clap::builder::styling::{AnsiColor, Style};

use super::ClientError;

/// Where a command writes.
pub(super) struct Out<'w> {
    to: &'w mut (dyn Write + Send),
    pub(super) paint: Paint,
    is_terminal: bool,
}

impl<'w> Out<'w> {
    /// The standard output of this process.
    pub(super) fn standard(to: &'w mut io::Stdout) -> Self {
        let is_terminal = to.is_terminal();
        let variable = |name| std::env::var_os(name);
        let paint = Paint::new(
            is_terminal,
            variable("NO_COLOR").as_deref(),
            variable("TERM").as_deref(),
        );
        Self {
            to,
            paint,
            is_terminal,
        }
    }

    #[cfg(test)]
    pub(super) fn piped(to: &'w mut (dyn Write + Send)) -> Self {
        Self {
            to,
            paint: Paint::new(false, None, None),
            is_terminal: false,
        }
    }

    /// Writes `text` at once.
    pub(super) fn say(&mut self, text: &str) -> Result<(), ClientError> {
        self.to.write_all(text.as_bytes())?;
        Ok(self.to.flush()?)
    }

    /// Says on stderr what is left to worry about.
    pub(super) fn warn(&mut self, warning: &str) -> Result<(), ClientError> {
        Ok(writeln!(io::stderr(), "{}", printable(warning))?)
    }

    /// Writes a screen in place of the last one; in a pipe, after it and an empty line.
    pub(super) fn redraw(&mut self, screen: &str) -> Result<(), ClientError> {
        match self.is_terminal {
            // To the upper left corner, and nothing after what is written.
            true => self.say(&format!("\x1b[H\x1b[2J{screen}")),
            false => self.say(&format!("{screen}\n")),
        }
    }
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paint(bool);

impl Paint {
    #[cfg(test)]
    pub(super) const NONE: Self = Self(false);
    #[cfg(test)]
    pub(super) const FULL: Self = Self(true);

    /// See no-color.org: any value but the empty one says no.
    fn new(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        Self(is_terminal && !refused && term != Some(OsStr::new("dumb")))
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    /// `text` in the colour of an endpoint's state, or of an event that leads there.
    pub(super) fn state(self, state: &str, text: &str) -> String {
        match state {
            "up" | "failback" => self.styled(text, AnsiColor::Green.on_default()),
            "down" | "failover" => self.styled(text, AnsiColor::Red.on_default()),
            "maintenance" | "missed" | "forced" => {
                self.styled(text, AnsiColor::Yellow.on_default())
            }
            _ => text.to_owned(),
        }
    }

    fn styled(self, text: &str, style: Style) -> String {
        match self.0 {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }
}

/// `text` without what a terminal would obey: reasons come from peers.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char.is_control() {
            true => safe.extend(char.escape_default()),
            false => safe.push(char),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_terminal_that_does_not_refuse_is_painted() {
        let paint = |is_terminal, no_color: Option<&str>, term: Option<&str>| {
            Paint::new(is_terminal, no_color.map(OsStr::new), term.map(OsStr::new)).0
        };
        assert!(paint(true, None, Some("xterm")));
        assert!(paint(true, Some(""), None));
        assert!(!paint(true, Some("1"), None));
        assert!(!paint(true, None, Some("dumb")));
        assert!(!paint(false, None, Some("xterm")));
    }

    #[test]
    fn paint_ends_where_the_text_does() {
        assert_eq!(Paint(true).state("down", "x"), "\x1b[31mx\x1b[0m");
        assert_eq!(Paint(true).state("?", "x"), "x");
        assert_eq!(Paint(false).bold("x"), "x");
    }

    #[test]
    fn a_peer_cannot_speak_to_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nä"), "a\\u{1b}[2Jb\\nä");
    }

    #[test]
    fn a_terminal_is_redrawn_and_a_pipe_goes_on() {
        let mut written = Vec::new();
        let mut out = Out::piped(&mut written);
        out.redraw("one\n").unwrap();
        out.is_terminal = true;
        out.redraw("two\n").unwrap();
        assert_eq!(written, b"one\n\n\x1b[H\x1b[2Jtwo\n");
    }
}
