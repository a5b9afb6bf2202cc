//! Errors in words.

use std::error::Error;
use std::{fmt, io};

/// An error and what caused it, on one line.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// What the system said, in its word for it: "connection refused", without the number. Dials and
/// checks say the same of the same failure.
pub(crate) struct InAWord<'a>(pub(crate) &'a io::Error);

impl fmt::Display for InAWord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The only kind that has no name of its own: the system's sentence says more.
        const NAMELESS: &str = "uncategorized error";
        match self.0.kind() {
            io::ErrorKind::Other => self.0.fmt(f),
            kind if kind.to_string() == NAMELESS => self.0.fmt(f),
            kind => kind.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_in_a_word_where_there_is_one() {
        let told = |error: io::Error| InAWord(&error).to_string();
        assert_eq!(
            told(io::Error::from_raw_os_error(111)),
            "connection refused"
        );
        assert_eq!(told(io::Error::other("no sense")), "no sense");
        // ENOKEY
        assert_eq!(
            told(io::Error::from_raw_os_error(126)),
            "Required key not available (os error 126)"
        );
    }
}
