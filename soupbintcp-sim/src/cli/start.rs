//! When a session started, as it is typed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads `@1763640000`, or with up to six digits of a fraction.
pub(super) fn start(text: &str) -> Result<SystemTime, String> {
    let expected = || {
        "expected @ and the seconds since 1970, such as @1763640000 or @1763640000.25, to the \
         microsecond at most"
            .to_owned()
    };
    let number = text.strip_prefix('@').ok_or_else(expected)?;
    let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_number =
        |digits: &str| !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
    if !is_number(seconds) || !is_number(fraction) || fraction.len() > 6 {
        return Err(expected());
    }
    let seconds: u64 = seconds.parse().map_err(|_| expected())?;
    let micros: u32 = format!("{fraction:0<6}").parse().map_err(|_| expected())?;
    let since = Duration::new(seconds, micros * 1000);
    UNIX_EPOCH.checked_add(since).ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_are_read_to_the_microsecond() {
        let after = |text| start(text).unwrap().duration_since(UNIX_EPOCH).unwrap();
        assert_eq!(after("@1763640000"), Duration::from_secs(1_763_640_000));
        assert_eq!(after("@1.25"), Duration::from_micros(1_250_000));
        assert_eq!(after("@1.000001"), Duration::from_micros(1_000_001));
        for wrong in [
            "1763640000",
            "@",
            "@-1",
            "@1.",
            "@1.0000001",
            "@x",
            "@99999999999999999999",
        ] {
            assert!(
                start(wrong).unwrap_err().starts_with("expected @ and"),
                "{wrong}"
            );
        }
    }
}
