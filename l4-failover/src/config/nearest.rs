//! The known word nearest to a mistyped one.

/// Two words are taken for one if at most a third of the letters differ, and never more than this.
const EDITS_MAX: usize = 3;

/// `; did you mean "timeout"?` if a known word is near to `word`, and nothing otherwise.
///
/// ```
/// let hint = l4_failover::config::did_you_mean("timeuot", ["linger", "timeout"]);
/// assert_eq!(hint, "; did you mean \"timeout\"?");
/// ```
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    match nearest(word, known) {
        Some(near) => format!("; did you mean {near:?}?"),
        None => String::new(),
    }
}

fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let edits_max = word.chars().count().div_ceil(3).min(EDITS_MAX);
    let distance = |near: &str| strsim::damerau_levenshtein(word, near);
    let near = known.into_iter().min_by_key(|near| distance(near))?;
    (distance(near) <= edits_max).then_some(near)
}
