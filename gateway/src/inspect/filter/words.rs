//! The words of a filter.

use std::ops::Range;

use super::error::{FilterError, Problem};

/// A word, and where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) at: Range<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Open,
    Close,
    And,
    Or,
    Not,
    /// A run of what is neither space, parenthesis, operator nor quote.
    Word(&'a str),
    /// What stands between quotes: never a keyword.
    Quoted(&'a str),
    /// What only libpcap's arithmetic has.
    Operator(&'a str),
}

/// Splits a text into its words.
pub(super) fn split(text: &str) -> Result<Vec<Token<'_>>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].find(|char: char| !char.is_whitespace()) {
        let token = token(text, at + next)?;
        at = token.at.end;
        tokens.push(token);
    }
    Ok(tokens)
}

/// The word that begins at `start`, where no space is.
fn token(text: &str, start: usize) -> Result<Token<'_>, FilterError> {
    let rest = &text[start..];
    let fixed = [
        ("&&", Kind::And),
        ("||", Kind::Or),
        ("(", Kind::Open),
        (")", Kind::Close),
    ];
    if let Some((sign, kind)) = fixed.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Ok(spanning(*kind, start, sign.len()));
    }
    if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
        return quoted(text, start, quote);
    }
    if rest.starts_with('!') && !rest.starts_with("!=") {
        return Ok(spanning(Kind::Not, start, 1));
    }
    let operator = run(rest, is_operator);
    if operator > 0 {
        return Ok(spanning(Kind::Operator(&rest[..operator]), start, operator));
    }
    let word = run(rest, is_of_word);
    Ok(spanning(kind_of(&rest[..word]), start, word))
}

fn spanning(kind: Kind<'_>, start: usize, length: usize) -> Token<'_> {
    let at = start..start + length;
    Token { kind, at }
}

fn quoted(text: &str, start: usize, quote: char) -> Result<Token<'_>, FilterError> {
    let inside = &text[start + 1..];
    let Some(length) = inside.find(quote) else {
        return Err(FilterError::new(
            text,
            start..text.len(),
            Problem::QuoteOpen,
        ));
    };
    Ok(spanning(Kind::Quoted(&inside[..length]), start, length + 2))
}

/// How many bytes from the start on are of such characters.
fn run(text: &str, is_of_it: fn(char) -> bool) -> usize {
    text.find(|char| !is_of_it(char)).unwrap_or(text.len())
}

fn is_operator(char: char) -> bool {
    matches!(char, '[' | ']' | '<' | '>' | '=' | '&' | '|' | '!')
}

fn is_of_word(char: char) -> bool {
    !char.is_whitespace() && !is_operator(char) && !matches!(char, '(' | ')' | '"' | '\'')
}

fn kind_of(word: &str) -> Kind<'_> {
    match word {
        "and" => Kind::And,
        "or" => Kind::Or,
        "not" => Kind::Not,
        _ => Kind::Word(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        let tokens = split(text).unwrap();
        tokens.into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn signs_need_no_space() {
        let wanted = [
            Kind::Not,
            Kind::Open,
            Kind::Word("tcp"),
            Kind::And,
            Kind::Not,
            Kind::Word("10.0.0.0/8"),
            Kind::Close,
            Kind::Or,
            Kind::Word("a"),
        ];
        assert_eq!(kinds("!(tcp&&!10.0.0.0/8)||a"), wanted);
        assert_eq!(kinds("!(tcp and not 10.0.0.0/8)or a")[..], wanted[..]);
    }

    #[test]
    fn quotes_keep_a_word_together() {
        assert_eq!(
            kinds("\"a b\"'and'"),
            [Kind::Quoted("a b"), Kind::Quoted("and")]
        );
        assert!(split("sni \"a").is_err());
    }

    #[test]
    fn arithmetic_is_seen() {
        let wanted = [
            Kind::Word("tcp"),
            Kind::Operator("["),
            Kind::Word("13"),
            Kind::Operator("]"),
            Kind::Operator("&"),
            Kind::Word("2"),
            Kind::Operator("!="),
            Kind::Word("0"),
        ];
        assert_eq!(kinds("tcp[13] & 2 != 0"), wanted);
    }

    #[test]
    fn places_are_bytes_of_the_text() {
        let tokens = split("  é port\t443").unwrap();
        let places: Vec<_> = tokens.into_iter().map(|token| token.at).collect();
        assert_eq!(places, [2..4, 5..9, 10..13]);
    }
}
