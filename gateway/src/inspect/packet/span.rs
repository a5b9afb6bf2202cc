//! Bytes still to be looked into.

/// What is left of a frame: what was captured, and how much more there was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    pub(super) bytes: &'a [u8],
    /// How many bytes followed that were not captured.
    pub(super) cut: usize,
}

impl<'a> Span<'a> {
    pub(super) fn new(bytes: &'a [u8], wire_len: usize) -> Self {
        Self {
            bytes,
            cut: wire_len.saturating_sub(bytes.len()),
        }
    }

    /// How many bytes there were on the wire.
    pub(super) fn wire_len(self) -> usize {
        self.bytes.len() + self.cut
    }

    /// Takes a header off.
    pub(super) fn header<const N: usize>(self) -> Option<(&'a [u8; N], Self)> {
        let (header, bytes) = self.bytes.split_first_chunk()?;
        Some((header, Self { bytes, ..self }))
    }

    /// What is behind the first `len` bytes; those may have been cut off.
    pub(super) fn behind(self, len: usize) -> Self {
        let captured = len.min(self.bytes.len());
        Self {
            bytes: &self.bytes[captured..],
            cut: self.cut.saturating_sub(len - captured),
        }
    }

    /// As long as a length field says: what follows is padding. A field that says more than there
    /// was is believed, and the rest counts as cut.
    pub(super) fn limit(self, len: usize) -> Self {
        let captured = len.min(self.bytes.len());
        Self {
            bytes: &self.bytes[..captured],
            cut: len - captured,
        }
    }

    pub(super) fn first(self) -> Option<u8> {
        self.bytes.first().copied()
    }
}

/// A number of two bytes, at `at` of a header that is longer.
pub(super) fn u16_at(header: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}

/// A number of four bytes.
pub(super) fn u32_at(header: &[u8], at: usize) -> u32 {
    u32::from(u16_at(header, at)) << 16 | u32::from(u16_at(header, at + 2))
}
