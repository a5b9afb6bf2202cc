//! What the gateway should reach beside its peers.

use std::fmt;

use super::case::{Case, Scene};
use crate::proxy::Peer;
use crate::work::Work;

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
    /// Its own with the fewest routes: the number of routes should not matter.
    FewestRoutes,
    /// It stands by itself: the bound is one of the figure, and not of a ratio.
    Nobody,
}

/// A bound of a ratio, or of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    pub(super) fn value(self) -> f64 {
        match self {
            Self::AtMost(bound) | Self::AtLeast(bound) => bound,
        }
    }

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

/// Which values of a figure are better; by its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
    /// It says something about the other figures.
    Neither,
}

impl Better {
    pub(super) fn of(unit: &str) -> Self {
        match unit {
            "/s" | "Gbit/s" | "%" => Self::More,
            "% of a CPU" => Self::Neither,
            // CPU, time, memory, and how far the fullest worker is above the mean.
            _ => Self::Less,
        }
    }

    /// The best of these; none where there is no better.
    pub(super) fn of_all(self, values: impl Iterator<Item = f64>) -> Option<f64> {
        match self {
            Self::More => values.max_by(f64::total_cmp),
            Self::Less => values.min_by(f64::total_cmp),
            Self::Neither => None,
        }
    }
}

/// The aims for a figure of a case; most figures have none.
pub(super) fn aims(case: &Case, what: &str) -> Vec<Aim> {
    use Beside::{Best, FewestRoutes, Nobody, Peer as Of};
    use Bound::{AtLeast, AtMost};
    let aim = |beside, bound| Aim { beside, bound };
    match (case.scene, &case.work, what) {
        (Scene::Pinned, _, "rate") => vec![aim(Best, AtLeast(1.1))],
        (Scene::Pinned, ..) => Vec::new(),
        (_, Work::Bulk(_), "CPU") => vec![
            aim(Of(Peer::Haproxy), AtMost(0.5)),
            aim(Of(Peer::Envoy), AtMost(0.6)),
        ],
        (_, Work::Bulk(_), "throughput") => vec![
            aim(Of(Peer::Haproxy), AtLeast(1.3)),
            aim(Of(Peer::Envoy), AtLeast(1.0)),
        ],
        (Scene::Routes { .. }, _, "reload") => vec![aim(Nobody, AtMost(1000.0))],
        (Scene::Routes { .. }, _, "latest answer while it reloads") => {
            vec![aim(Nobody, AtMost(10.0))]
        }
        (Scene::Routes { .. }, Work::Short(_), "CPU") => vec![aim(FewestRoutes, AtMost(1.1))],
        (Scene::Routes { .. }, ..) => Vec::new(),
        (_, Work::Short(_), "CPU") => vec![aim(Best, AtMost(0.85))],
        (_, Work::Ping(_), "CPU") => vec![aim(Best, AtMost(0.9))],
        (_, Work::Latency(_), "time, p99") => vec![aim(Best, AtMost(1.0))],
        (_, Work::Idle(_), _) => vec![aim(Best, AtMost(0.65))],
        (_, Work::Hello(_), _) => vec![aim(Nobody, AtLeast(100.0))],
        (_, Work::Balance(_), _) => vec![aim(Nobody, AtMost(1.1))],
        _ => Vec::new(),
    }
}
