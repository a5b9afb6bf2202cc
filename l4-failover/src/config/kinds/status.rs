//! Status codes of HTTP.

use super::{Kind, Shown};
use crate::config::node::Node;
use std::ops::RangeInclusive;
use toml::de::DeValue;

/// Those of an answer: what is lower comes before one.
const CODES: RangeInclusive<u16> = 200..=599;
const WANTED: &str = "a status from 200 to 599, a range such as \"200-299\", or a list of these";

/// Status codes: one, a range `"200-299"`, or a list of these.
pub fn statuses() -> impl Shown<Value = Vec<RangeInclusive<u16>>> {
    Statuses
}

struct Statuses;

impl Kind for Statuses {
    type Value = Vec<RangeInclusive<u16>>;

    fn wanted(&self) -> String {
        WANTED.to_owned()
    }

    fn read(&self, node: &Node<'_>) -> Option<Self::Value> {
        if !node.value.is_array() {
            return one(node).map(|range| vec![range]);
        }
        let nodes = node.elements(|| WANTED.to_owned())?;
        if nodes.is_empty() {
            node.report("the list is empty, and no answer would be good; give a status");
        }
        Some(nodes.iter().filter_map(one).collect())
    }

    fn range(&self) -> Option<String> {
        Some("from 200 to 599".to_owned())
    }
}

impl Shown for Statuses {
    fn show(&self, ranges: &Self::Value) -> String {
        let show = |range: &RangeInclusive<u16>| match (range.start(), range.end()) {
            (low, high) if low == high => low.to_string(),
            (low, high) => format!("\"{low}-{high}\""),
        };
        let ranges: Vec<_> = ranges.iter().map(show).collect();
        format!("[{}]", ranges.join(", "))
    }
}

fn one(node: &Node<'_>) -> Option<RangeInclusive<u16>> {
    let parsed = match node.value {
        DeValue::String(text) => range(text),
        DeValue::Integer(code) => code.as_str().parse().ok().map(|code| code..=code),
        _ => None,
    };
    let known = parsed.filter(|range| {
        CODES.contains(range.start()) && CODES.contains(range.end()) && !range.is_empty()
    });
    if known.is_none() {
        node.expected(WANTED);
    }
    known
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (low, high) = text.split_once('-')?;
    Some(low.parse().ok()?..=high.parse().ok()?)
}
