//! What a client has sent and nobody has looked at yet.

use l4_failover::soupbin::packet::{FRAME_MAX, FrameError, split};
use l4_failover::soupbin::session::{FromClient, ServerSession, SessionError};
use thiserror::Error;

use l4_failover::soupbin::packet::LoginRequest;

/// A client says little: a login, heartbeats.
const READ: usize = 4096;

/// Bytes of a client: at most a frame that is not whole, and what a read adds.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    bytes: Vec<u8>,
    /// Of them, those that were read.
    filled: usize,
    /// Of those, those that were looked at.
    taken: usize,
}

/// What matters to a server of what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Login(LoginRequest),
    Logout,
    /// A message without a number: counted, and not answered.
    Unsequenced,
    /// Heartbeats, debug text: nobody answers them.
    Nothing,
}

/// A client that does not keep to the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum Malformed {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Session(#[from] SessionError),
}

impl Incoming {
    /// Where the next read goes; never empty.
    pub(super) fn room(&mut self) -> &mut [u8] {
        const _: () = assert!(FRAME_MAX > READ);
        if self.taken > 0 {
            self.bytes.copy_within(self.taken..self.filled, 0);
            self.filled -= self.taken;
            self.taken = 0;
        }
        // A frame that is longer than this may be on its way.
        self.bytes.resize(self.filled + READ, 0);
        &mut self.bytes[self.filled..]
    }

    pub(super) fn read(&mut self, count: usize) {
        self.filled += count;
    }

    /// What the next whole frame says, if there is one.
    pub(super) fn next(&mut self, session: &mut ServerSession) -> Result<Option<Said>, Malformed> {
        let Some(frame) = split(&self.bytes[self.taken..self.filled])? else {
            return Ok(None);
        };
        self.taken += frame.len();
        Ok(Some(match session.received(frame)? {
            FromClient::Login(login) => Said::Login(login),
            FromClient::Logout => Said::Logout,
            FromClient::Unsequenced(_) => Said::Unsequenced,
            FromClient::Debug(_) | FromClient::Heartbeat => Said::Nothing,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use l4_failover::soupbin::packet::{Credentials, Packet, SessionId};
    use l4_failover::soupbin::session::ServerLimits;

    use super::*;

    #[test]
    fn frames_are_found_however_they_are_split() {
        let login = LoginRequest {
            credentials: Credentials::new("a", "b").unwrap(),
            session: SessionId::BLANK,
            sequence: 1,
            heartbeat_timeout: None,
        };
        let mut bytes = Vec::new();
        let text = [b'x'; 60_000];
        for packet in [
            Packet::LoginRequest(login),
            Packet::Unsequenced(&text),
            Packet::Logout,
        ] {
            packet.encode(&mut bytes).unwrap();
        }
        for size in [1, 3, 1000, READ] {
            let mut session = ServerSession::new(ServerLimits::default(), Instant::now());
            let (mut incoming, mut said) = (Incoming::default(), Vec::new());
            for piece in bytes.chunks(size) {
                incoming.room()[..piece.len()].copy_from_slice(piece);
                incoming.read(piece.len());
                while let Some(one) = incoming.next(&mut session).unwrap() {
                    said.push(one);
                }
                assert!(incoming.bytes.len() <= FRAME_MAX + READ);
            }
            assert_eq!(said, [Said::Login(login), Said::Unsequenced, Said::Logout]);
        }
    }
}
