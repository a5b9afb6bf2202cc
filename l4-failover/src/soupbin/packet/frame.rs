//! Frames within a stream of bytes.

use std::fmt;

use super::error::{FrameError, PacketError};
use super::{HEADER, Packet};

/// The type of a packet; its value is the byte on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// `+`
    Debug = b'+',
    /// `A`
    LoginAccepted = b'A',
    /// `J`
    LoginRejected = b'J',
    /// `S`
    Sequenced = b'S',
    /// `U`
    Unsequenced = b'U',
    /// `H`
    ServerHeartbeat = b'H',
    /// `Z`
    EndOfSession = b'Z',
    /// `L`
    LoginRequest = b'L',
    /// `R`
    ClientHeartbeat = b'R',
    /// `O`
    Logout = b'O',
}

impl Kind {
    /// The type that this byte stands for.
    #[must_use]
    pub const fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            b'S' => Self::Sequenced,
            b'H' => Self::ServerHeartbeat,
            b'U' => Self::Unsequenced,
            b'+' => Self::Debug,
            b'A' => Self::LoginAccepted,
            b'J' => Self::LoginRejected,
            b'Z' => Self::EndOfSession,
            b'L' => Self::LoginRequest,
            b'R' => Self::ClientHeartbeat,
            b'O' => Self::Logout,
            _ => return None,
        })
    }

    /// The packet's name in the specification.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::LoginAccepted => "login accepted",
            Self::LoginRejected => "login rejected",
            Self::Sequenced => "sequenced data",
            Self::Unsequenced => "unsequenced data",
            Self::ServerHeartbeat => "server heartbeat",
            Self::EndOfSession => "end of session",
            Self::LoginRequest => "login request",
            Self::ClientHeartbeat => "client heartbeat",
            Self::Logout => "logout",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", *self as u8 as char, self.as_str())
    }
}

/// A whole frame, whose payload is not looked at yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type.
    pub kind: Kind,
    /// What follows the type.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Bytes of the whole frame on the wire, the length included.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a frame is never empty")]
    pub fn len(&self) -> usize {
        HEADER + self.payload.len()
    }

    /// What it says.
    ///
    /// # Errors
    ///
    /// [`PacketError`]: a size or a field that is not as the specification has it.
    pub fn packet(&self) -> Result<Packet<'a>, PacketError> {
        Packet::read(self.kind, self.payload)
    }
}

/// The type of the first frame of `bytes`, and what its length field says, once both are there.
///
/// # Errors
///
/// As [`split`].
#[inline]
pub fn announced(bytes: &[u8]) -> Result<Option<(Kind, usize)>, FrameError> {
    let Some(length) = bytes.first_chunk() else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 {
        return Err(FrameError::Empty);
    }
    let Some(byte) = bytes.get(HEADER - 1) else {
        return Ok(None);
    };
    let kind = Kind::of(*byte).ok_or(FrameError::Kind(*byte))?;
    Ok(Some((kind, length)))
}

/// The first frame of `bytes`; `None` while it is not whole. A type that is none is told as soon as
/// it is there, whatever the length promises.
///
/// # Errors
///
/// [`FrameError`]: from here on no frame can be found, and the connection is of no use.
#[inline]
pub fn split(bytes: &[u8]) -> Result<Option<Frame<'_>>, FrameError> {
    let Some((kind, length)) = announced(bytes)? else {
        return Ok(None);
    };
    let payload = bytes.get(HEADER..HEADER - 1 + length);
    Ok(payload.map(|payload| Frame { kind, payload }))
}
