//! Who logs in.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::error::PacketError;
use super::field::{is_text, put_left, trim};
use super::frame::Kind;

const USERNAME: usize = 6;
const PASSWORD: usize = 10;

/// A username and a password, both without regard to case. Neither stands in a log: `Debug` shows
/// the username only.
#[derive(Clone, Copy)]
pub struct Credentials {
    /// As they stand on the wire: at the left, spaces after.
    username: [u8; USERNAME],
    password: [u8; PASSWORD],
}

/// A text that a login cannot carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CredentialsError {
    /// Of the username.
    #[error("a username has at most {USERNAME} printable ASCII characters")]
    Username,
    /// Of the password.
    #[error("a password has at most {PASSWORD} printable ASCII characters")]
    Password,
}

impl Credentials {
    /// Credentials of these texts, either of which may be empty.
    ///
    /// # Errors
    ///
    /// [`CredentialsError`]: more than 6 characters of a username, or 10 of a password, or some that
    /// are not printable ASCII.
    pub fn new(username: &str, password: &str) -> Result<Self, CredentialsError> {
        Ok(Self {
            username: padded(username.as_bytes()).ok_or(CredentialsError::Username)?,
            password: padded(password.as_bytes()).ok_or(CredentialsError::Password)?,
        })
    }

    /// The username, without its padding.
    #[must_use]
    pub fn username(&self) -> &str {
        str::from_utf8(trim(&self.username)).unwrap_or_default()
    }

    /// Whether both are the same, in upper or lower case. How long that takes says nothing of where
    /// they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let same_username = upper(self.username).ct_eq(&upper(other.username));
        let same_password = upper(self.password).ct_eq(&upper(other.password));
        (same_username & same_password).into()
    }

    pub(super) const LENGTH: usize = USERNAME + PASSWORD;

    pub(super) fn read(field: &[u8; Self::LENGTH]) -> Result<Self, PacketError> {
        let text = |field| PacketError::Text {
            kind: Kind::LoginRequest,
            field,
        };
        let (username, password) = field.split_at(USERNAME);
        Ok(Self {
            username: padded(username).ok_or(text("username"))?,
            password: padded(password).ok_or(text("password"))?,
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend(self.username);
        out.extend(self.password);
    }
}

impl PartialEq for Credentials {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other)
    }
}

impl Eq for Credentials {}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?}, ***)", self.username())
    }
}

fn upper<const N: usize>(bytes: [u8; N]) -> [u8; N] {
    bytes.map(|byte| byte.to_ascii_uppercase())
}

/// The text at the left, spaces after it.
fn padded<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let trimmed = trim(text);
    let mut field = Vec::with_capacity(N);
    put_left(&mut field, trimmed, N);
    let field = field.try_into().ok();
    field.filter(|_| is_text(trimmed))
}
