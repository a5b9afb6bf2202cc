//! Numbers from numbers: the same for ever, on every machine.
//!
//! Written here, and not taken from a crate, because message n must have the same bytes in every
//! version of this program; a crate may change its stream with a release.

/// Spreads a number over 64 bits: the finaliser of `splitmix64`.
pub(super) const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// One number from a seed and the place where it is used.
pub(super) const fn hash(seed: u64, place: u64) -> u64 {
    mix(seed ^ mix(place.wrapping_add(0x9e37_79b9_7f4a_7c15)))
}

/// A stream of numbers: `splitmix64`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, almost evenly: `bound` is far below 2³².
    pub(super) const fn below(&mut self, bound: u32) -> u32 {
        scale(self.next() >> 32, bound)
    }
}

/// 32 random bits as a number below `bound`.
pub(super) const fn scale(bits: u64, bound: u32) -> u32 {
    (((bits & 0xffff_ffff) * bound as u64) >> 32) as u32
}
