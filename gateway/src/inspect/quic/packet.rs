//! Packets with a long header, as a datagram holds them one behind the other (RFC 9000 §17.2).

use super::keys::{Key, SAMPLE_BYTES};

/// RFC 9000 §17.2: in the versions that are known here, an id has at most 20 bytes.
pub(super) const CONNECTION_ID_MAX: usize = 20;

/// Where a packet's sample begins, behind the beginning of its number (RFC 9001 §5.4.2).
const SAMPLE_AT: usize = 4;

/// The version of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// Version 1 (RFC 9000, RFC 9001).
    V1,
    /// Version 2 (RFC 9369).
    V2,
    /// One of the drafts 29 to 32 of version 1, which have a salt of their own in common. They were
    /// in use until 2021, and are in captures.
    Draft29,
}

impl Version {
    fn of(number: u32) -> Option<Self> {
        match number {
            0x0000_0001 => Some(Self::V1),
            0x6b33_43cf => Some(Self::V2),
            0xff00_001d..=0xff00_0020 => Some(Self::Draft29),
            _ => None,
        }
    }

    /// What the connection id is mixed with (RFC 9001 §5.2, RFC 9369 §3.3.1).
    pub(super) fn salt(self) -> &'static [u8; 20] {
        match self {
            Self::V1 => {
                b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
            }
            Self::V2 => {
                b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
            }
            Self::Draft29 => {
                b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"
            }
        }
    }

    /// The labels of the key, the nonce and the header's key (RFC 9001 §5.1, RFC 9369 §3.3.2).
    pub(super) fn labels(self) -> [&'static str; 3] {
        match self {
            Self::V1 | Self::Draft29 => ["quic key", "quic iv", "quic hp"],
            Self::V2 => ["quicv2 key", "quicv2 iv", "quicv2 hp"],
        }
    }

    /// The type of a long header (RFC 9000 §17.2, RFC 9369 §3.2).
    fn kind(self, first: u8) -> Kind {
        match (self, first >> 4 & 0b11) {
            (Self::V1 | Self::Draft29, 0) | (Self::V2, 1) => Kind::Initial,
            (Self::V1 | Self::Draft29, 3) | (Self::V2, 0) => Kind::Retry,
            _ => Kind::Other,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Kind {
    Initial,
    Retry,
    /// 0-RTT or Handshake.
    Other,
}

/// An Initial, still protected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Initial<'a> {
    pub(super) version: Version,
    pub(super) destination: &'a [u8],
    /// The id that its sender wants to be answered to.
    pub(super) source: &'a [u8],
    pub(super) has_token: bool,
    /// The whole packet.
    bytes: &'a [u8],
    /// Where its number begins.
    number_at: usize,
}

/// A packet that is longer than what is left of its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut;

/// The Initials of a datagram.
#[derive(Debug)]
pub(super) struct Initials<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Initials<'a> {
    type Item = Result<Initial<'a>, Cut>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let packet = std::mem::take(&mut self.0);
            let (version, kind, mut rest) = start(packet)?;
            let destination = connection_id(&mut rest)?;
            let source = connection_id(&mut rest)?;
            let has_token = match kind {
                Kind::Retry => return None, // It has no length: nothing can follow it.
                Kind::Initial => !vec(&mut rest)?.is_empty(),
                Kind::Other => false,
            };
            let len = varint(&mut rest)?;
            let number_at = packet.len() - rest.len();
            let Some(end) = end(packet, number_at, len) else {
                return (kind == Kind::Initial).then_some(Err(Cut));
            };
            let (bytes, behind) = packet.split_at(end);
            self.0 = behind;
            if kind == Kind::Initial {
                return Some(Ok(Initial {
                    version,
                    destination,
                    source,
                    has_token,
                    bytes,
                    number_at,
                }));
            }
        }
    }
}

/// The version of a Retry, and the id that it asks for.
pub(super) fn retry(datagram: &[u8]) -> Option<(Version, &[u8])> {
    let (version, kind, mut rest) = start(datagram)?;
    connection_id(&mut rest)?;
    let id = connection_id(&mut rest)?;
    (kind == Kind::Retry).then_some((version, id))
}

/// What a long header begins with. The fixed bit is not judged: who was told that it may be anything
/// (RFC 9287) sets it at random, and the tag of the packet proves more.
fn start(packet: &[u8]) -> Option<(Version, Kind, &[u8])> {
    let (&[first, v0, v1, v2, v3], rest) = packet.split_first_chunk()?;
    let version = Version::of(u32::from_be_bytes([v0, v1, v2, v3]))?;
    (first & 0x80 != 0).then(|| (version, version.kind(first), rest))
}

fn end(packet: &[u8], number_at: usize, len: u64) -> Option<usize> {
    let end = number_at.checked_add(usize::try_from(len).ok()?)?;
    (end <= packet.len()).then_some(end)
}

fn connection_id<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (len, behind) = rest.split_first()?;
    let len = usize::from(*len);
    let (id, behind) = behind.split_at_checked(len)?;
    *rest = behind;
    (len <= CONNECTION_ID_MAX).then_some(id)
}

/// Bytes behind a length of variable size.
pub(super) fn vec<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(varint(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(bytes)
}

/// An integer of 1, 2, 4 or 8 bytes, as the first two bits say (RFC 9000 §16).
pub(super) fn varint(rest: &mut &[u8]) -> Option<u64> {
    let len = 1 << (rest.first()? >> 6);
    let (bytes, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    let value = bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte));
    Some(value & (u64::MAX >> (66 - 8 * len)))
}

/// An Initial without its protection.
pub(super) struct Plain {
    pub(super) number: u64,
    pub(super) payload: Vec<u8>,
}

impl Initial<'_> {
    /// Takes the protection off, if `key` is the sender's; `largest` is the greatest number of it so
    /// far.
    pub(super) fn open(&self, key: &Key, largest: Option<u64>) -> Option<Plain> {
        let mut bytes = self.bytes.to_vec();
        let sample = bytes
            .get(self.number_at + SAMPLE_AT..)?
            .get(..SAMPLE_BYTES)?;
        let [first, mask @ ..] = key.mask(sample)?;
        bytes[0] ^= first & 0x0f;
        let number_len = usize::from(bytes[0] & 0b11) + 1;
        let (header, payload) = bytes.split_at_mut(self.number_at + number_len);
        let mut truncated = 0;
        for (byte, mask) in header[self.number_at..].iter_mut().zip(mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        let number = whole_number(truncated, number_len, largest);
        let payload = key.open(number, header, payload)?.to_vec();
        Some(Plain { number, payload })
    }
}

/// The packet number whose last `len` bytes are `truncated`: that which lies nearest to the next
/// one (RFC 9000 §A.3).
fn whole_number(truncated: u64, len: usize, largest: Option<u64>) -> u64 {
    let expected = largest.map_or(0, |largest| largest + 1);
    let window = 1_u64 << (8 * len);
    let half = window / 2;
    let candidate = expected & !(window - 1) | truncated;
    if candidate + half <= expected {
        candidate + window
    } else if candidate > expected + half && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_the_standard_are_read() {
        for (bytes, expected) in [
            (
                &[0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c][..],
                151_288_809_941_952_652,
            ),
            (&[0x9d, 0x7f, 0x3e, 0x7d], 494_878_333),
            (&[0x7b, 0xbd], 15_293),
            (&[0x25], 37),
            (&[0x40, 0x25], 37),
        ] {
            let mut rest = bytes;
            assert_eq!(varint(&mut rest), Some(expected));
            assert!(rest.is_empty());
        }
        assert_eq!(varint(&mut &[0x40][..]), None);
        assert_eq!(varint(&mut &[][..]), None);
    }

    #[test]
    fn a_number_is_that_nearest_to_the_next() {
        assert_eq!(whole_number(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32);
        assert_eq!(whole_number(2, 1, None), 2);
        assert_eq!(whole_number(0xff, 1, None), 0xff);
        assert_eq!(whole_number(1, 1, Some(254)), 257);
        assert_eq!(whole_number(255, 1, Some(256)), 255);
    }
}
