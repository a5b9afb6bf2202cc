//! The fields of a message: what they mean, and how they stand on the wire.

use std::fmt;

/// A field of fixed size.
pub(super) trait Field: Sized {
    /// Bytes on the wire.
    const SIZE: usize;

    /// Writes itself into exactly [`SIZE`](Self::SIZE) bytes.
    fn put(&self, out: &mut [u8]);

    /// Reads itself from exactly [`SIZE`](Self::SIZE) bytes; none if they mean nothing.
    fn take(bytes: &[u8]) -> Option<Self>;
}

macro_rules! integers {
    ($($type:ty),*) => { $(
        impl Field for $type {
            const SIZE: usize = size_of::<$type>();

            fn put(&self, out: &mut [u8]) {
                out.copy_from_slice(&self.to_be_bytes());
            }

            fn take(bytes: &[u8]) -> Option<Self> {
                Some(Self::from_be_bytes(bytes.try_into().ok()?))
            }
        }
    )* };
}

integers!(u8, u16, u32, u64);

impl<const N: usize> Field for [u8; N] {
    const SIZE: usize = N;

    fn put(&self, out: &mut [u8]) {
        out.copy_from_slice(self);
    }

    fn take(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

macro_rules! newtypes {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl Field for $name {
            const SIZE: usize = <$inner>::SIZE;

            fn put(&self, out: &mut [u8]) {
                self.0.put(out);
            }

            fn take(bytes: &[u8]) -> Option<Self> {
                <$inner>::take(bytes).map(Self)
            }
        }
    )* };
}

newtypes! {
    /// A price in ten-thousandths of a dollar. Shown as `12.3400`.
    Price(u32);
    /// A price in hundred-millionths of a dollar; only the levels of market-wide halts have it.
    Price8(u64);
    /// Names an order for the whole day; 0 where there is no displayed order.
    OrderReference(u64);
    /// Names an execution for the whole day.
    MatchNumber(u64);
}

impl fmt::Display for Price {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

/// Nanoseconds since midnight, 48 bits wide: up to 78 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// What 48 bits can say.
    pub const MAX: Self = Self((1 << 48) - 1);

    /// That many nanoseconds after midnight, modulo 2⁴⁸.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos & Self::MAX.0)
    }

    /// Nanoseconds since midnight, below 2⁴⁸.
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

impl Field for Timestamp {
    const SIZE: usize = 6;

    fn put(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0.to_be_bytes()[2..]);
    }

    fn take(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; 6] = bytes.try_into().ok()?;
        let [a, b, c, d, e, f] = bytes;
        Some(Self(u64::from_be_bytes([0, 0, a, b, c, d, e, f])))
    }
}

/// A stock's symbol: 1 to 8 visible ASCII characters, padded with spaces on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stock([u8; 8]);

/// Why a text is no symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stock's symbol has 1 to 8 visible ASCII characters")]
pub struct StockError;

impl Stock {
    /// Reads a symbol as people write it.
    ///
    /// # Errors
    ///
    /// If it is empty, longer than 8 characters, or has others than visible ASCII.
    pub fn parse(symbol: &str) -> Result<Self, StockError> {
        let symbol = symbol.as_bytes();
        if symbol.is_empty() || symbol.len() > 8 || !symbol.iter().all(u8::is_ascii_graphic) {
            return Err(StockError);
        }
        let mut padded = [b' '; 8];
        padded[..symbol.len()].copy_from_slice(symbol);
        Ok(Self(padded))
    }

    /// The symbol without its padding.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default().trim_end()
    }
}

impl fmt::Display for Stock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Debug for Stock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl Field for Stock {
    const SIZE: usize = 8;

    fn put(&self, out: &mut [u8]) {
        out.copy_from_slice(&self.0);
    }

    fn take(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        Self::parse(text.trim_end_matches(' ')).ok()
    }
}
