//! Mistakes, and where they stand.

use std::fmt;
use std::io;

/// A place in a file, both counted from 1; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// One mistake in a file, as `file:line: key: sentence`; of flags, as `--flag: sentence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file's name as it was given; empty if there is none, only flags.
    pub file: String,
    /// Where the mistake stands; none if it is about something that the file leaves out.
    pub position: Option<Position>,
    /// The key's path, such as `service[2].endpoints[0]`, or the flag; empty if it is about the
    /// file itself.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.file.is_empty() {
            f.write_str(&self.file)?;
            if let Some(position) = self.position {
                write!(f, ":{}", position.line)?;
            }
            f.write_str(": ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Every mistake of a file, in the order of its lines; shown one to a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts mistakes by their place; those without one come first.
    pub(super) fn sorted(mut mistakes: Vec<Diagnostic>) -> Self {
        mistakes.sort_by(|a, b| (a.position, &a.path).cmp(&(b.position, &b.path)));
        Self(mistakes)
    }

    /// The one mistake that the file cannot be read.
    pub(super) fn unreadable(file: &str, error: &io::Error) -> Self {
        let message = match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::InvalidData => "the file is not UTF-8 text".to_owned(),
            _ => format!("the file cannot be read: {error}"),
        };
        Self::of_file(file, message)
    }

    /// The one mistake of a file as a whole.
    pub(super) fn of_file(file: &str, message: String) -> Self {
        Self(vec![Diagnostic {
            file: file.to_owned(),
            position: None,
            path: String::new(),
            message,
        }])
    }

    /// The same with a mistake of a flag, which another part found.
    pub(crate) fn with_flag(mut self, flag: &str, message: String) -> Self {
        self.0.push(Diagnostic {
            file: String::new(),
            position: None,
            path: flag.to_owned(),
            message,
        });
        Self::sorted(self.0)
    }

    /// How many mistakes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no mistake.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The mistakes, in the order of their lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, mistake) in self.0.iter().enumerate() {
            let separator = if nth == 0 { "" } else { "\n" };
            write!(f, "{separator}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
