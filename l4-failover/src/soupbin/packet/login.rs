//! Logins and their answers.

use std::fmt;
use std::time::Duration;

use super::credentials::Credentials;
use super::error::PacketError;
use super::field::{number, put_right};
use super::frame::Kind;
use super::session_id::SessionId;

/// Digits of a sequence number: more than a `u64` has.
const SEQUENCE: usize = 20;
/// Digits of a heartbeat timeout.
const TIMEOUT: usize = 5;

/// Who wants which session, and from where on (SoupBinTCP 4.10, section 2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginRequest {
    /// Who.
    pub credentials: Credentials,
    /// Which session; blank: the one that is active.
    pub session: SessionId,
    /// The number of the message that is wanted next, from 1; 0: the newest there is.
    pub sequence: u64,
    /// How long the client may be silent, 0 to 99 999 ms, in whole milliseconds: version 4.10 and
    /// its login of 52 bytes. `None`: the 47 bytes of versions 3.00 and 4.00, and 15 s.
    pub heartbeat_timeout: Option<Duration>,
}

/// The session, and where it goes on (SoupBinTCP 4.10, section 2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoginAccepted {
    /// The session that was logged in to.
    pub session: SessionId,
    /// The number of the message that comes next, from 1.
    pub sequence: u64,
}

/// Why there was no login (SoupBinTCP 4.10, section 2.1.3); the value is the byte on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Reject {
    /// Username and password do not fit.
    NotAuthorized = b'A',
    /// There is no such session, or not for this client.
    SessionUnavailable = b'S',
}

impl LoginRequest {
    /// The length field of versions 3.00 and 4.00.
    pub(super) const SHORT: usize = 1 + Credentials::LENGTH + SessionId::WIDTH + SEQUENCE;
    /// The length field of version 4.10.
    pub(super) const LONG: usize = Self::SHORT + TIMEOUT;
    /// The longest heartbeat timeout that the field can say.
    pub const HEARTBEAT_TIMEOUT_MAX: Duration = Duration::from_millis(99_999);

    pub(super) fn read(payload: &[u8]) -> Result<Self, PacketError> {
        let kind = Kind::LoginRequest;
        let size = PacketError::Size(kind, payload.len() + 1);
        let timeout = match payload.len() + 1 {
            Self::SHORT => None,
            Self::LONG => Some(&payload[Self::SHORT - 1..]),
            _ => return Err(size),
        };
        let (credentials, rest) = payload.split_first_chunk().ok_or(size)?;
        let (session, rest) = rest.split_first_chunk().ok_or(size)?;
        let timeout = timeout.map(|field| number(kind, "heartbeat timeout", field));
        Ok(Self {
            credentials: Credentials::read(credentials)?,
            session: SessionId::read(kind, session)?,
            sequence: number(kind, "sequence number", &rest[..SEQUENCE])?,
            heartbeat_timeout: timeout.transpose()?.map(Duration::from_millis),
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let length = match self.heartbeat_timeout {
            None => Self::SHORT,
            Some(_) => Self::LONG,
        };
        out.extend([0, length as u8, Kind::LoginRequest as u8]);
        self.credentials.put(out);
        self.session.put(out);
        put_number(out, u128::from(self.sequence), SEQUENCE);
        if let Some(timeout) = self.heartbeat_timeout {
            let timeout = timeout.min(Self::HEARTBEAT_TIMEOUT_MAX);
            put_number(out, timeout.as_millis(), TIMEOUT);
        }
    }
}

impl LoginRequest {
    /// Whether a login may have this in its length field.
    #[must_use]
    pub fn has_length(length: usize) -> bool {
        matches!(length, Self::SHORT | Self::LONG)
    }
}

impl LoginAccepted {
    pub(super) fn read(payload: &[u8]) -> Result<Self, PacketError> {
        let kind = Kind::LoginAccepted;
        let size = PacketError::Size(kind, payload.len() + 1);
        let (session, rest) = payload.split_first_chunk().ok_or(size)?;
        let sequence: &[u8; SEQUENCE] = rest.try_into().map_err(|_| size)?;
        Ok(Self {
            session: SessionId::read(kind, session)?,
            sequence: number(kind, "sequence number", sequence)?,
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let length = 1 + SessionId::WIDTH + SEQUENCE;
        out.extend([0, length as u8, Kind::LoginAccepted as u8]);
        self.session.put(out);
        put_number(out, u128::from(self.sequence), SEQUENCE);
    }
}

impl Reject {
    pub(super) fn read(payload: &[u8]) -> Result<Self, PacketError> {
        match payload {
            [b'A'] => Ok(Self::NotAuthorized),
            [b'S'] => Ok(Self::SessionUnavailable),
            [reason] => Err(PacketError::Reason { reason: *reason }),
            _ => Err(PacketError::Size(Kind::LoginRejected, payload.len() + 1)),
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAuthorized => "J A (not authorised)",
            Self::SessionUnavailable => "J S (session unavailable)",
        })
    }
}

fn put_number(out: &mut Vec<u8>, number: u128, width: usize) {
    put_right(out, number.to_string().as_bytes(), width);
}
