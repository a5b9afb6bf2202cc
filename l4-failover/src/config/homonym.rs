//! One word for two things: `datacenter = "dc1"`, and further down `[[datacenter]]`.
//!
//! Strict TOML has one value for a key. A format may name one word that, at the top of the file, is
//! a value and a list of tables as well. The value is lifted out of the text and blanks take its
//! place, so that what is left is strict TOML, in which everything still stands where it stood.

use super::source::{DUPLICATE, Source};
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The value of the word, apart from the tables of that name.
pub(super) struct Homonym<'t> {
    pub(super) word: &'static str,
    pub(super) value: Option<Spanned<DeValue<'t>>>,
    /// Where the word is given a value again, which is one time too many.
    again: Vec<usize>,
    /// What is no TOML on the lines that were taken out, which no parser will see again.
    broken: Vec<(usize, String)>,
    /// Where the word is one table beside the value: `[word]`.
    single: Option<usize>,
}

impl Homonym<'_> {
    /// Notes the mistakes of the word before what is left of the text is parsed, so that they
    /// stand in place of what the parser would say of the same lines.
    pub(super) fn report(&self, source: &Source<'_>) {
        self.again.iter().for_each(|at| source.duplicate(*at));
        for (at, message) in &self.broken {
            source.torn(*at, message);
        }
        if let Some(at) = self.single {
            let word = self.word;
            source.syntax(
                at,
                &format!("beside the value of {word}, tables stand under [[{word}]] each"),
            );
        }
    }
}

/// Takes `word = value` from the top of `text`, and gives what is left of the text.
pub(super) fn lift<'t>(text: &'t str, word: &'static str) -> (Homonym<'t>, Cow<'t, str>) {
    let mut homonym = Homonym {
        word,
        value: None,
        again: Vec::new(),
        broken: Vec::new(),
        single: None,
    };
    if let Some((value, range)) = find_on_top(text, word) {
        homonym.value = Some(value);
        return (homonym, Cow::Owned(blank(text, &range)));
    }
    let Some(found) = find(text, word) else {
        homonym.single = single(text, word);
        return (homonym, Cow::Borrowed(text));
    };
    homonym.value = Some(found.value);
    homonym.broken = found.broken;
    let mut rest = blank(text, &found.range);
    while let Some(found) = find(&rest, word) {
        homonym.again.push(found.range.start);
        homonym.broken.extend(found.broken);
        rest = blank(&rest, &found.range);
    }
    (homonym, Cow::Owned(rest))
}

/// The value of `word`, and the range of the whole of it, where the lines above the first header tell
/// that for certain: a file of many tables is parsed once then, and not once more for each question.
fn find_on_top<'t>(text: &'t str, word: &str) -> Option<(Spanned<DeValue<'t>>, Range<usize>)> {
    if text.lines().filter(is_header).any(|it| may_hide(it, word)) {
        return None;
    }
    // What stands within a value of several lines, and only looks like a header, leaves it unfinished.
    let root = DeTable::parse(top(text)).ok()?;
    let (key, value) = root.into_inner().remove_entry(word)?;
    let is_one_value = !value.get_ref().is_table() && !value.get_ref().is_array();
    let range = key.span().start..value.span().end;
    is_one_value.then_some((value, range))
}

/// The lines above the first that looks like a header.
fn top(text: &str) -> &str {
    let above = text.split_inclusive('\n').take_while(|it| !is_header(it));
    &text[..above.map(str::len).sum()]
}

/// Whether a line looks like a header.
fn is_header(line: &&str) -> bool {
    line.trim_start_matches([' ', '\t']).starts_with('[')
}

/// Whether a header may open anything but `[[word]]` by this word, if only in other letters.
fn may_hide(header: &str, word: &str) -> bool {
    let header = header.split('#').next().unwrap_or_default().trim();
    let tables = header
        .strip_prefix("[[")
        .and_then(|it| it.strip_suffix("]]"));
    tables != Some(word) && (header.contains(word) || header.contains(['"', '\'', '\\']))
}

/// `word = value` at the top of a text.
struct Found<'t> {
    value: Spanned<DeValue<'t>>,
    /// The whole of it; up to the end of the line, where that is no TOML.
    range: Range<usize>,
    broken: Vec<(usize, String)>,
}

fn find<'t>(text: &'t str, word: &str) -> Option<Found<'t>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let (key, value) = root.into_inner().remove_entry(word)?;
    if value.get_ref().is_table() || value.get_ref().is_array() {
        return None;
    }
    // Where the value is missing, the parser says that it stands at the start of the text.
    let (start, end) = (key.span().start, value.span().end.max(key.span().end));
    let line_end = text[end..].find('\n').map_or(text.len(), |line| end + line);
    let errors = errors
        .iter()
        .filter(|error| error.message() != DUPLICATE)
        .filter_map(|error| Some((error.span()?.start, error.message().to_owned())));
    let broken: Vec<_> = errors
        .filter(|(at, _)| (start..=line_end).contains(at))
        .collect();
    let end = if broken.is_empty() { end } else { line_end };
    Some(Found {
        value,
        range: start..end,
        broken,
    })
}

/// Where `text` gives the word a value and opens `[word]` as well, which hides the value.
fn single(text: &str, word: &str) -> Option<usize> {
    let (_, errors) = DeTable::parse_recoverable(text);
    let duplicates = errors.iter().filter(|error| error.message() == DUPLICATE);
    let mut spans = duplicates.filter_map(|error| error.span());
    let is_single = |span: &Range<usize>| {
        let before = text[..span.start].trim_end_matches([' ', '\t']);
        text[span.clone()] == *word && before.ends_with('[') && !before.ends_with("[[")
    };
    spans.find(is_single).map(|span| span.start)
}

/// The text with a blank for every byte in `range` that does not end a line.
fn blank(text: &str, range: &Range<usize>) -> String {
    let blanks = text[range.clone()].bytes().map(|byte| match byte {
        b'\n' => '\n',
        _ => ' ',
    });
    let (before, after) = (&text[..range.start], &text[range.end..]);
    before.chars().chain(blanks).chain(after.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Table, flag, read_homonym, text as text_kind};
    use super::*;

    #[test]
    fn what_is_left_is_strict_and_stands_where_it_stood() {
        let text = "a = 1\nx = \"ü\" # own\n[[x]]\nb = 2\n";
        let (homonym, rest) = lift(text, "x");
        assert_eq!(homonym.value.unwrap().get_ref().as_str(), Some("ü"));
        assert_eq!(rest, "a = 1\n         # own\n[[x]]\nb = 2\n");
        assert!(DeTable::parse(&rest).is_ok());
    }

    #[test]
    fn tables_stay_and_a_second_value_is_told() {
        assert_eq!(lift("[[x]]\ny = 1\n", "x").1, "[[x]]\ny = 1\n");
        let (homonym, rest) = lift("x = 1\nx = 2\n", "x");
        assert_eq!((homonym.again, rest.trim()), (vec![6], ""));
    }

    /// What the lines on the top tell for certain is what the whole text tells.
    #[test]
    fn the_top_is_asked_where_it_is_certain() {
        for text in [
            "x = 1\n[[x]]\ny = 1\n",
            "a = [\n 1]\nx = 'a' # own\n  [[x]] # [x]\ny = 1\n[b]\nx = 2\n",
            "x = 1\r\n[[x]]\r\ny = 1\r\n",
            "x = 1",
        ] {
            let (value, range) = find_on_top(text, "x").expect(text);
            let found = find(text, "x").expect(text);
            let said = |value: &Spanned<DeValue<'_>>| format!("{value:?}");
            assert_eq!(said(&value), said(&found.value), "{text}");
            assert_eq!(range, found.range, "{text}");
        }
        for text in [
            "a = 1\n",
            "[[x]]\ny = 1\n",
            "x.y = 1\n",
            "x = [1]\n",
            "x = 1\nx = 2\n",
            "x = 1 2\n",
            "x = 1\n[x]\n",
            "x = 1\n[[x.z]]\n",
            "x = 1\n[[\"\\u0078\"]]\n",
            "a = [\n[1]]\nx = 1\n",
            "a = '''\n[b]\nx = 1\n'''\n",
        ] {
            assert!(find_on_top(text, "x").is_none(), "{text}");
        }
    }

    /// The mistakes of a text in which `x` is both a flag and tables.
    fn mistakes(text: &str) -> Vec<String> {
        let build = |table: &mut Table<'_>| {
            let own = table.required("x", text_kind());
            table.tables("x", |table| table.required("y", flag()));
            table.with_default("z", flag(), false);
            own
        };
        let mistakes = read_homonym("x", "f", text, build).expect_err(text);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_that_is_no_toml_is_a_mistake_once_the_value_is_taken_out_too() {
        let rest = "\n[[x]]\ny = true\n";
        let unexpected = "f:1: unexpected key or value, expected newline, `#`";
        for line in ["x = 'a' z = true", "x = 'a' ]", "x = 'a' [[x]]"] {
            assert_eq!(mistakes(&format!("{line}{rest}")), [unexpected], "{line}");
        }
        for line in ["x = \"a", "x = ", "x = = 'a'", "x"] {
            let found = mistakes(&format!("{line}{rest}"));
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].starts_with("f:1: "), "{line}: {found:?}");
        }
        let found = mistakes("x = 'a'\nx = 'b' z = true\n");
        assert_eq!(found, ["f:2: duplicate key"]);
        for end in ["", "\n", " # more\n", "\t\r\n"] {
            let text = format!("x = 'a'{end}");
            let (homonym, rest) = lift(&text, "x");
            assert!(homonym.broken.is_empty(), "{end:?}");
            assert_eq!(rest, format!("       {end}"));
        }
    }

    #[test]
    fn one_table_beside_the_value_is_told_to_be_one_of_several() {
        let meant = "beside the value of x, tables stand under [[x]] each";
        for header in ["[x]", "[ x ]", "  [x] # one"] {
            let found = mistakes(&format!("x = 'a'\n{header}\ny = true\n"));
            assert_eq!(found, [format!("f:2: {meant}")], "{header}");
        }
    }
}
