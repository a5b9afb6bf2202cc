//! Datagrams that may begin a connection.

use super::record::{Content, Fragment, Fragments, Records};
use super::{CLIENT_HELLO, RANDOM, SERVER_HELLO};
use crate::hello::RANDOM_BYTES;

/// The beginning of a hello, of either side.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    is_client: bool,
    random: &'a [u8; RANDOM_BYTES],
}

impl<'a> Opening<'a> {
    /// What the first record of a datagram begins with; None if that is no hello's random.
    pub fn of(datagram: &'a [u8]) -> Option<Self> {
        let fragment = first_fragment(datagram)?;
        let is_hello = matches!(fragment.kind, CLIENT_HELLO | SERVER_HELLO);
        if !is_hello || fragment.offset > 0 {
            return None;
        }
        Some(Self {
            is_client: fragment.kind == CLIENT_HELLO,
            random: fragment.bytes.get(RANDOM)?.first_chunk()?,
        })
    }

    /// Whether a client sent it: by another random than the last one, it begins another connection.
    pub fn is_client(&self) -> bool {
        self.is_client
    }

    /// The random, which is the same when it comes again, and when it comes with a cookie.
    pub fn random(&self) -> &'a [u8; RANDOM_BYTES] {
        self.random
    }
}

/// What a datagram begins with, if that is of a message in the clear.
pub(super) fn first_fragment(datagram: &[u8]) -> Option<Fragment<'_>> {
    let (Content::Handshake(content) | Content::CutHandshake(content)) =
        Records(datagram).next()?.ok()?
    else {
        return None;
    };
    Fragments(content).next()?
}
