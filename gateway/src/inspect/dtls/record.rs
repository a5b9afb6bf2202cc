//! Records in a datagram, and fragments in a record.

/// RFC 6347 §4.1: type, version, epoch, number, length.
const RECORD_HEADER: usize = 13;
/// RFC 6347 §4.2.2: type, length, number, offset and length of the fragment.
const FRAGMENT_HEADER: usize = 12;
/// RFC 6347 §4.1: as in TLS.
const RECORD_MAX: usize = 1 << 14;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION: u8 = 23;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Fragments of messages.
    Handshake(&'a [u8]),
    /// What is there of a handshake record that is longer than what is left of its datagram.
    CutHandshake(&'a [u8]),
    /// Level and description.
    Alert(u8, u8),
    /// What is encrypted, or of no interest.
    Other,
}

/// A record that is longer than what is left of its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut;

/// The records of a datagram, down to the first thing that is none: in DTLS 1.3, what is encrypted
/// has another header.
pub(super) struct Records<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = Result<Content<'a>, Cut>;

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = std::mem::take(&mut self.0).split_first_chunk::<RECORD_HEADER>()?;
        let &[
            kind,
            0xfe,
            0xfd..=0xff,
            epoch_high,
            epoch_low,
            ..,
            high,
            low,
        ] = header
        else {
            return None;
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        let is_known = (CHANGE_CIPHER_SPEC..=APPLICATION).contains(&kind);
        if !is_known || len > RECORD_MAX {
            return None;
        }
        let is_clear = (epoch_high, epoch_low) == (0, 0);
        let Some((content, behind)) = rest.split_at_checked(len) else {
            return Some(match kind {
                HANDSHAKE if is_clear => Ok(Content::CutHandshake(rest)),
                _ => Err(Cut),
            });
        };
        self.0 = behind;
        Some(Ok(match (kind, content) {
            (HANDSHAKE, content) if is_clear => Content::Handshake(content),
            (ALERT, &[level, description]) if is_clear => Content::Alert(level, description),
            _ => Content::Other,
        }))
    }
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    /// The type of the message.
    pub(super) kind: u8,
    /// The length of the message.
    pub(super) len: usize,
    /// The number of the message.
    pub(super) number: u16,
    /// Where in the message the bytes stand; all of them are within its length.
    pub(super) offset: usize,
    /// What is there of them.
    pub(super) bytes: &'a [u8],
}

/// The fragments of a record; [`None`] for one that lies about its lengths.
pub(super) struct Fragments<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fragments<'a> {
    type Item = Option<Fragment<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let (header, rest) = std::mem::take(&mut self.0).split_first_chunk::<FRAGMENT_HEADER>()?;
        let &[kind, l0, l1, l2, n0, n1, o0, o1, o2, f0, f1, f2] = header;
        let [len, offset, fragment_len] = [[0, l0, l1, l2], [0, o0, o1, o2], [0, f0, f1, f2]]
            .map(|bytes| u32::from_be_bytes(bytes) as usize);
        if offset + fragment_len > len {
            return Some(None);
        }
        let (bytes, behind) = rest.split_at(fragment_len.min(rest.len()));
        self.0 = behind;
        Some(Some(Fragment {
            kind,
            len,
            number: u16::from_be_bytes([n0, n1]),
            offset,
            bytes,
        }))
    }
}
