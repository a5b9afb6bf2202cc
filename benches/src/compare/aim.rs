//! What the gateway should reach beside its peers.

use std::fmt;

use super::case::{Case, Part};
use crate::proxy::Peer;

/// An aim for one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Aim {
    pub(super) beside: Beside,
    pub(super) bound: Bound,
}

/// What the gateway's figure is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// That of whichever peer does best.
    Best,
    /// That of one peer.
    Peer(Peer),
}

/// A bound of a ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    pub(super) fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(bound) => value <= bound,
            Self::AtLeast(bound) => value >= bound,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "≤ {bound}"),
            Self::AtLeast(bound) => write!(f, "≥ {bound}"),
        }
    }
}

/// Whether more of a figure is better; of times, memory and CPU less is.
pub(super) fn more_is_better(unit: &str) -> bool {
    matches!(unit, "/s" | "Gbit/s" | "%")
}

/// The aims for a figure of a case; most figures have none.
pub(super) fn aims(case: &Case, what: &str) -> Vec<Aim> {
    use Beside::{Best, Peer as Of};
    use Bound::{AtLeast, AtMost};
    let aim = |beside, bound| Aim { beside, bound };
    match (case.part, what) {
        (Part::Bulk, "proxy's CPU") => vec![
            aim(Of(Peer::Haproxy), AtMost(0.5)),
            aim(Of(Peer::Envoy), AtMost(0.6)),
        ],
        (Part::Bulk, "throughput") => vec![
            aim(Of(Peer::Haproxy), AtLeast(1.3)),
            aim(Of(Peer::Envoy), AtLeast(1.0)),
        ],
        (Part::Short, "proxy's CPU") => vec![aim(Best, AtMost(0.85))],
        (Part::Ping, "proxy's CPU") => vec![aim(Best, AtMost(0.9))],
        (Part::Idle, _) => vec![aim(Best, AtMost(0.65))],
        _ => Vec::new(),
    }
}
