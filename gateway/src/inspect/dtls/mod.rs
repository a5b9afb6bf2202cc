//! Reads hellos of DTLS out of datagrams (RFC 6347, RFC 9147): records, and fragments of messages.
//!
//! Versions 1.0, 1.2 and 1.3 say hello in the same way. A server may answer the first hello with a
//! cookie, which a second hello brings back: with HelloVerifyRequest, or in 1.3 with
//! HelloRetryRequest.

mod opening;
mod record;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use opening::Opening;

use self::record::{Content, Cut, Fragment, Fragments, Records};
use super::pieces::{Pieces, TooMuch};
use crate::hello::{HelloBounds, RANDOM_BYTES};

/// Most fragments of a flow that are looked into. A hello of 16 KiB in fragments of 200 bytes has 80,
/// and each may come several times.
pub const FRAGMENTS_MAX: usize = 1024;

/// Most hellos of a connection that are told apart from those that come again: with a cookie there
/// are two.
const HELLOS_MAX: usize = 4;

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const HELLO_VERIFY_REQUEST: u8 = 3;
/// Between the version and the session id of a hello.
const RANDOM: std::ops::Range<usize> = 2..2 + RANDOM_BYTES;

/// What a datagram brought to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A ClientHello, from whoever sent the datagram: its body, as
    /// [`ClientHello::parse_dtls`](crate::hello::ClientHello::parse_dtls) takes it.
    ClientHello(Vec<u8>),
    /// A HelloVerifyRequest: another hello will come, with the server's cookie.
    VerifyRequest,
    /// A ServerHello, of DTLS 1.3 also a HelloRetryRequest: its body.
    ServerHello(Vec<u8>),
    /// An alert in the clear: its level and its description.
    Alert(u8, u8),
}

/// Why no hello will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DtlsError {
    /// A record states more bytes than its datagram has. Where the datagram was captured in whole, it
    /// is not DTLS.
    #[error("a DTLS record that ends early")]
    Cut,
    /// A fragment that does not fit into its record, or into its message.
    #[error("a DTLS fragment with an impossible length")]
    Fragment,
    /// More than [`FRAGMENTS_MAX`].
    #[error("no whole hello in {FRAGMENTS_MAX} DTLS fragments")]
    TooManyFragments,
    /// More than [`HelloBounds`] allows.
    #[error("a hello of at least {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// What it takes at least, in bytes.
        bytes: usize,
        /// The bound that it broke, in bytes.
        limit: usize,
    },
}

/// Whether a datagram begins with a hello, or a part of one, of either side.
///
/// ```
/// use gateway::inspect::dtls::begins;
///
/// let record = b"\x16\xfe\xff\0\0\0\0\0\0\0\0\0\x0d";
/// let fragment = b"\x01\0\0\xb8\0\0\0\0\0\0\0\x01\xfe";
/// assert!(begins(&[&record[..], fragment].concat()));
/// assert!(!begins(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03dc1\0\0\x01\0\x01"));
/// ```
pub fn begins(datagram: &[u8]) -> bool {
    let Some(Ok(Content::Handshake(content) | Content::CutHandshake(content))) =
        Records(datagram).next()
    else {
        return false;
    };
    matches!(
        content.first(),
        Some(&(CLIENT_HELLO | SERVER_HELLO | HELLO_VERIFY_REQUEST))
    )
}

/// The hellos of a flow, from both sides.
///
/// Who is the client is told by the messages, so datagrams come as they were captured. It remembers
/// what arrived of the hellos, at most two messages of [`HelloBounds::handshake_bytes`].
#[derive(Debug, Default)]
pub struct Hellos {
    client: Assembly,
    server: Assembly,
    fragments: usize,
}

/// A message in the making.
#[derive(Debug, Default)]
struct Assembly {
    /// Which message is put together.
    id: Option<MessageId>,
    pieces: Pieces,
    /// Those that were whole: they may come again.
    heard: Vec<MessageId>,
    /// The random of the first hello: of another connection from the same port it differs.
    random: Option<[u8; RANDOM_BYTES]>,
}

/// By its number alone a second hello may look like the first, where a server counts none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MessageId {
    number: u16,
    len: usize,
}

impl Hellos {
    /// Takes a datagram's payload, of either side; tells the first of what it brought to its end.
    ///
    /// # Errors
    /// [`DtlsError`]: why no hello will come; it is of no use afterwards.
    pub fn push(
        &mut self,
        datagram: &[u8],
        bounds: &HelloBounds,
    ) -> Result<Option<Heard>, DtlsError> {
        let mut heard = None;
        for content in Records(datagram) {
            let said = match content.map_err(|Cut| DtlsError::Cut)? {
                Content::Handshake(content) => self.handshake(content, bounds)?,
                Content::CutHandshake(content) => {
                    // What is there of it counts, as of a stream that ends early.
                    self.handshake(content, bounds)?;
                    return Err(DtlsError::Cut);
                }
                Content::Alert(level, description) => Some(Heard::Alert(level, description)),
                Content::Other => None,
            };
            heard = heard.or(said);
        }
        Ok(heard)
    }

    /// What there is of a ClientHello's body that is not whole: all in front of the first gap; and
    /// how long the whole is, if a part of it came.
    pub fn part(&self) -> (&[u8], Option<usize>) {
        (self.client.pieces.head(), self.client.id.map(|id| id.len))
    }

    /// Whether this is of the same connection, as far as it says that. A server's hello says nothing.
    pub fn is_same(&self, opening: &Opening<'_>) -> bool {
        let random = self.client.random.as_ref();
        !opening.is_client() || random.is_none_or(|random| random == opening.random())
    }

    /// Whether a datagram may go on with this connection, where there is another one too: fragments
    /// of a client's hello must be of the one that is put together.
    pub fn may_go_on_with(&self, datagram: &[u8]) -> bool {
        match opening::first_fragment(datagram) {
            Some(fragment) if fragment.kind == CLIENT_HELLO && fragment.offset > 0 => {
                self.client.id == Some(MessageId::of(&fragment))
            }
            _ => Opening::of(datagram).is_none_or(|opening| self.is_same(&opening)),
        }
    }

    /// The randoms by which the connection is known when something of it comes again.
    pub fn randoms(&self) -> impl Iterator<Item = &[u8; RANDOM_BYTES]> {
        [&self.client, &self.server]
            .into_iter()
            .filter_map(|side| side.random.as_ref())
    }

    fn handshake(
        &mut self,
        content: &[u8],
        bounds: &HelloBounds,
    ) -> Result<Option<Heard>, DtlsError> {
        let mut heard = None;
        for fragment in Fragments(content) {
            let fragment = fragment.ok_or(DtlsError::Fragment)?;
            self.fragments += 1;
            if self.fragments > FRAGMENTS_MAX {
                return Err(DtlsError::TooManyFragments);
            }
            let said = match fragment.kind {
                CLIENT_HELLO => self.client.take(&fragment, bounds)?.map(Heard::ClientHello),
                SERVER_HELLO => self.server.take(&fragment, bounds)?.map(Heard::ServerHello),
                HELLO_VERIFY_REQUEST => Some(Heard::VerifyRequest),
                _ => None,
            };
            heard = heard.or(said);
        }
        Ok(heard)
    }
}

impl MessageId {
    fn of(fragment: &Fragment<'_>) -> Self {
        Self {
            number: fragment.number,
            len: fragment.len,
        }
    }
}

impl Assembly {
    /// Takes a fragment; gives the message that is whole now.
    fn take(
        &mut self,
        fragment: &Fragment<'_>,
        bounds: &HelloBounds,
    ) -> Result<Option<Vec<u8>>, DtlsError> {
        let (bytes, limit) = (fragment.len, bounds.handshake_bytes);
        if bytes > limit {
            return Err(DtlsError::TooLong { bytes, limit });
        }
        self.know_random(fragment);
        let id = MessageId::of(fragment);
        if self.heard.contains(&id) || self.heard.len() == HELLOS_MAX {
            return Ok(None);
        }
        if self.id != Some(id) {
            (self.id, self.pieces) = (Some(id), Pieces::default());
        }
        let put = self
            .pieces
            .put(fragment.offset, fragment.bytes, fragment.len);
        put.map_err(|TooMuch { bytes, limit }| DtlsError::TooLong { bytes, limit })?;
        if self.pieces.head().len() < id.len {
            return Ok(None);
        }
        self.id = None;
        self.heard.push(id);
        Ok(Some(self.pieces.take(id.len)))
    }

    /// Another random begins another connection.
    fn know_random(&mut self, fragment: &Fragment<'_>) {
        let random = fragment.bytes.get(RANDOM).and_then(<[u8]>::first_chunk);
        if fragment.offset > 0 || random.is_none() {
            return;
        }
        if self.random.is_some() && self.random.as_ref() != random {
            *self = Self::default();
        }
        self.random = random.copied();
    }
}
