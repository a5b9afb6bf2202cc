//! What the keys of a connection are made of.

use super::Version;
use super::packet::{CONNECTION_ID_MAX, Initial};

/// What the keys are made of. They are derived for each packet: a flow has few of them, and there
/// may be many flows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    pub(super) version: Version,
    pub(super) id: Id,
    /// Whether the first packet had a token: of a Retry, or from an earlier connection.
    pub(super) has_token: bool,
}

/// The id of a connection, on either side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id {
    bytes: [u8; CONNECTION_ID_MAX],
    len: usize,
}

impl Connection {
    pub(super) fn of(packet: &Initial<'_>) -> Self {
        Self {
            version: packet.version,
            id: Id::of(packet.destination),
            has_token: packet.has_token,
        }
    }

    pub(super) fn id(&self) -> &[u8] {
        self.id.bytes()
    }
}

impl Id {
    /// Of an id that a packet holds, which is no longer than there is room.
    pub(super) fn of(id: &[u8]) -> Self {
        let mut bytes = [0; CONNECTION_ID_MAX];
        bytes[..id.len()].copy_from_slice(id);
        Self {
            bytes,
            len: id.len(),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
