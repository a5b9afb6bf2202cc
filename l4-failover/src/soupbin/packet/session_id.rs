//! The name of a session.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::error::PacketError;
use super::field::{is_text, put_right, trim};
use super::frame::Kind;

/// The name of a session: up to ten printable characters, without the padding around them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SessionId {
    text: [u8; Self::WIDTH],
    length: u8,
}

impl SessionId {
    /// Bytes of the field.
    pub const WIDTH: usize = 10;

    /// No name: in a request, whichever session is active now.
    pub const BLANK: Self = Self {
        text: [0; Self::WIDTH],
        length: 0,
    };

    /// Whether it is no name.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.length == 0
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only text is taken in.
        str::from_utf8(self.bytes()).unwrap_or_default()
    }

    fn bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.length)]
    }

    fn of(trimmed: &[u8]) -> Self {
        let mut text = [0; Self::WIDTH];
        text[..trimmed.len()].copy_from_slice(trimmed);
        Self {
            text,
            length: u8::try_from(trimmed.len()).unwrap_or_default(),
        }
    }

    pub(super) fn read(kind: Kind, field: &[u8; Self::WIDTH]) -> Result<Self, PacketError> {
        let trimmed = trim(field);
        match is_text(trimmed) {
            true => Ok(Self::of(trimmed)),
            false => Err(PacketError::Text {
                kind,
                field: "session",
            }),
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_right(out, self.bytes(), Self::WIDTH);
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A text that cannot be the name of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a session is named by at most 10 printable ASCII characters")]
pub struct SessionIdError;

impl FromStr for SessionId {
    type Err = SessionIdError;

    /// An empty text is [`BLANK`](Self::BLANK).
    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let trimmed = trim(text.as_bytes());
        match trimmed.len() <= Self::WIDTH && is_text(trimmed) {
            true => Ok(Self::of(trimmed)),
            false => Err(SessionIdError),
        }
    }
}
