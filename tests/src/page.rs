//! What the reader sees: plain lines and aligned columns; colour only where a terminal wants it.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

const BOLD: &str = "\x1b[1m";
const DIM: &str = "\x1b[2m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Standard output.
#[derive(Debug)]
pub struct Page {
    colour: bool,
}

impl Default for Page {
    fn default() -> Self {
        // https://no-color.org: present and not empty.
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
        Self {
            colour: io::stdout().is_terminal() && !unwanted,
        }
    }
}

impl Page {
    /// A line; its ✓ and ✗ are coloured.
    pub fn line(&self, text: &str) {
        let mut text = text.trim_end().to_owned();
        if self.colour {
            text = text
                .replace('✓', &format!("{GREEN}✓{PLAIN}"))
                .replace('✗', &format!("{RED}✗{PLAIN}"));
        }
        // A reader that closed the pipe has read what it wanted.
        let _ = writeln!(io::stdout(), "{text}");
    }

    /// The first line.
    pub fn title(&self, text: &str) {
        self.line(&self.paint(BOLD, text));
    }

    /// The heading of a part.
    pub fn part(&self, text: &str) {
        self.line("");
        self.line(&self.paint(BOLD, text));
    }

    /// Rows in columns as wide as their widest cell; a column named `>name` is aligned right.
    pub fn table(&self, names: &[&str], rows: &[Vec<String>]) {
        let head = names.iter().map(|name| name.trim_start_matches('>').into());
        let head: Vec<String> = head.collect();
        let width = |column: usize| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let aligned = |row: &Vec<String>| {
            let cells = row.iter().zip(names).zip(&widths);
            cells.fold(String::new(), |line, ((cell, name), &width)| {
                line + "  " + &align(cell, width, name.starts_with('>'))
            })
        };
        self.line(&self.paint(DIM, &aligned(&head)));
        rows.iter().for_each(|row| self.line(&aligned(row)));
    }

    /// Two texts beside each other.
    pub fn beside(&self, left: &str, right: &str) {
        let width = left.lines().map(|line| line.chars().count()).max();
        let width = width.unwrap_or(0) + 4;
        let (mut left, mut right) = (left.lines(), right.lines());
        loop {
            let (one, other) = (left.next(), right.next());
            if one.or(other).is_none() {
                break;
            }
            let one = align(one.unwrap_or_default(), width, false);
            let line = format!("    {one}{}", other.unwrap_or_default());
            self.line(&self.paint(DIM, line.trim_end()));
        }
    }

    fn paint(&self, style: &str, text: &str) -> String {
        match self.colour {
            true => format!("{style}{text}{PLAIN}"),
            false => text.to_owned(),
        }
    }
}

fn align(cell: &str, width: usize, right: bool) -> String {
    match right {
        true => format!("{cell:>width$}"),
        false => format!("{cell:<width$}"),
    }
}

/// A time, in three digits or so.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.01 => format!("{:.2} ms", seconds * 1e3),
        ..1.0 => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// A round number of bytes.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 2] = [(1 << 20, "MiB"), (1 << 10, "KiB")];
    let unit = UNITS.iter().find(|(unit, _)| bytes.is_multiple_of(*unit));
    match unit {
        Some((unit, name)) if bytes > 0 => format!("{} {name}", bytes / unit),
        _ => format!("{bytes} B"),
    }
}

/// All digits of a number, in groups of three.
pub fn digits(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .filter_map(|group| std::str::from_utf8(group).ok())
        .collect();
    groups.join(" ")
}

/// So many of a thing.
pub fn plural(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}
