//! Faults that are known beforehand: a file of lines, each a moment and an order.
//!
//! ```text
//! # a comment
//! 5s       pause                # five seconds after the server is ready
//! 7.5s     resume
//! #100000  cut client=1 reset   # when a client is about to be sent message 100 000
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use humantime::parse_duration;
use thiserror::Error;

use crate::server::{Order, OrderError};

/// Lines of a script; far more than anybody writes.
const LINES_MAX: usize = 10_000;

/// Orders, each with its moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// After the server is ready, the earliest first.
    pub(crate) timed: Vec<(Duration, Order)>,
    /// Before a message of this number, the lowest first.
    pub(crate) numbered: Vec<(u64, Order)>,
}

/// Why a script cannot be followed.
#[derive(Debug, Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the script {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is mistaken.
    #[error("{}: line {line}: {mistake}", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        mistake: LineError,
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// It does not begin with a moment.
    #[error(
        "{0:?} is no moment: write a time after the start, such as 5s or 250ms, or # and the \
         number of a message, such as #1000; then the fault"
    )]
    Moment(String),
    /// What follows is no order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// There are too many.
    #[error("a script has at most {LINES_MAX} lines")]
    TooMany,
}

/// When an order is carried out.
enum Moment {
    After(Duration),
    Before(u64),
}

impl Script {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`ScriptError`]: the file, the first line that is mistaken, and what it could be.
    pub fn load(path: &Path) -> Result<Self, ScriptError> {
        let text = fs::read_to_string(path).map_err(|source| ScriptError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text).map_err(|(line, mistake)| ScriptError::Line {
            path: path.to_owned(),
            line,
            mistake,
        })
    }

    /// Reads lines.
    ///
    /// # Errors
    ///
    /// The first line that is mistaken, counted from 1, and what it could be.
    pub fn parse(text: &str) -> Result<Self, (usize, LineError)> {
        let mut script = Self::default();
        for (nth, line) in text.lines().enumerate() {
            let number = nth + 1;
            if number > LINES_MAX {
                return Err((number, LineError::TooMany));
            }
            if let Some(line) = content(line) {
                script.add(line).map_err(|mistake| (number, mistake))?;
            }
        }
        // Stable: what is said first of one moment is done first.
        script.timed.sort_by_key(|(after, _)| *after);
        script.numbered.sort_by_key(|(before, _)| *before);
        Ok(script)
    }

    fn add(&mut self, line: &str) -> Result<(), LineError> {
        let (moment, order) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let moment: Moment = moment.parse()?;
        let order = order.parse()?;
        match moment {
            Moment::After(after) => self.timed.push((after, order)),
            Moment::Before(before) => self.numbered.push((before, order)),
        }
        Ok(())
    }
}

/// A line without its comment, if anything is left: `#` between spaces, or at an end of the line,
/// and what follows. Any other `#` is part of what is said, or of a mistake that is told.
fn content(line: &str) -> Option<&str> {
    let mut before = ' ';
    let comment = line.char_indices().find(|(at, character)| {
        let after = line[at + character.len_utf8()..].chars().next();
        let is_alone = after.is_none_or(char::is_whitespace);
        let begins = *character == '#' && before.is_whitespace() && is_alone;
        before = *character;
        begins
    });
    let line = comment.map_or(line, |(at, _)| &line[..at]).trim();
    (!line.is_empty()).then_some(line)
}

impl FromStr for Moment {
    type Err = LineError;

    fn from_str(text: &str) -> Result<Self, LineError> {
        let mistake = || LineError::Moment(text.to_owned());
        match text.strip_prefix('#') {
            Some(number) => {
                let number = number.parse().ok().filter(|number| *number > 0);
                number.map(Self::Before).ok_or_else(mistake)
            }
            None => seconds(text).map(Self::After).ok_or_else(mistake),
        }
    }
}

/// A time with its unit; of seconds also fractions: `7.5s`.
fn seconds(text: &str) -> Option<Duration> {
    let fraction = || {
        let seconds = text.strip_suffix('s')?;
        let seconds = seconds.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    };
    parse_duration(text).ok().or_else(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{Ending, Fault};

    #[test]
    fn lines_are_moments_and_orders() {
        let text = "# a test\n\n7.5s resume  # go on\n5s pause\n#1000 cut client=1 reset\n";
        let script = Script::parse(text).unwrap();
        assert_eq!(
            script.timed,
            [
                (Duration::from_secs(5), Order::all(Fault::Pause)),
                (Duration::from_millis(7500), Order::all(Fault::Resume)),
            ]
        );
        let cut = Order::client(1, Fault::Cut(Ending::Reset));
        assert_eq!(script.numbered, [(1000, cut)]);
    }

    #[test]
    fn a_comment_has_a_space_behind_its_sign() {
        let script = Script::parse("#\n # \n1s debug #tag a#b # said\n").unwrap();
        let debug = Order::all(Fault::Debug("#tag a#b".to_owned()));
        assert_eq!(script.timed, [(Duration::from_secs(1), debug)]);
        for mistaken in ["#x pause", "##", "#pause"] {
            let (line, mistake) = Script::parse(mistaken).unwrap_err();
            assert_eq!(line, 1);
            assert!(mistake.to_string().contains("is no moment"), "{mistake}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line() {
        let (line, mistake) = Script::parse("5s pause\nsoon resume").unwrap_err();
        assert_eq!(line, 2);
        assert!(
            mistake
                .to_string()
                .starts_with("\"soon\" is no moment: write a time")
        );
        let (line, mistake) = Script::parse("\n#12 fall over").unwrap_err();
        assert_eq!(line, 2);
        assert!(
            mistake
                .to_string()
                .starts_with("unknown fault \"fall\"; known are pause")
        );
        assert!(Script::parse("5s").is_err());
        assert!(Script::parse("#0 pause").is_err());
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Script::load(Path::new("/no/such/script")).unwrap_err();
        assert_eq!(error.to_string(), "cannot read the script /no/such/script");
    }
}
