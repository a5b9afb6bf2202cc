//! One word for two things: `datacenter = "dc1"`, and further down `[[datacenter]]`.
//!
//! Strict TOML has one value for a key. A format may name one word that, at the top of the file, is
//! a value and a list of tables as well. The value is lifted out of the text and blanks take its
//! place, so that what is left is strict TOML, in which everything still stands where it stood.

use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The value of the word, apart from the tables of that name.
pub(super) struct Homonym<'t> {
    pub(super) word: &'static str,
    pub(super) value: Option<Spanned<DeValue<'t>>>,
    /// Where the word is given a value again, which is one time too many.
    pub(super) again: Vec<usize>,
}

/// Takes `word = value` from the top of `text`, and gives what is left of the text.
pub(super) fn lift<'t>(text: &'t str, word: &'static str) -> (Homonym<'t>, Cow<'t, str>) {
    let mut homonym = Homonym {
        word,
        value: None,
        again: Vec::new(),
    };
    let Some((range, value)) = find(text, word) else {
        return (homonym, Cow::Borrowed(text));
    };
    homonym.value = Some(value);
    let mut rest = blank(text, &range);
    while let Some((range, _)) = find(&rest, word) {
        homonym.again.push(range.start);
        rest = blank(&rest, &range);
    }
    (homonym, Cow::Owned(rest))
}

/// The value of `word` at the top of `text`, and the whole range of `word = value`.
fn find<'t>(text: &'t str, word: &str) -> Option<(Range<usize>, Spanned<DeValue<'t>>)> {
    let (root, _) = DeTable::parse_recoverable(text);
    let (key, value) = root.into_inner().remove_entry(word)?;
    let tables = value.get_ref().is_table() || value.get_ref().is_array();
    // Where the value is missing, the parser says that it stands at the start of the text.
    let end = value.span().end.max(key.span().end);
    (!tables).then(|| (key.span().start..end, value))
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
        assert_eq!(lift("x = = 1\n", "x").1, "  = = 1\n");
    }
}
