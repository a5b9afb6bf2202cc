//! A consumer's end of SoupBinTCP, written for these benchmarks alone: it shares nothing with the
//! code that it judges. Pure.

use std::io::{self, Read};

/// Bytes that are read at once: more than a second's messages at any rate used here.
const ROOM: usize = 256 * 1024;

/// What a server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// The login is accepted: the next message has this number.
    Accepted(u64),
    /// The login is rejected, for this reason.
    Rejected(u8),
    /// The next message.
    Message(&'a [u8]),
    Heartbeat,
    EndOfSession,
    /// What must not come.
    Wrong(u8),
}

/// A login to the session that is active, from message `sequence` on.
pub(super) fn login(sequence: u64) -> Vec<u8> {
    format!("\0\x2fL{:6}{:10}{:10}{sequence:>20}", "BENCH", "SECRET", "").into_bytes()
}

/// A heartbeat of a client.
pub(super) const HEARTBEAT: &[u8] = b"\0\x01R";

/// Bytes as they came, and where the next frame begins.
#[derive(Debug)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    at: usize,
    end: usize,
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            bytes: vec![0; ROOM],
            at: 0,
            end: 0,
        }
    }

    /// Reads once; 0: the end.
    pub(super) fn read(&mut self, from: &mut impl Read) -> io::Result<usize> {
        // At most a part of one frame is left.
        self.bytes.copy_within(self.at..self.end, 0);
        (self.at, self.end) = (0, self.end - self.at);
        let read = from.read(&mut self.bytes[self.end..])?;
        self.end += read;
        Ok(read)
    }

    /// The next whole frame; none until more was read.
    pub(super) fn next(&mut self) -> Option<Said<'_>> {
        let rest = &self.bytes[self.at..self.end];
        let [high, low, ..] = *rest else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if rest.len() < 2 + length {
            return None;
        }
        let from = self.at + 2;
        self.at = from + length;
        let frame = &self.bytes[from..self.at];
        Some(match frame {
            [b'S', message @ ..] => Said::Message(message),
            [b'H'] => Said::Heartbeat,
            [b'A', rest @ ..] if rest.len() == 30 => accepted(&rest[10..]),
            [b'J', reason] => Said::Rejected(*reason),
            [b'Z'] => Said::EndOfSession,
            [kind, ..] => Said::Wrong(*kind),
            [] => Said::Wrong(0),
        })
    }
}

fn accepted(digits: &[u8]) -> Said<'static> {
    let text = std::str::from_utf8(digits).unwrap_or_default().trim();
    text.parse().map_or(Said::Wrong(b'A'), Said::Accepted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_however_they_were_cut() {
        let mut bytes = b"\0\x1fAFEED000001                 123".to_vec();
        bytes.extend_from_slice(b"\0\x03Shi\0\x01H\0\x01S\0\x01Z\0\x02JA\0\x01?");
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::new();
            let mut said = Vec::new();
            for mut part in [&bytes[..cut], &bytes[cut..]] {
                decoder.read(&mut part).unwrap();
                while let Some(it) = decoder.next() {
                    said.push(format!("{it:?}"));
                }
            }
            let expected = [
                Said::Accepted(123),
                Said::Message(b"hi"),
                Said::Heartbeat,
                Said::Message(b""),
                Said::EndOfSession,
                Said::Rejected(b'A'),
                Said::Wrong(b'?'),
            ];
            assert_eq!(said, expected.map(|it| format!("{it:?}")));
        }
    }

    #[test]
    fn a_login_is_as_long_as_it_says() {
        let login = login(7);
        assert_eq!(login.len(), 49);
        assert_eq!(&login[..9], b"\0\x2fLBENCH ");
        assert_eq!(&login[29..], b"                   7");
    }
}
