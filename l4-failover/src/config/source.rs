//! The text being read, and what was found in it so far.

use super::diagnostics::{Diagnostic, Diagnostics, Position};
use super::effective::Effective;
use super::node::Spot;
use super::schema::{Key, Schema};
use std::cell::{Cell, OnceCell, RefCell};
use toml::Spanned;
use toml::de::DeTable;

/// The one error of syntax after which every key is still known; the words are the parser's.
pub(super) const DUPLICATE: &str = "duplicate key";

/// What a syntax error leaves of the text.
#[derive(Clone, Copy, PartialEq)]
enum Structure {
    Whole,
    /// Keys may be lost, or stand under the wrong table: nothing may be said about absence.
    Torn,
}

/// A file's text and its mistakes, or, without a text, the schema of what would be read.
pub(super) struct Source<'t> {
    file: String,
    text: &'t str,
    /// Where the lines behind the first begin, once somebody asked for a position.
    lines: OnceCell<Vec<usize>>,
    mistakes: RefCell<Vec<Diagnostic>>,
    structure: Cell<Structure>,
    schema: Option<RefCell<Schema>>,
    effective: Option<RefCell<Effective>>,
    /// By the path of a key the flag that gave it, where no file did.
    flags: &'t [(&'static str, &'static str)],
}

impl<'t> Source<'t> {
    pub(super) fn new(file: &str, text: &'t str) -> Self {
        Self {
            file: file.to_owned(),
            text,
            lines: OnceCell::new(),
            mistakes: RefCell::default(),
            structure: Structure::Whole.into(),
            schema: None,
            effective: None,
            flags: &[],
        }
    }

    /// A source whose values were given by flags, each named with the path of its key.
    pub(super) fn of_flags(flags: &'t [(&'static str, &'static str)]) -> Self {
        Self {
            flags,
            ..Source::new("", "")
        }
    }

    /// A source without a text: keys asked for are recorded, mistakes are not.
    pub(super) fn recorder() -> Self {
        Self {
            schema: Some(RefCell::default()),
            ..Source::new("", "")
        }
    }

    /// A source of which every value that is in force is noted.
    pub(super) fn noting(text: &'t str) -> Self {
        Self {
            effective: Some(RefCell::default()),
            ..Source::new("", text)
        }
    }

    /// Parses `text`, which stands for the source's own; errors become mistakes, one a line.
    pub(super) fn parse<'p>(&self, text: &'p str) -> Spanned<DeTable<'p>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let offset = error.span().map_or(text.len(), |span| span.start);
            match error.message() {
                DUPLICATE => self.duplicate(offset),
                message => self.torn(offset, message),
            }
        }
        root
    }

    /// Notes a key that is given a value twice, at the second.
    pub(super) fn duplicate(&self, offset: usize) {
        self.syntax(offset, DUPLICATE);
    }

    /// Notes an error of syntax after which keys may be lost.
    pub(super) fn torn(&self, offset: usize, message: &str) {
        self.structure.set(Structure::Torn);
        self.syntax(offset, message);
    }

    /// Notes an error of syntax after which every key is still known.
    pub(super) fn syntax(&self, offset: usize, message: &str) {
        self.push(Some(self.position(offset)), "", message.to_owned());
    }

    /// Whether the absence of a key is the operator's doing, not a syntax error's.
    pub(super) fn absence_counts(&self) -> bool {
        self.structure.get() == Structure::Whole
    }

    /// Notes a mistake; the first at a place is the cause of those that follow there.
    pub(super) fn report(&self, spot: &Spot, message: String) {
        let offset = spot.offset.filter(|_| self.flags.is_empty());
        let position = offset.map(|offset| self.position(offset));
        if self.schema.is_none() && self.sound(spot) {
            self.push(position, &spot.path(), message);
        }
    }

    fn push(&self, position: Option<Position>, path: &str, message: String) {
        let mut mistakes = self.mistakes.borrow_mut();
        let line = position.map(|position| position.line);
        let torn = |m: &Diagnostic| m.path.is_empty() && m.position.map(|p| p.line) == line;
        if line.is_none() || !mistakes.iter().any(torn) {
            mistakes.push(Diagnostic {
                file: self.file.clone(),
                position,
                path: path.to_owned(),
                message,
            });
        }
    }

    /// Whether nothing is wrong so far with the value at `spot` or within it.
    pub(super) fn sound(&self, spot: &Spot) -> bool {
        let mistakes = self.mistakes.borrow();
        if mistakes.is_empty() {
            return true;
        }
        let path = spot.path();
        let within = |mistake: &Diagnostic| is_within(&mistake.path, &path);
        path.is_empty() || !mistakes.iter().any(within)
    }

    /// Whether this run is for the schema, not for a text.
    pub(super) fn recording(&self) -> bool {
        self.schema.is_some()
    }

    /// Whether this run is for what is in force.
    pub(super) fn is_noting(&self) -> bool {
        self.effective.is_some()
    }

    /// Notes a key that was asked for, if this run is for the schema.
    pub(super) fn record(&self, key: impl FnOnce() -> Key) {
        if let Some(schema) = &self.schema {
            schema.borrow_mut().push(key());
        }
    }

    /// Notes a value that is in force, if this run is for that.
    pub(super) fn note(&self, note: impl FnOnce(&mut Effective)) {
        if let Some(effective) = &self.effective {
            note(&mut effective.borrow_mut());
        }
    }

    pub(super) fn into_effective(self) -> Effective {
        self.effective.map(RefCell::into_inner).unwrap_or_default()
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let before = self.text.get(..offset).unwrap_or(self.text);
        // Every value of a file may be asked for: to count its lines each time would take as long as
        // their number squared.
        let lines = self.lines.get_or_init(|| line_starts(self.text));
        let above = lines.partition_point(|start| *start <= before.len());
        let line_start = above.checked_sub(1).map_or(0, |last| lines[last]);
        Position {
            line: above + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Where something stands, in words: `on line 12`, `by default`, or `given by --listen`.
    pub(super) fn place(&self, spot: &Spot) -> String {
        match (self.flag(spot), spot.offset) {
            (Some(flag), _) => format!("given by {flag}"),
            (None, Some(offset)) => format!("on line {}", self.position(offset).line),
            (None, None) => "by default".to_owned(),
        }
    }

    /// The flag that gave the value at `spot`, or one around it.
    pub(super) fn flag(&self, spot: &Spot) -> Option<&'static str> {
        // None of a file's values, whose paths need not be put together for this.
        let is_of_flags = !self.flags.is_empty();
        is_of_flags.then(|| self.flag_of(&spot.path())).flatten()
    }

    fn flag_of(&self, path: &str) -> Option<&'static str> {
        let gave = |(given, _): &&(&str, &str)| is_within(path, given);
        self.flags.iter().find(gave).map(|(_, flag)| *flag)
    }

    pub(super) fn into_diagnostics(self) -> Diagnostics {
        let mut mistakes = self.mistakes.take();
        for mistake in &mut mistakes {
            if let Some(flag) = self.flag_of(&mistake.path) {
                mistake.path = flag.to_owned();
            }
        }
        Diagnostics::sorted(mistakes)
    }

    pub(super) fn into_schema(self) -> Schema {
        self.schema.map(RefCell::into_inner).unwrap_or_default()
    }
}

/// Where the lines behind the first begin.
fn line_starts(text: &str) -> Vec<usize> {
    text.match_indices('\n').map(|(at, _)| at + 1).collect()
}

/// Whether `path` is `outer`, or that of something within it.
fn is_within(path: &str, outer: &str) -> bool {
    match path.strip_prefix(outer) {
        Some(rest) => rest.is_empty() || rest.starts_with(['.', '[']),
        None => false,
    }
}
