//! Reads hellos out of QUIC's Initial packets (RFC 9001, RFC 9369).
//!
//! Initials are encrypted, but with keys that follow from the first one: whoever sees that can read
//! them. They stay the same when the connection ids change; only a Retry makes new ones.

mod claim;
mod connection;
mod frame;
mod keys;
mod opening;
mod packet;
mod retry;
#[cfg(test)]
pub(crate) mod seal;
mod stream;
#[cfg(test)]
pub(crate) mod tests;
mod told;

pub use opening::Opening;
pub use packet::Version;

use thiserror::Error;

use self::connection::{Connection, Id};
use self::frame::{BadFrame, Frame, Frames};
use self::keys::{Key, Sender};
use self::packet::{Cut, Initial, Plain};
use self::stream::Stream;
use self::told::Told;
use super::pieces::{MESSAGE_HEADER, message_header};
use crate::hello::HelloBounds;

/// Most decryptions of a flow's Initials, those among them that fail. A hello of 16 KiB takes some
/// 15 packets, its answer as many with what is sent again; each is tried with at most four keys.
pub const TRIES_MAX: usize = 256;

/// In front of the random: the version.
const RANDOM_AT: usize = 2;
/// A connection that is closed with these codes ended by an alert of TLS (RFC 9000 §20.1).
const CRYPTO_ERRORS: std::ops::RangeInclusive<u64> = 0x0100..=0x01ff;

/// What a datagram brought to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A ClientHello, from whoever sent the datagram: its body, as
    /// [`ClientHello::parse`](crate::hello::ClientHello::parse) takes it. After a HelloRetryRequest
    /// there is a second one.
    ClientHello(Vec<u8>),
    /// A ServerHello or HelloRetryRequest: its body.
    ServerHello(Vec<u8>),
    /// One side closed the connection with this alert of TLS.
    Alert(u8),
}

/// Why no hello will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum QuicError {
    /// A packet states more bytes than its datagram has. Where the datagram was captured in whole,
    /// it is not QUIC.
    #[error("a QUIC packet that ends early")]
    Cut,
    /// No key fitted: the connection's first packet was not captured, or it is not QUIC.
    #[error("QUIC packets that no key opens")]
    Undecipherable,
    /// More than [`TRIES_MAX`].
    #[error("no whole hello in the QUIC packets that were tried; the limit is {TRIES_MAX}")]
    TooManyTries,
    /// A frame that an Initial must not hold, or that is cut short.
    #[error("a QUIC frame of type {0} that does not belong there")]
    Frame(u64),
    /// Another message in place of a hello.
    #[error("a handshake message of type {0} in place of a hello")]
    NotHello(u8),
    /// More than [`HelloBounds`] allows.
    #[error("a hello of at least {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// What it takes at least, in bytes.
        bytes: usize,
        /// The bound that it broke, in bytes.
        limit: usize,
    },
}

/// Whether a datagram begins with an Initial, as a connection's first does.
///
/// ```
/// use gateway::inspect::quic::begins;
///
/// assert!(begins(b"\xc3\0\0\0\x01\x08\xf0\x67\xa5\x50\x2a\x42\x62\xb5\0\0\x40\x74"));
/// assert!(!begins(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x03dc1\0\0\x01\0\x01"));
/// ```
pub fn begins(datagram: &[u8]) -> bool {
    packet::Initials(datagram).next().is_some()
}

/// The Initials of a flow, from both sides.
///
/// Who is the client is told by the keys, so datagrams come as they were captured. It remembers what
/// arrived of the hellos, at most two messages of [`HelloBounds::handshake_bytes`].
#[derive(Debug, Default)]
pub struct Initials {
    connection: Option<Connection>,
    /// What the keys were made of before a Retry.
    id_before: Option<Id>,
    /// What a Retry asks for, and what the server chose: the client's packets go there.
    id_of_retry: Option<Id>,
    id_of_server: Option<Id>,
    /// What the client chose, which it keeps when it is sent back by a Retry (RFC 9000 §17.2.5.2).
    id_of_client: Option<Id>,
    client: Stream,
    server: Stream,
    /// The last hello.
    heard: Option<Told>,
    /// The last one before the keys changed: after a Retry, the same hello comes again.
    heard_before: Option<Told>,
    /// Whether the keys changed by a Retry.
    is_sent_back: bool,
    /// Whether the last hello followed another one in its stream.
    is_second: bool,
    tries: usize,
}

impl Initials {
    /// Takes a datagram's payload, of either side.
    ///
    /// # Errors
    /// [`QuicError`]: why no hello will come; it is of no use afterwards.
    pub fn push(
        &mut self,
        datagram: &[u8],
        bounds: &HelloBounds,
    ) -> Result<Option<Heard>, QuicError> {
        let mut heard = None;
        if let Some(retry) = self.retry(datagram) {
            self.id_of_retry = Some(Id::of(retry.id));
        }
        for packet in packet::Initials(datagram) {
            let packet = packet.map_err(|Cut| QuicError::Cut)?;
            let Some((sender, plain)) = self.open(&packet)? else {
                continue;
            };
            let id = match sender {
                Sender::Client => &mut self.id_of_client,
                Sender::Server => &mut self.id_of_server,
            };
            *id = Some(Id::of(packet.source));
            let alert = self.take(sender, &plain, bounds)?;
            heard = heard.or(self.message(sender, bounds)?).or(alert);
        }
        Ok(heard)
    }

    /// The version of the client's last packet, once one was opened.
    pub fn version(&self) -> Option<Version> {
        self.connection.map(|connection| connection.version)
    }

    /// Whether the last hello followed another one in its stream, as behind a HelloRetryRequest.
    pub fn is_second(&self) -> bool {
        self.is_second
    }

    /// What there is of a ClientHello's body that is not whole: all in front of the first gap; and
    /// how long the whole is, if that is there.
    pub fn part(&self) -> (&[u8], Option<usize>) {
        let head = self.client.pieces.head();
        let stated = message_header(head).map(|(_, len)| len);
        (head.get(MESSAGE_HEADER..).unwrap_or_default(), stated)
    }

    /// Tries the keys that the connection has; then those that the packet would have as a client's
    /// first, or first after a Retry.
    fn open(&mut self, packet: &Initial<'_>) -> Result<Option<(Sender, Plain)>, QuicError> {
        if let Some(mut known) = self.connection {
            // It may go over to another version; what it made its keys of stays (RFC 9369 §4.1).
            known.version = packet.version;
            for sender in [Sender::Client, Sender::Server] {
                if let Some(plain) = self.try_key(packet, &known, sender)? {
                    self.connection = Some(known);
                    return Ok(Some((sender, plain)));
                }
            }
        }
        let new = Connection::of(packet);
        let known = self.connection.map(|known| known.id);
        // A packet from before a Retry, sent again, would bring the old keys back.
        if [known, self.id_before]
            .iter()
            .flatten()
            .any(|id| id.bytes() == new.id())
        {
            return Ok(None);
        }
        let is_sent_back = self.is_sent_back(packet);
        let (client, server) = (&mut self.client, &mut self.server);
        let kept = (std::mem::take(client), std::mem::take(server));
        let plain = self.try_key(packet, &new, Sender::Client)?;
        match plain {
            Some(_) => {
                self.connection = Some(new);
                self.id_before = known;
                self.heard_before = self.heard.take();
                self.is_sent_back = is_sent_back;
            }
            None => (self.client, self.server) = kept,
        }
        Ok(plain.map(|plain| (Sender::Client, plain)))
    }

    fn try_key(
        &mut self,
        packet: &Initial<'_>,
        connection: &Connection,
        sender: Sender,
    ) -> Result<Option<Plain>, QuicError> {
        if self.tries == TRIES_MAX {
            return Err(match self.connection {
                None => QuicError::Undecipherable,
                Some(_) => QuicError::TooManyTries,
            });
        }
        self.tries += 1;
        let key = Key::new(packet.version, connection.id(), sender);
        let largest = self.stream(sender).largest;
        Ok(key.and_then(|key| packet.open(&key, largest)))
    }

    fn stream(&mut self, sender: Sender) -> &mut Stream {
        match sender {
            Sender::Client => &mut self.client,
            Sender::Server => &mut self.server,
        }
    }

    /// Takes what a packet brought; says so if it ends the connection by an alert.
    fn take(
        &mut self,
        sender: Sender,
        plain: &Plain,
        bounds: &HelloBounds,
    ) -> Result<Option<Heard>, QuicError> {
        let mut alert = None;
        let stream = self.stream(sender);
        stream.largest = stream.largest.max(Some(plain.number));
        for frame in Frames(&plain.payload) {
            match frame.map_err(|BadFrame(kind)| QuicError::Frame(kind))? {
                Frame::Crypto { offset, bytes } => stream.put(offset, bytes, bounds)?,
                Frame::Close(code) if CRYPTO_ERRORS.contains(&code) => {
                    alert = Some(Heard::Alert(code as u8)); // The low byte is the alert's.
                }
                Frame::Close(_) | Frame::Other => {}
            }
        }
        Ok(alert)
    }

    /// The message that is whole now.
    fn message(
        &mut self,
        sender: Sender,
        bounds: &HelloBounds,
    ) -> Result<Option<Heard>, QuicError> {
        let Some(mut message) = self.stream(sender).message(sender, bounds)? else {
            return Ok(None);
        };
        message.drain(..MESSAGE_HEADER);
        if sender == Sender::Server {
            return Ok(Some(Heard::ServerHello(message)));
        }
        let told = Told::of(&message);
        self.is_second = self.heard.replace(told).is_some();
        let before = self.heard_before.take();
        let is_repeated =
            before.is_some_and(|before| before.is_repeated_by(&told, self.is_sent_back));
        Ok((!is_repeated).then_some(Heard::ClientHello(message)))
    }
}
