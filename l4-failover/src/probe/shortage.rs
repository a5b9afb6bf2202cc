//! A bound on what is said of this process's own want.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// One line within this time: a process without descriptors must not fill its disk as well.
const EVERY: Duration = Duration::from_secs(10);

/// Says when a line may be written, and how many were not.
#[derive(Debug, Default)]
pub(super) struct Quiet(Mutex<Silence>);

#[derive(Debug, Default)]
struct Silence {
    until: Duration,
    left_out: u64,
}

impl Quiet {
    /// Whether a line may be written at `now`: with how many were left out since the last one.
    pub(super) fn admit(&self, now: Duration) -> Option<u64> {
        let mut silence = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now < silence.until {
            silence.left_out += 1;
            return None;
        }
        silence.until = now + EVERY;
        Some(std::mem::take(&mut silence.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_tells_of_the_many_that_were_left_out() {
        let (quiet, s) = (Quiet::default(), Duration::from_secs);
        assert_eq!(quiet.admit(s(0)), Some(0));
        assert_eq!((quiet.admit(s(1)), quiet.admit(s(9))), (None, None));
        assert_eq!(quiet.admit(s(10)), Some(2));
        assert_eq!(quiet.admit(s(20)), Some(0));
    }
}
