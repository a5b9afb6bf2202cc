//! Patterns of names: `*` and `?`.

/// A pattern of names: `*` is any bytes or none, `?` is any one. Case and a trailing dot of pattern
/// and name do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob(Box<[u8]>);

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        let text = without_dot(text.as_bytes());
        Self(text.to_ascii_lowercase().into_boxed_slice())
    }

    /// Whether it matches. The time is at most the product of both lengths.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        let (glob, name) = (&*self.0, without_dot(name));
        let (mut at, mut seen) = (0, 0);
        // After the last star: where it stands, and how much of the name it has taken so far.
        let mut star: Option<(usize, usize)> = None;
        while seen < name.len() {
            match glob.get(at) {
                Some(b'*') => {
                    star = Some((at, seen));
                    at += 1;
                }
                Some(&wanted) if wanted == b'?' || wanted == name[seen].to_ascii_lowercase() => {
                    at += 1;
                    seen += 1;
                }
                _ => match star {
                    // Only the last star needs another try: the ones before have done their part.
                    Some((stood, taken)) => {
                        star = Some((stood, taken + 1));
                        at = stood + 1;
                        seen = taken + 1;
                    }
                    None => return false,
                },
            }
        }
        glob[at..].iter().all(|byte| *byte == b'*')
    }
}

fn without_dot(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, name: &str) -> bool {
        Glob::new(glob).matches(name.as_bytes())
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
    fn any_bytes_are_matched() {
        assert!(Glob::new("a?b").matches(b"a\xffb"));
        assert!(Glob::new("*").matches(b"\0\n"));
        assert!(Glob::new("\u{e9}").matches("\u{e9}".as_bytes()));
    }

    #[test]
    fn many_stars_take_no_time() {
        let name = vec![b'a'; 60_000];
        assert!(!Glob::new("*a*a*a*a*a*a*a*a*b").matches(&name));
    }
}
