//! The forms of the names of services.

use std::fmt;
use std::str::FromStr;

pub(super) const WANTED: &str = "a pattern such as \"{service}.{datacenter}\"";
pub(super) const NOUN: &str = "patterns such as \"{service}.{datacenter}\"";
const SERVICE: &str = "{service}";
const DATACENTER: &str = "{datacenter}";

/// A form of names in which each placeholder stands once, as a label, the service first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// Why a text is not a [`Pattern`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A placeholder is missing, is there twice, or the order is wrong.
    #[error("{{service}} and then {{datacenter}} stand in it once each, as whole labels")]
    Placeholders,
    /// Another label could not be part of a name.
    #[error("every other label is made of a-z, 0-9, - and _")]
    Label,
}

impl Default for Pattern {
    fn default() -> Self {
        Self(format!("{SERVICE}.{DATACENTER}"))
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (placeholders, literals): (Vec<_>, Vec<_>) = text
            .split('.')
            .partition(|label| label.contains(['{', '}']));
        if placeholders != [SERVICE, DATACENTER] {
            return Err(PatternError::Placeholders);
        }
        match literals.into_iter().all(is_literal) {
            true => Ok(Self(text.to_owned())),
            false => Err(PatternError::Label),
        }
    }
}

fn is_literal(label: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=63).contains(&label.len()) && label.bytes().all(allowed)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_stand_once_in_order_as_labels() {
        for good in [
            "{service}.{datacenter}",
            "{service}.default.{datacenter}.internal.a_b.consul",
        ] {
            assert_eq!(good.parse(), Ok(Pattern(good.to_owned())));
        }
        for bad in [
            "",
            "{service}",
            "{datacenter}.{service}",
            "{service}.{service}.{datacenter}",
            "x{service}.{datacenter}",
            "{service}-{datacenter}",
            "{service}.{dc}",
        ] {
            assert_eq!(
                bad.parse::<Pattern>(),
                Err(PatternError::Placeholders),
                "{bad}"
            );
        }
        for bad in [
            "{service}..{datacenter}",
            "{service}.{datacenter}.",
            "{service}.A.{datacenter}",
        ] {
            assert_eq!(bad.parse::<Pattern>(), Err(PatternError::Label), "{bad}");
        }
    }
}
