//! The bearer token that operators show.

use axum::http::HeaderValue;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

/// A secret that every request must show; see RFC 6750.
#[derive(Clone)]
pub struct Token(Vec<u8>);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("the token file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing but white space is in the file; a token of nothing would protect nothing.
    #[error("the token file {} is empty", _0.display())]
    Empty(PathBuf),
}

impl Token {
    /// The token in the file at `path`, without the white space around it.
    ///
    /// # Errors
    /// If the file cannot be read, or holds nothing else.
    pub fn load(path: &Path) -> Result<Self, TokenError> {
        let bytes = std::fs::read(path).map_err(|source| TokenError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        match bytes.trim_ascii() {
            [] => Err(TokenError::Empty(path.to_owned())),
            token => Ok(Self(token.to_owned())),
        }
    }

    /// The value of an `Authorization` header that shows this token; none if the token has bytes
    /// that no header can have, and so no request can show it.
    pub(crate) fn authorization(&self) -> Option<HeaderValue> {
        let shown = [b"Bearer ", self.0.as_slice()].concat();
        let mut value = HeaderValue::from_bytes(&shown).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Whether an `Authorization` header's value shows this token.
    ///
    /// The time taken depends on the length of what is shown, not on how much of it is right.
    pub fn admits(&self, authorization: &[u8]) -> bool {
        let Some((scheme, shown)) = authorization.split_at_checked("Bearer ".len()) else {
            return false;
        };
        scheme.eq_ignore_ascii_case(b"Bearer ") && shown.trim_ascii().ct_eq(&self.0).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(content: &str) -> tempfile::TempPath {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file.into_temp_path()
    }

    #[test]
    fn admits_only_the_whole_token_under_its_scheme() {
        let token = Token::load(&file("  s3cret\n")).unwrap();
        assert!(token.admits(b"Bearer s3cret"));
        assert!(token.admits(b"bearer s3cret"));
        for wrong in [
            "",
            "Bearer ",
            "Bearer s3cre",
            "Bearer s3crets",
            "Basic s3cret",
            "s3cret",
        ] {
            assert!(!token.admits(wrong.as_bytes()), "{wrong:?}");
        }
    }

    #[test]
    fn a_file_without_a_token_is_an_error() {
        assert!(matches!(
            Token::load(&file(" \n")),
            Err(TokenError::Empty(_))
        ));
        let missing = Token::load(Path::new("/nonexistent/token"));
        assert!(matches!(missing, Err(TokenError::Unreadable { .. })));
    }

    #[test]
    fn is_not_shown_by_debug() {
        let token = Token::load(&file("s3cret")).unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
