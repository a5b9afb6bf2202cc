//! Datagrams that may begin a connection.

use super::frame::{Frame, Frames};
use super::keys::{Key, Sender};
use super::packet::{self, Initial};
use super::{MESSAGE_HEADER, RANDOM_AT};
use crate::hello::RANDOM_BYTES;

/// RFC 9000 §14.1: a client's datagrams with Initials have so many bytes at least.
const DATAGRAM_MIN: usize = 1200;

/// RFC 9000 §7.2: the id that a client makes up has so many bytes at least.
const ID_MIN: usize = 8;

/// An Initial by whose place and size a connection may begin; the keys prove it.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    pub(super) packet: Initial<'a>,
}

/// An Initial that began a connection, or went on after a Retry.
pub(super) struct Opened {
    payload: Vec<u8>,
}

impl<'a> Opening<'a> {
    /// The first Initial of a datagram of `wire_len` bytes; None if it cannot begin a connection, or
    /// was cut.
    pub fn of(datagram: &'a [u8], wire_len: usize) -> Option<Self> {
        let packet = packet::Initials(datagram).next()?.ok()?;
        let is_long = wire_len >= DATAGRAM_MIN && packet.destination.len() >= ID_MIN;
        is_long.then_some(Self { packet })
    }

    /// The id that it is sent to: if it begins a connection, what the keys are made of.
    pub fn id(&self) -> &'a [u8] {
        self.packet.destination
    }

    /// Whether the keys that follow from its own id open it.
    pub fn is_proved(&self) -> bool {
        self.open().is_some()
    }

    pub(super) fn open(&self) -> Option<Opened> {
        let key = Key::new(self.packet.version, self.id(), Sender::Client)?;
        let payload = self.packet.open(&key, None)?.payload;
        Some(Opened { payload })
    }
}

impl Opened {
    /// The random of the hello, if one frame holds all of it.
    pub(super) fn random(&self) -> Option<[u8; RANDOM_BYTES]> {
        Frames(&self.payload).find_map(|frame| match frame.ok()? {
            Frame::Crypto { offset, bytes } => random_in(usize::try_from(offset).ok()?, bytes),
            Frame::Close(_) | Frame::Other => None,
        })
    }
}

/// The random in the bytes of a stream from `offset` on.
fn random_in(offset: usize, bytes: &[u8]) -> Option<[u8; RANDOM_BYTES]> {
    let from = (MESSAGE_HEADER + RANDOM_AT).checked_sub(offset)?;
    bytes.get(from..)?.first_chunk().copied()
}
