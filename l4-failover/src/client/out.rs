//! Where commands write, and how: coloured for a terminal, plain for a pipe.

use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};

use clap::builder::styling::{AnsiColor, Style};

use super::ClientError;

/// Where a command writes.
pub struct Out<'w> {
    to: &'w mut (dyn Write + Send),
    paint: Paint,
    screen: Option<Screen>,
}

/// How much a terminal shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Screen {
    columns: usize,
    rows: usize,
}

/// Of a terminal that does not say.
const USUAL_SCREEN: Screen = Screen {
    columns: 80,
    rows: 24,
};

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
            screen: is_terminal.then_some(USUAL_SCREEN),
        }
    }

    #[cfg(test)]
    pub(super) fn piped(to: &'w mut (dyn Write + Send)) -> Self {
        Self {
            to,
            paint: Paint::new(false, None, None),
            screen: None,
        }
    }

    /// Writes `text` at once.
    ///
    /// # Errors
    ///
    /// [`ClientError::Output`].
    pub fn say(&mut self, text: &str) -> Result<(), ClientError> {
        self.to.write_all(text.as_bytes())?;
        Ok(self.to.flush()?)
    }

    /// Writes `text`; on a terminal, no more of each line than fits in one.
    ///
    /// # Errors
    ///
    /// [`ClientError::Output`].
    pub fn show(&mut self, text: &str) -> Result<(), ClientError> {
        match self.screen() {
            Some(screen) => {
                let lines = text.lines().map(|line| clipped(line, screen.columns));
                self.say(&lines.map(|line| line + "\n").collect::<String>())
            }
            None => self.say(text),
        }
    }

    /// Whether colours are used.
    #[must_use]
    pub fn paint(&self) -> Paint {
        self.paint
    }

    /// Says on stderr what is left to worry about.
    pub(super) fn warn(&mut self, warning: &str) -> Result<(), ClientError> {
        Ok(writeln!(io::stderr(), "{}", printable(warning))?)
    }

    /// Writes a screen in place of the last one; in a pipe, after it and an empty line.
    pub(super) fn redraw(&mut self, text: &str) -> Result<(), ClientError> {
        match self.screen() {
            Some(screen) => self.say(&screen.redrawn(text)),
            None => self.say(&format!("{text}\n")),
        }
    }

    /// As large as the terminal is now, if there is one.
    fn screen(&self) -> Option<Screen> {
        let usual = self.screen?;
        let known = terminal_size::terminal_size();
        let known = known.map(|(columns, rows)| Screen {
            columns: columns.0.into(),
            rows: rows.0.into(),
        });
        Some(
            known
                .filter(|it| it.columns > 0 && it.rows > 0)
                .unwrap_or(usual),
        )
    }
}

impl Screen {
    /// What puts `text` in place of what is there, without the flicker of an empty screen. What
    /// does not fit is counted: a screen that scrolls cannot be drawn again.
    fn redrawn(self, text: &str) -> String {
        let (count, rows) = (text.lines().count(), self.rows.saturating_sub(1).max(1));
        let shown = match count > rows {
            true => rows - 1,
            false => count,
        };
        let lines = text.lines().take(shown);
        let mut drawn = String::from("\x1b[H");
        for line in lines {
            drawn.push_str(&format!("{}\x1b[K\n", clipped(line, self.columns)));
        }
        if shown < count {
            let rest = format!("… {} more lines", count - shown);
            drawn.push_str(&format!("{}\x1b[K\n", clipped(&rest, self.columns)));
        }
        drawn + "\x1b[J"
    }
}

/// No more of a line than `columns` show, with `…` where it is cut; colours take no room.
fn clipped(line: &str, columns: usize) -> String {
    let mut pieces = Vec::new();
    let (mut rest, mut is_painted) = (line, false);
    while let Some(at) = rest.find('\x1b') {
        let end = rest[at..].find('m').map_or(rest.len(), |end| at + end + 1);
        pieces.push((&rest[..at], &rest[at..end]));
        (rest, is_painted) = (&rest[end..], true);
    }
    pieces.push((rest, ""));
    let width: usize = pieces.iter().map(|(text, _)| text.chars().count()).sum();
    if width <= columns {
        return line.to_owned();
    }
    let (mut short, mut room) = (String::new(), columns.saturating_sub(1));
    for (text, style) in pieces {
        let fits: String = text.chars().take(room).collect();
        room -= fits.chars().count();
        short.push_str(&fits);
        if room == 0 {
            break;
        }
        short.push_str(style);
    }
    let end = if is_painted { "\x1b[0m" } else { "" };
    format!("{short}…{end}")
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// No colours.
    pub const NONE: Self = Self(false);
    /// Colours.
    pub const FULL: Self = Self(true);

    /// See no-color.org: any value but the empty one says no.
    fn new(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> Self {
        let refused = no_color.is_some_and(|value| !value.is_empty());
        Self(is_terminal && !refused && term != Some(OsStr::new("dumb")))
    }

    /// `text` in bold.
    #[must_use]
    pub fn bold(self, text: &str) -> String {
        self.styled(text, Style::new().bold())
    }

    /// `text` so that it steps back.
    #[must_use]
    pub fn dim(self, text: &str) -> String {
        self.styled(text, Style::new().dimmed())
    }

    /// `text` in the colour of what went well.
    #[must_use]
    pub fn good(self, text: &str) -> String {
        self.styled(text, AnsiColor::Green.on_default())
    }

    /// `text` in the colour of what is worth a look.
    #[must_use]
    pub fn doubtful(self, text: &str) -> String {
        self.styled(text, AnsiColor::Yellow.on_default())
    }

    /// `text` in the colour of what went wrong.
    #[must_use]
    pub fn bad(self, text: &str) -> String {
        self.styled(text, AnsiColor::Red.on_default())
    }

    /// `text` in the colour of an endpoint's state, or of an event that leads there.
    pub(super) fn state(self, state: &str, text: &str) -> String {
        match state {
            "up" | "failback" => self.good(text),
            "down" | "failover" | "line_diverged" => self.bad(text),
            "maintenance" | "missed" | "forced" | "line_unverified" => self.doubtful(text),
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
///
/// ```
/// assert_eq!(l4_failover::client::printable("a\u{1b}[2J"), "a\\u{1b}[2J");
/// ```
#[must_use]
pub fn printable(text: &str) -> String {
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
    fn a_pipe_goes_on_where_a_terminal_is_redrawn() {
        let mut written = Vec::new();
        let mut out = Out::piped(&mut written);
        out.redraw("one\n").unwrap();
        assert_eq!(written, b"one\n\n");
        let screen = Screen {
            columns: 5,
            rows: 4,
        };
        assert_eq!(
            screen.redrawn("one\ntwo\n"),
            "\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J"
        );
        let four = screen.redrawn("1\n2\n3\n4\n");
        assert_eq!(four, "\x1b[H1\x1b[K\n2\x1b[K\n… 2 …\x1b[K\n\x1b[J");
    }

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        assert_eq!(clipped("abcdef", 6), "abcdef");
        assert_eq!(clipped("abcdef", 4), "abc…");
        assert_eq!(clipped("äöüß", 3), "äö…");
        let painted = format!("ab{}ef", Paint::FULL.bad("cd"));
        assert_eq!(clipped(&painted, 6), painted);
        assert_eq!(clipped(&painted, 4), "ab\x1b[31mc…\x1b[0m");
        assert_eq!(clipped("abc", 0), "…");
    }
}
