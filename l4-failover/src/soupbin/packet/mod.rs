//! The frames of SoupBinTCP 3.00, 4.00 and 4.10: a length, a type, a payload.
//!
//! Reading is tolerant: fields may stand on either side of their padding, which may be spaces or
//! NULs, and a login may have the 47 bytes of versions 3.00 and 4.00 or the 52 of 4.10. Writing is
//! strict: the padding of the specification (SoupBinTCP 4.10, section 2).
//!
//! ```
//! use l4_failover::soupbin::packet::{LoginAccepted, Packet, split};
//!
//! let mut sent = Vec::new();
//! let accepted = LoginAccepted { session: "FEED000001".parse()?, sequence: 7 };
//! Packet::LoginAccepted(accepted).encode(&mut sent)?;
//! Packet::Sequenced(b"the seventh").encode(&mut sent)?;
//!
//! let first = split(&sent)?.expect("a whole frame");
//! assert_eq!(first.packet()?, Packet::LoginAccepted(accepted));
//! let second = split(&sent[first.len()..])?.expect("another");
//! assert_eq!(second.packet()?, Packet::Sequenced(b"the seventh"));
//! assert!(split(&sent[..10])?.is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod credentials;
mod error;
mod field;
mod frame;
mod login;
mod session_id;
#[cfg(test)]
mod tests;

pub use credentials::{Credentials, CredentialsError};
pub use error::{FrameError, PacketError, TooLong};
pub use frame::{Frame, Kind, announced, split};
pub use login::{LoginAccepted, LoginRequest, Reject};
pub use session_id::{SessionId, SessionIdError};

/// Bytes before a payload: the length, and the type.
pub const HEADER: usize = 3;

/// Bytes of the longest payload: the length is a `u16`, and counts the type.
pub const PAYLOAD_MAX: usize = u16::MAX as usize - 1;

/// Bytes of the longest frame.
pub const FRAME_MAX: usize = HEADER + PAYLOAD_MAX;

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `+`: text for people, which programs ignore.
    Debug(&'a [u8]),
    /// `A`: the session, and the number of the message that comes next.
    LoginAccepted(LoginAccepted),
    /// `J`: no login; the server closes.
    LoginRejected(Reject),
    /// `S`: a message, whose number is found by counting.
    Sequenced(&'a [u8]),
    /// `U`: a message without a number, in either direction; from a server since version 4.00.
    Unsequenced(&'a [u8]),
    /// `H`: the server has nothing to say.
    ServerHeartbeat,
    /// `Z`: the session is over for good.
    EndOfSession,
    /// `L`: who wants which session, and from where on.
    LoginRequest(LoginRequest),
    /// `R`: the client has nothing to say.
    ClientHeartbeat,
    /// `O`: the client leaves.
    Logout,
}

impl<'a> Packet<'a> {
    /// The packet's type.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Debug(_) => Kind::Debug,
            Self::LoginAccepted(_) => Kind::LoginAccepted,
            Self::LoginRejected(_) => Kind::LoginRejected,
            Self::Sequenced(_) => Kind::Sequenced,
            Self::Unsequenced(_) => Kind::Unsequenced,
            Self::ServerHeartbeat => Kind::ServerHeartbeat,
            Self::EndOfSession => Kind::EndOfSession,
            Self::LoginRequest(_) => Kind::LoginRequest,
            Self::ClientHeartbeat => Kind::ClientHeartbeat,
            Self::Logout => Kind::Logout,
        }
    }

    /// Appends the frame to `out`.
    ///
    /// # Errors
    ///
    /// [`TooLong`]: the payload has more than [`PAYLOAD_MAX`] bytes; nothing was appended.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), TooLong> {
        match self {
            Self::Debug(payload) | Self::Sequenced(payload) | Self::Unsequenced(payload) => {
                return put(out, self.kind(), payload);
            }
            Self::LoginAccepted(accepted) => accepted.put(out),
            Self::LoginRejected(reject) => {
                out.extend([0, 2, Kind::LoginRejected as u8, *reject as u8])
            }
            Self::LoginRequest(request) => request.put(out),
            Self::ServerHeartbeat | Self::EndOfSession | Self::ClientHeartbeat | Self::Logout => {
                out.extend([0, 1, self.kind() as u8]);
            }
        }
        Ok(())
    }

    fn read(kind: Kind, payload: &'a [u8]) -> Result<Self, PacketError> {
        let empty = |packet| match payload.len() {
            0 => Ok(packet),
            _ => Err(PacketError::Size(kind, payload.len() + 1)),
        };
        match kind {
            Kind::Debug => Ok(Self::Debug(payload)),
            Kind::Sequenced => Ok(Self::Sequenced(payload)),
            Kind::Unsequenced => Ok(Self::Unsequenced(payload)),
            Kind::LoginAccepted => LoginAccepted::read(payload).map(Self::LoginAccepted),
            Kind::LoginRejected => Reject::read(payload).map(Self::LoginRejected),
            Kind::LoginRequest => LoginRequest::read(payload).map(Self::LoginRequest),
            Kind::ServerHeartbeat => empty(Self::ServerHeartbeat),
            Kind::EndOfSession => empty(Self::EndOfSession),
            Kind::ClientHeartbeat => empty(Self::ClientHeartbeat),
            Kind::Logout => empty(Self::Logout),
        }
    }
}

/// Appends one frame of any payload.
fn put(out: &mut Vec<u8>, kind: Kind, payload: &[u8]) -> Result<(), TooLong> {
    let too_long = |_| TooLong(payload.len());
    let length = u16::try_from(payload.len() + 1).map_err(too_long)?;
    out.extend(length.to_be_bytes());
    out.push(kind as u8);
    out.extend_from_slice(payload);
    Ok(())
}
