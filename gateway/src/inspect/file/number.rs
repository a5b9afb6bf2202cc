//! Numbers in files that may be of either byte order.

/// The order in which a file has the bytes of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The two bytes of `bytes` at `at`, which must be there.
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let pair = [bytes[at], bytes[at + 1]];
        match self {
            Self::Little => u16::from_le_bytes(pair),
            Self::Big => u16::from_be_bytes(pair),
        }
    }

    /// The four bytes of `bytes` at `at`, which must be there.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        match self {
            Self::Little => u32::from_le_bytes(four),
            Self::Big => u32::from_be_bytes(four),
        }
    }

    /// The eight bytes of `bytes` at `at`, which must be there, with a sign.
    pub(super) fn i64(self, bytes: &[u8], at: usize) -> i64 {
        let (first, second) = (self.u32(bytes, at), self.u32(bytes, at + 4));
        let (high, low) = match self {
            Self::Little => (second, first),
            Self::Big => (first, second),
        };
        (u64::from(high) << 32 | u64::from(low)).cast_signed()
    }
}

/// A length of a file, which has four bytes, as one of memory.
pub(super) fn len(of: u32) -> usize {
    usize::try_from(of).unwrap_or(usize::MAX)
}
