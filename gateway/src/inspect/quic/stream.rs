//! The handshake messages of one side.

use super::super::pieces::{MESSAGE_HEADER, Pieces, TooMuch, message_header, message_max};
use super::QuicError;
use super::keys::Sender;
use crate::hello::HelloBounds;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;

/// What one side says.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) pieces: Pieces,
    /// How many bytes were taken before those in `pieces`.
    taken: u64,
    /// The greatest number of its packets.
    pub(super) largest: Option<u64>,
}

impl Stream {
    pub(super) fn put(
        &mut self,
        offset: u64,
        bytes: &[u8],
        bounds: &HelloBounds,
    ) -> Result<(), QuicError> {
        let old = self.taken.saturating_sub(offset).min(bytes.len() as u64);
        let at = offset.saturating_sub(self.taken);
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        let put = self
            .pieces
            .put(at, &bytes[old as usize..], message_max(bounds));
        put.map_err(|TooMuch { bytes, limit }| QuicError::TooLong { bytes, limit })
    }

    /// Takes the message out that is whole, with its header.
    pub(super) fn message(
        &mut self,
        sender: Sender,
        bounds: &HelloBounds,
    ) -> Result<Option<Vec<u8>>, QuicError> {
        let Some((kind, bytes)) = message_header(self.pieces.head()) else {
            return Ok(None);
        };
        let expected = match sender {
            Sender::Client => CLIENT_HELLO,
            Sender::Server => SERVER_HELLO,
        };
        if kind != expected {
            return Err(QuicError::NotHello(kind));
        }
        let limit = bounds.handshake_bytes;
        if bytes > limit {
            return Err(QuicError::TooLong { bytes, limit });
        }
        let len = MESSAGE_HEADER + bytes;
        if self.pieces.head().len() < len {
            return Ok(None);
        }
        self.taken += len as u64;
        Ok(Some(self.pieces.take(len)))
    }
}
