//! Puts a ClientHello together from TLS records, however they and TCP split it.

use super::{HelloError, Malformed};

const RECORD_HEADER: usize = 5;
const MESSAGE_HEADER: usize = 4;
const CONTENT_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// RFC 8446 §5.1: a plaintext record holds at most 2^14 bytes.
const RECORD_MAX: usize = 1 << 14;

/// How long a hello may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HelloBounds {
    /// Greatest length of the handshake message without its header, in bytes; 16 KiB by default.
    /// Hellos with post-quantum key shares take some 2 KiB, so this leaves room.
    pub handshake_bytes: usize,
    /// Greatest length of all that carries it, record headers included, in bytes; 64 KiB by
    /// default. It bounds what a client costs that sends records of one byte.
    pub raw_bytes: usize,
}

impl Default for HelloBounds {
    fn default() -> Self {
        Self {
            handshake_bytes: 16 * 1024,
            raw_bytes: 64 * 1024,
        }
    }
}

/// How far a [`Reassembly`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// What came so far begins a hello; more must follow.
    Incomplete,
    /// The hello is whole.
    Complete,
}

/// A ClientHello in the making.
///
/// It holds the handshake message only; raw bytes, which are to be passed on as they came, stay
/// with the caller. Memory grows with what arrived, never with what a length field claims.
///
/// The verdict depends on the bytes, not on how they are split over pushes; it falls as early as
/// the bytes allow. The version in a record's header is ignored, as RFC 8446 §5.1 demands.
#[derive(Debug, Default)]
pub struct Reassembly {
    /// The handshake message with its header, as far as it has arrived.
    handshake: Vec<u8>,
    record_header: [u8; RECORD_HEADER],
    /// How much of `record_header` has arrived; 0 within a record's content.
    record_header_len: usize,
    /// What the current record still has to bring.
    record_left: usize,
    raw_len: usize,
}

impl Reassembly {
    /// Takes the next bytes of the connection. Those behind the hello are left alone, and so is
    /// everything once it is complete.
    ///
    /// # Errors
    /// Says why these bytes never become a hello; the reassembly is of no use afterwards.
    pub fn push(&mut self, bytes: &[u8], bounds: &HelloBounds) -> Result<Progress, HelloError> {
        let room = bounds.raw_bytes.saturating_sub(self.raw_len);
        let mut input = &bytes[..bytes.len().min(room)];
        while !self.is_complete() && !input.is_empty() {
            let taken = self.take(input, bounds)?;
            self.raw_len += taken;
            input = &input[taken..];
        }
        self.progress(bounds)
    }

    /// The body of the ClientHello (RFC 8446 §4.1.2), without the handshake header; empty until
    /// it is complete.
    pub fn message(&self) -> &[u8] {
        if self.is_complete() {
            &self.handshake[MESSAGE_HEADER..]
        } else {
            &[]
        }
    }

    /// How many bytes of the connection were taken so far: when complete, the hello ends
    /// there, and what follows is something else.
    pub fn raw_len(&self) -> usize {
        self.raw_len
    }

    fn progress(&self, bounds: &HelloBounds) -> Result<Progress, HelloError> {
        if self.is_complete() {
            return Ok(Progress::Complete);
        }
        if self.raw_len >= bounds.raw_bytes {
            return Err(HelloError::TooLong {
                bytes: self.raw_len + 1, // More must follow, so it takes at least this.
                limit: bounds.raw_bytes,
            });
        }
        Ok(Progress::Incomplete)
    }

    fn is_complete(&self) -> bool {
        self.message_len()
            .is_some_and(|len| self.handshake.len() == MESSAGE_HEADER + len)
    }

    /// The length that the handshake header states, once that has arrived.
    fn message_len(&self) -> Option<usize> {
        let &[_, high, middle, low] = self.handshake.first_chunk::<MESSAGE_HEADER>()?;
        Some(usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low))
    }

    fn take(&mut self, input: &[u8], bounds: &HelloBounds) -> Result<usize, HelloError> {
        if self.record_left == 0 {
            self.take_record_header(input[0])?;
            return Ok(1);
        }
        let taken = self.take_content(input);
        self.check_message_header(bounds)?;
        Ok(taken)
    }

    fn take_record_header(&mut self, byte: u8) -> Result<(), HelloError> {
        self.record_header[self.record_header_len] = byte;
        let arrived = &self.record_header[..=self.record_header_len];
        self.record_header_len = arrived.len() % RECORD_HEADER;
        if self.handshake.is_empty() {
            check_first_bytes(arrived)?;
        } else if arrived[0] != CONTENT_HANDSHAKE {
            return Err(Malformed::ForeignRecord(arrived[0]).into());
        }
        if let &[_, _, _, high, low] = arrived {
            self.record_left = record_len(high, low)?;
        }
        Ok(())
    }

    /// Takes no more than the message lacks: the header first, then as much as that states.
    fn take_content(&mut self, input: &[u8]) -> usize {
        let whole = MESSAGE_HEADER + self.message_len().unwrap_or(0);
        let lacking = whole - self.handshake.len();
        let taken = input.len().min(self.record_left).min(lacking);
        self.handshake.extend_from_slice(&input[..taken]);
        self.record_left -= taken;
        taken
    }

    fn check_message_header(&self, bounds: &HelloBounds) -> Result<(), HelloError> {
        match self.handshake.first() {
            Some(&CLIENT_HELLO) | None => {}
            Some(&other) => return Err(Malformed::NotClientHello(other).into()),
        }
        match self.message_len() {
            Some(bytes) if bytes > bounds.handshake_bytes => Err(HelloError::TooLong {
                bytes,
                limit: bounds.handshake_bytes,
            }),
            _ => Ok(()),
        }
    }
}

fn record_len(high: u8, low: u8) -> Result<usize, Malformed> {
    match usize::from(u16::from_be_bytes([high, low])) {
        0 => Err(Malformed::EmptyRecord),
        len if len > RECORD_MAX => Err(Malformed::RecordTooLong(len)),
        len => Ok(len),
    }
}

/// Tells TLS from SSLv2 from anything else by the first bytes of a connection, at most five.
fn check_first_bytes(arrived: &[u8]) -> Result<(), HelloError> {
    match arrived {
        [CONTENT_HANDSHAKE, ..] => Ok(()),
        [0x80..=0xff, ..] => check_sslv2(arrived),
        _ => Err(HelloError::NotTls),
    }
}

/// An SSLv2 hello begins with a length of two bytes with the high bit set, the message type 1,
/// and the version: SSLv2 itself, or the later one that the client speaks too.
fn check_sslv2(arrived: &[u8]) -> Result<(), HelloError> {
    match arrived {
        [_] | [_, _] | [_, _, 1] | [_, _, 1, 0x00 | 0x03] => Ok(()),
        [_, _, 1, 0x00, 0x02] | [_, _, 1, 0x03, 0..=4] => Err(HelloError::SslV2),
        _ => Err(HelloError::NotTls),
    }
}

#[cfg(test)]
mod tests;
