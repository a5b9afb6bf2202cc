//! What is remembered of a hello, to know it again behind a Retry.

use ring::digest::{SHA256, digest};

use super::RANDOM_AT;
use crate::hello::{ClientHello, RANDOM_BYTES, SniField};

/// Bytes of a name's digest that are kept: so many that nobody finds two names with the same ones.
const DIGEST_BYTES: usize = 16;

/// A hello that was whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) random: Option<[u8; RANDOM_BYTES]>,
    /// Stands for its server name, which may be long.
    name: Option<[u8; DIGEST_BYTES]>,
}

impl Told {
    pub(super) fn of(body: &[u8]) -> Self {
        let random = body.get(RANDOM_AT..).and_then(<[u8]>::first_chunk);
        Self {
            random: random.copied(),
            name: name(body),
        }
    }

    /// Whether `again`, which came with other keys, says the same. A client is to repeat its hello
    /// when a Retry sends it back (RFC 9000 §17.2.5.3), yet some make a new one; one with another name
    /// is told even so, since it is the one that the server reads.
    pub(super) fn is_repeated_by(&self, again: &Self, is_sent_back: bool) -> bool {
        let is_copy = self.random.is_some() && self.random == again.random;
        is_copy || is_sent_back && self.name == again.name
    }
}

fn name(body: &[u8]) -> Option<[u8; DIGEST_BYTES]> {
    match ClientHello::parse(body).ok()?.server_name {
        SniField::Name(name) => digest(&SHA256, name).as_ref().first_chunk().copied(),
        SniField::Absent => None,
    }
}
