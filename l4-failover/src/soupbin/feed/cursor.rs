//! Where a consumer stands in a feed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::soupbin::packet::SessionId;

/// Where a consumer stands in a feed: the session, and the number of the message that it wants next.
///
/// As text it is the number, an `@` and the session; serde has the same text.
///
/// ```
/// use l4_failover::soupbin::feed::Cursor;
///
/// let cursor: Cursor = "1234@FEED000001".parse()?;
/// assert_eq!((cursor.next(), cursor.session().as_str()), (1234, "FEED000001"));
/// assert_eq!(cursor.to_string(), "1234@FEED000001");
/// # Ok::<(), l4_failover::soupbin::feed::CursorError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Cursor {
    session: SessionId,
    next: u64,
}

/// A text that is no cursor.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "\"{text}\" is no cursor: that is the number of the next message, from 1, an @ and the name of \
     the session, as in 1234@FEED000001"
)]
pub struct CursorError {
    text: String,
}

impl Cursor {
    /// Message number `next` of a session; none for no session's name or for message 0.
    #[must_use]
    pub fn new(session: SessionId, next: u64) -> Option<Self> {
        let is_place = !session.is_blank() && next > 0;
        is_place.then_some(Self { session, next })
    }

    /// As a login was accepted.
    pub(super) fn at(session: SessionId, next: u64) -> Self {
        Self { session, next }
    }

    /// The session.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// The number of the message that is wanted next, from 1.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.next, self.session)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let parts = text.trim_end().split_once('@');
        let read = parts.and_then(|(next, session)| {
            // Not what `parse` takes beside digits.
            let is_number = next.bytes().all(|byte| byte.is_ascii_digit());
            let next = next.parse().ok().filter(|_| is_number)?;
            Self::new(session.parse().ok()?, next)
        });
        read.ok_or_else(|| CursorError {
            text: text.to_owned(),
        })
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> Self {
        cursor.to_string()
    }
}

impl TryFrom<String> for Cursor {
    type Error = CursorError;

    fn try_from(text: String) -> Result<Self, CursorError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_whatever_the_session_is_called() {
        for session in ["FEED000001", "A@B", "x y", "1"] {
            let cursor = Cursor::new(session.parse().unwrap(), u64::MAX).unwrap();
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
            let json = serde_json::to_string(&cursor).unwrap();
            assert_eq!(serde_json::from_str::<Cursor>(&json).unwrap(), cursor);
        }
        let kept: Cursor = "7@FEED\n".parse().unwrap();
        assert_eq!(kept.next(), 7);
    }

    #[test]
    fn what_is_none_is_told() {
        for text in [
            "",
            "7",
            "@FEED",
            "0@FEED",
            "7@",
            "+7@FEED",
            "7@TOOLONGANAME",
            "FEED@7x",
        ] {
            let error = text.parse::<Cursor>().unwrap_err();
            assert!(error.to_string().contains("1234@FEED000001"), "{error}");
        }
    }
}
