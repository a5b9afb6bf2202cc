//! Numbers with bounds: counts, durations, sizes.

use super::{Kind, Shown};
use crate::config::node::Node;
use bytesize::ByteSize;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;
use toml::de::DeValue;

/// A whole number within `range`.
pub fn integer<N>(range: RangeInclusive<N>) -> impl Shown<Value = N>
where
    N: Copy + Display + PartialOrd + TryFrom<i128>,
{
    Bounded {
        noun: "an integer",
        range,
        parse: parse_integer,
        show: |number: &N| number.to_string(),
    }
}

/// A length of time in quotes with its unit, such as `"5s"` or `"1m 30s"`, within `range`.
pub fn duration(range: RangeInclusive<Duration>) -> impl Shown<Value = Duration> {
    Bounded {
        noun: "a duration in quotes with its unit,",
        range,
        parse: |value| humantime::parse_duration(value.as_str()?).ok(),
        show: |time| format!("\"{}\"", humantime::format_duration(*time)),
    }
}

/// A number of bytes in quotes with its unit, such as `"16KiB"`, within `range`.
pub fn size(range: RangeInclusive<usize>) -> impl Shown<Value = usize> {
    Bounded {
        noun: "a size in quotes with its unit,",
        range,
        parse: parse_size,
        show: show_size,
    }
}

/// A value with an order, and bounds.
struct Bounded<T> {
    noun: &'static str,
    range: RangeInclusive<T>,
    parse: fn(&DeValue<'_>) -> Option<T>,
    show: fn(&T) -> String,
}

impl<T> Bounded<T> {
    fn bounds(&self) -> String {
        let [low, high] = [self.range.start(), self.range.end()].map(self.show);
        format!("from {low} to {high}")
    }
}

impl<T: Clone + PartialOrd> Kind for Bounded<T> {
    type Value = T;

    fn wanted(&self) -> String {
        format!("{} {}", self.noun, self.bounds())
    }

    fn read(&self, node: &Node<'_>) -> Option<T> {
        let value = (self.parse)(node.value).filter(|value| self.range.contains(value));
        if value.is_none() {
            node.expected(&self.wanted());
        }
        value
    }

    fn range(&self) -> Option<String> {
        Some(self.bounds())
    }
}

impl<T: Clone + PartialOrd> Shown for Bounded<T> {
    fn show(&self, value: &T) -> String {
        (self.show)(value)
    }
}

fn parse_integer<N: TryFrom<i128>>(value: &DeValue<'_>) -> Option<N> {
    let integer = value.as_integer()?;
    let number = i128::from_str_radix(integer.as_str(), integer.radix()).ok()?;
    N::try_from(number).ok()
}

/// A bare number is refused: it does not say whether it counts bytes or kilobytes.
fn parse_size(value: &DeValue<'_>) -> Option<usize> {
    let text = value.as_str().filter(|text| text.ends_with(['B', 'b']))?;
    let size: ByteSize = text.parse().ok()?;
    usize::try_from(size.as_u64()).ok()
}

/// The size in its greatest binary unit that leaves no fraction.
fn show_size(bytes: &usize) -> String {
    let units = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = |&&(shift, _): &&(u32, &str)| *bytes > 0 && bytes.trailing_zeros() >= shift;
    match units.iter().find(whole) {
        Some((shift, unit)) => format!("\"{}{unit}\"", bytes >> shift),
        None => format!("\"{bytes}B\""),
    }
}
