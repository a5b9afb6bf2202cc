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
mod tests {
    use super::*;

    /// A handshake message that claims `body` to be a ClientHello's.
    fn message(body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[CLIENT_HELLO], &len[1..], body].concat()
    }

    fn record(content: &[u8]) -> Vec<u8> {
        let len = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[CONTENT_HANDSHAKE, 3, 1], &len[..], content].concat()
    }

    fn push(bytes: &[u8]) -> Result<Progress, HelloError> {
        Reassembly::default().push(bytes, &HelloBounds::default())
    }

    /// The verdict, and after how many bytes it fell when they came one at a time.
    fn verdict(bytes: &[u8], bounds: &HelloBounds) -> (usize, HelloError) {
        let mut reassembly = Reassembly::default();
        for (before, byte) in bytes.iter().enumerate() {
            if let Err(error) = reassembly.push(&[*byte], bounds) {
                return (before + 1, error);
            }
        }
        panic!("no verdict on {bytes:02x?}");
    }

    fn malformed(bytes: &[u8]) -> (usize, Malformed) {
        match verdict(bytes, &HelloBounds::default()) {
            (at, HelloError::Malformed(malformed)) => (at, malformed),
            (_, other) => panic!("{other}"),
        }
    }

    #[test]
    fn nothing_is_incomplete() {
        assert_eq!(push(&[]).unwrap(), Progress::Incomplete);
        assert!(Reassembly::default().message().is_empty());
    }

    #[test]
    fn one_record_gives_the_body() {
        let mut reassembly = Reassembly::default();
        let progress = reassembly.push(&record(&message(b"body")), &HelloBounds::default());
        assert_eq!(progress.unwrap(), Progress::Complete);
        assert_eq!(reassembly.message(), b"body");
    }

    #[test]
    fn a_message_header_may_be_split_over_records() {
        let records: Vec<u8> = message(b"body").chunks(1).flat_map(record).collect();
        let mut reassembly = Reassembly::default();
        let progress = reassembly.push(&records, &HelloBounds::default());
        assert_eq!(progress.unwrap(), Progress::Complete);
        assert_eq!(reassembly.message(), b"body");
        assert_eq!(reassembly.raw_len(), records.len());
    }

    #[test]
    fn bytes_after_the_hello_are_left_alone() {
        let hello = record(&message(b"body"));
        let mut reassembly = Reassembly::default();
        let with_more = [&hello[..], b"GET /"].concat();
        let progress = reassembly.push(&with_more, &HelloBounds::default());
        assert_eq!(progress.unwrap(), Progress::Complete);
        assert_eq!(reassembly.raw_len(), hello.len());
        let progress = reassembly.push(b"anything", &HelloBounds::default());
        assert_eq!(progress.unwrap(), Progress::Complete);
        assert_eq!(reassembly.message(), b"body");
    }

    #[test]
    fn a_record_may_hold_more_than_the_hello() {
        let content = [message(b"body"), b"next message".to_vec()].concat();
        let mut reassembly = Reassembly::default();
        let progress = reassembly.push(&record(&content), &HelloBounds::default());
        assert_eq!(progress.unwrap(), Progress::Complete);
        assert_eq!(reassembly.message(), b"body");
    }

    #[test]
    fn the_record_version_is_ignored() {
        for version in [[3, 0], [3, 3], [3, 4], [0x7f, 0x1c], [0, 0]] {
            let mut bytes = record(&message(b"body"));
            bytes[1..3].copy_from_slice(&version);
            assert_eq!(push(&bytes).unwrap(), Progress::Complete, "{version:02x?}");
        }
    }

    #[test]
    fn other_protocols_are_not_tls_from_the_first_byte() {
        for bytes in [
            &b"GET / HTTP/1.1"[..],
            b"SSH-2.0",
            b"\x15\x03\x01\x00\x02",
            b"\0",
        ] {
            let (at, error) = verdict(bytes, &HelloBounds::default());
            assert!(matches!(error, HelloError::NotTls), "{error}");
            assert_eq!(at, 1, "{bytes:02x?}");
        }
    }

    #[test]
    fn sslv2_is_known_by_its_version_and_not_before() {
        for version in [[0, 2], [3, 0], [3, 1], [3, 3]] {
            let bytes = [0x80, 0x2e, 1, version[0], version[1]];
            let (at, error) = verdict(&bytes, &HelloBounds::default());
            assert!(matches!(error, HelloError::SslV2), "{error}");
            assert_eq!(at, 5);
        }
    }

    #[test]
    fn what_only_resembles_sslv2_is_not_tls() {
        for (at, bytes) in [
            (3, [0x80, 0x2e, 2, 0, 2]),
            (4, [0xff, 0xfe, 1, 9, 9]),
            (5, [0x80, 0x2e, 1, 0, 3]),
        ] {
            let (decided, error) = verdict(&bytes, &HelloBounds::default());
            assert!(matches!(error, HelloError::NotTls), "{error}");
            assert_eq!(decided, at, "{bytes:02x?}");
        }
    }

    #[test]
    fn a_record_without_content_is_malformed() {
        assert_eq!(malformed(&[22, 3, 1, 0, 0]), (5, Malformed::EmptyRecord));
        let later = [record(b"\x01\0"), vec![22, 3, 1, 0, 0]].concat();
        assert_eq!(malformed(&later), (12, Malformed::EmptyRecord));
    }

    #[test]
    fn a_record_of_more_than_2_to_the_14_is_malformed() {
        assert_eq!(push(&[22, 3, 1, 0x40, 0x00]).unwrap(), Progress::Incomplete);
        assert_eq!(
            malformed(&[22, 3, 1, 0x40, 0x01]),
            (5, Malformed::RecordTooLong(16_385))
        );
    }

    #[test]
    fn another_content_type_in_the_middle_is_malformed_at_once() {
        let bytes = [record(b"\x01"), vec![21]].concat();
        assert_eq!(malformed(&bytes), (7, Malformed::ForeignRecord(21)));
    }

    #[test]
    fn another_handshake_message_is_malformed_at_its_first_byte() {
        assert_eq!(
            malformed(&record(b"\x02\0\0\0")),
            (6, Malformed::NotClientHello(2))
        );
    }

    #[test]
    fn too_long_is_known_with_the_length() {
        let bounds = HelloBounds {
            handshake_bytes: 4,
            ..HelloBounds::default()
        };
        let hello = record(&message(b"body"));
        let progress = Reassembly::default().push(&hello, &bounds);
        assert_eq!(progress.unwrap(), Progress::Complete, "at the bound");

        let (at, error) = verdict(&record(b"\x01\0\0\x05"), &bounds);
        assert!(
            matches!(error, HelloError::TooLong { bytes: 5, limit: 4 }),
            "{error}"
        );
        assert_eq!(at, 9);
    }

    #[test]
    fn raw_bytes_are_bounded_however_they_are_pushed() {
        let hello = record(&message(b"body"));
        let exact = HelloBounds {
            raw_bytes: hello.len(),
            ..HelloBounds::default()
        };
        let progress = Reassembly::default().push(&hello, &exact);
        assert_eq!(progress.unwrap(), Progress::Complete, "at the bound");

        let less = HelloBounds {
            raw_bytes: hello.len() - 1,
            ..exact
        };
        let (_, in_pieces) = verdict(&hello, &less);
        let whole = Reassembly::default().push(&hello, &less).unwrap_err();
        for error in [in_pieces, whole] {
            assert!(
                matches!(
                    error,
                    HelloError::TooLong {
                        bytes: 13,
                        limit: 12
                    }
                ),
                "{error}"
            );
        }
    }

    #[test]
    fn memory_follows_what_arrived_not_what_is_claimed() {
        let bounds = HelloBounds::default();
        let claim = [&[CLIENT_HELLO, 0, 0x40, 0][..], &[0; 16 * 1024]].concat();
        let mut reassembly = Reassembly::default();
        for segment in record(&claim[..9000]).chunks(7) {
            let progress = reassembly.push(segment, &bounds);
            assert_eq!(progress.unwrap(), Progress::Incomplete);
            let (len, capacity) = (reassembly.handshake.len(), reassembly.handshake.capacity());
            assert!(capacity <= (2 * len).max(16), "{capacity} bytes for {len}");
        }
    }
}
