//! Patterns of names: `*` and `?`.

use wildmatch::WildMatch;

use super::Escaped;

/// A pattern of names as they are shown, so that what is read on a line can be typed: `*` is any
/// characters or none, `?` is any one. Case and a dot at the end, of pattern and name, do not count.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Glob(WildMatch);

/// It is two texts.
impl Eq for Glob {}

impl Glob {
    pub(crate) fn new(text: &str) -> Self {
        Self(WildMatch::new(&folded(&shown(text))))
    }

    /// Whether it matches a name, given as it is shown.
    pub(crate) fn matches(&self, shown: &str) -> bool {
        self.0.matches(&folded(shown))
    }
}

/// The pattern as the names are shown that it means; its own backslashes are such already.
fn shown(text: &str) -> String {
    let parts = text
        .split('\\')
        .map(|part| Escaped(part.as_bytes()).to_string());
    parts.collect::<Vec<_>>().join("\\")
}

/// Names are compared as routes compare them: without case, and without the dot at the end.
fn folded(name: &str) -> String {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, name: &str) -> bool {
        matches_bytes(glob, name.as_bytes())
    }

    fn matches_bytes(glob: &str, name: &[u8]) -> bool {
        Glob::new(glob).matches(&Escaped(name).to_string())
    }

    #[test]
    fn globs_match_whole_names() {
        assert!(matches("currency.dc1", "currency.dc1"));
        assert!(!matches("currency.dc1", "currency.dc11"));
        assert!(!matches("currency.dc1", "acurrency.dc1"));
        assert!(matches("*.dc1", "currency.dc1"));
        assert!(matches("*.dc1", "a.b.dc1"));
        assert!(!matches("*.dc1", "dc1"));
        assert!(matches("c*y.dc?", "currency.dc2"));
        assert!(!matches("c*y.dc?", "currency.dc"));
        assert!(matches("*", ""));
        assert!(matches("**", "a"));
        assert!(!matches("?", ""));
        assert!(matches("*a*b*c", "xxaxxbxbc"));
        assert!(!matches("*a*b*c", "xxaxxcxb"));
    }

    #[test]
    fn case_and_a_trailing_dot_do_not_count() {
        assert!(matches("Currency.DC1.", "cURRENCY.dc1"));
        assert!(matches("currency.dc1", "CURRENCY.DC1."));
        assert!(matches("*.", "a."));
    }

    #[test]
    fn any_bytes_are_matched_as_they_are_shown() {
        assert!(matches_bytes(r"a\xFFb", b"a\xffb"));
        assert!(matches_bytes("a*b", b"a\xffb"));
        assert!(!matches_bytes("a?b", b"a\xffb"));
        assert!(matches_bytes("*", b"\0\n"));
        assert!(matches("\u{e9}", "\u{e9}"));
        assert!(matches("a b\"", "a b\""));
        assert!(matches(r"a\x5cb", r"a\b"));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches("*a*a*a*a*a*a*a*a*b", &"a".repeat(60_000)));
    }
}
