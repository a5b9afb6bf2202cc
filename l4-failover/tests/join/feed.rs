//! What the servers serve: messages by number, made of a seed, more of them as time goes by.

use std::time::Duration;

/// A session's messages.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(crate) seed: u64,
    /// How many there are at the start.
    pub(crate) head_start: u64,
    /// Between one message and the next.
    pub(crate) pace: Duration,
    /// No message comes after this one, and the session ends.
    pub(crate) last: u64,
}

impl Feed {
    /// The number of the message that comes next, at this time.
    pub(crate) fn head(&self, time: Duration) -> u64 {
        let more = time.as_micros() / self.pace.as_micros();
        (1 + self.head_start + more as u64).min(self.last + 1)
    }

    /// The message: now and then the same as the one before, empty, or large.
    pub(crate) fn message(&self, number: u64) -> Vec<u8> {
        let group = if number % 9 == 5 { number - 1 } else { number };
        let mut random = fastrand::Rng::with_seed(self.seed ^ group.wrapping_mul(0x9e37_79b9));
        let length = match random.u32(0..600) {
            0 => random.usize(2000..30_000),
            1..60 => random.usize(100..400),
            _ => random.usize(0..40),
        };
        let mut message = group.to_be_bytes().to_vec();
        message.resize_with(8 + length, || random.u8(..));
        if group % 50 == 11 {
            message.clear();
        }
        message
    }

    /// The message of a server that says something else.
    pub(crate) fn other(&self, number: u64) -> Vec<u8> {
        let mut message = self.message(number);
        message.push(b'!');
        message
    }
}
