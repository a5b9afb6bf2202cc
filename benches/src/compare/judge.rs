//! Aims held against figures.

use serde_json::{Value, json};

use std::fmt;

use super::aim::{Aim, Beside, Better, Bound, aims};
use super::case::{Case, Scene};
use super::ratio::Ratio;
use crate::proxy::Peer;
use crate::quantiles::Sorted;
use crate::report::{Report, Row};

/// An aim, and what became of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged<'a> {
    pub(super) row: Row<'a>,
    pub(super) ours: f64,
    /// Whose figure stands beside ours, and what it is; none where the bound is of ours alone.
    pub(super) beside: Option<(Other, f64)>,
    /// Of the two; or ours alone.
    pub(super) ratio: Ratio,
    pub(super) bound: Bound,
}

/// Whose figure stands beside ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    Peer(Peer),
    /// Our own, with so many routes.
    Routes(usize),
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Peer(peer) => peer.fmt(f),
            Self::Routes(count) => write!(f, "{count} routes"),
        }
    }
}

/// Judges all aims for which there are figures of both sides.
pub(super) fn judge<'a>(report: &'a Report, cases: &[Case], peers: &[Peer]) -> Vec<Judged<'a>> {
    let mut judged = Vec::new();
    for row in report.rows() {
        let case = cases.iter().find(|case| case.to_string() == row.work);
        let aims = case.map_or(Vec::new(), |case| aims(case, row.what));
        let fewest = fewest(cases);
        judged.extend(
            aims.iter()
                .filter_map(|aim| one(report, row, *aim, peers, fewest)),
        );
    }
    judged
}

/// The case with the fewest routes, and how many those are.
fn fewest(cases: &[Case]) -> Option<(usize, &Case)> {
    let counted = cases.iter().filter_map(|case| match case.scene {
        Scene::Routes { count, .. } => Some((count, case)),
        Scene::Plain | Scene::Pinned | Scene::Hops | Scene::Log => None,
    });
    counted.min_by_key(|(count, _)| *count)
}

fn one<'a>(
    report: &'a Report,
    row: Row<'a>,
    aim: Aim,
    peers: &[Peer],
    fewest: Option<(usize, &Case)>,
) -> Option<Judged<'a>> {
    let ours = report.values(Peer::Gateway.name(), row)?;
    let of = |peer: Peer| Some((Other::Peer(peer), report.values(peer.name(), row)?));
    let other = match aim.beside {
        Beside::Best => Some(of(best(report, row, peers)?)?),
        Beside::Peer(peer) => Some(of(peer)?),
        Beside::FewestRoutes => {
            let (count, case) = fewest?;
            let work = case.to_string();
            // It is no aim of those themselves.
            let others = Some(work.as_str()).filter(|work| *work != row.work)?;
            let row = Row {
                work: others,
                ..row
            };
            let theirs = report.values(Peer::Gateway.name(), row)?;
            Some((Other::Routes(count), theirs))
        }
        Beside::Nobody => None,
    };
    let (beside, ratio) = match other {
        Some((other, theirs)) => (Some((other, median(theirs))), Ratio::of(ours, theirs)),
        None => (None, Ratio::of(ours, &vec![1.0; ours.len()])),
    };
    Some(Judged {
        row,
        ours: median(ours),
        beside,
        ratio,
        bound: aim.bound,
    })
}

/// Who of the others does best.
fn best(report: &Report, row: Row<'_>, peers: &[Peer]) -> Option<Peer> {
    let others = peers.iter().filter(|it| **it != Peer::Gateway);
    let known = others.filter_map(|it| Some((*it, median(report.values(it.name(), row)?))));
    let known: Vec<(Peer, f64)> = known.collect();
    let best = Better::of(row.unit).of_all(known.iter().map(|it| it.1))?;
    Some(known.into_iter().find(|it| it.1 == best)?.0)
}

pub(super) fn median(values: &[f64]) -> f64 {
    Sorted::of(values.iter().copied()).median()
}

impl Judged<'_> {
    pub(super) fn is_met(&self) -> bool {
        self.bound.holds(self.ratio.value)
    }

    /// Whether the whole interval says the same.
    pub(super) fn is_sure(&self) -> bool {
        [self.ratio.low, self.ratio.high].map(|it| self.bound.holds(it)) == [self.is_met(); 2]
    }

    pub(super) fn verdict(&self) -> &'static str {
        match (self.is_met(), self.is_sure()) {
            (true, true) => "**met**",
            (true, false) => "met, within the noise",
            (false, true) => "**missed**",
            (false, false) => "missed, within the noise",
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "work": self.row.work,
            "figure": self.row.what,
            "beside": self.beside.map(|(other, _)| other.to_string()),
            "ratio": self.ratio.value,
            "interval": [self.ratio.low, self.ratio.high],
            "aim": self.bound.to_string(),
            "is_met": self.is_met(),
            "is_sure": self.is_sure(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::Reading;

    fn report(values: [(&str, f64); 3]) -> Report {
        let mut report = Report::default();
        for (subject, value) in values {
            let (what, unit) = ("CPU", "µs each");
            let readings = [Reading { what, unit, value }];
            report.add(subject, "short", &readings);
        }
        report
    }

    #[test]
    fn the_best_of_the_others_is_found_and_held_against_us() {
        let report = report([("mesh-gateway", 8.0), ("HAProxy", 10.0), ("Envoy", 20.0)]);
        let row = report.rows()[0];
        assert_eq!(best(&report, row, &Peer::ALL), Some(Peer::Haproxy));
        let (beside, bound) = (Beside::Best, Bound::AtMost(0.85));
        let judged = one(&report, row, Aim { beside, bound }, &Peer::ALL, None).unwrap();
        assert_eq!(
            (judged.beside, judged.ratio.value),
            (Some((Other::Peer(Peer::Haproxy), 10.0)), 0.8)
        );
        assert_eq!(judged.verdict(), "**met**");
        let bound = Bound::AtMost(0.7);
        let judged = one(&report, row, Aim { beside, bound }, &Peer::ALL, None).unwrap();
        assert_eq!(judged.verdict(), "**missed**");
    }

    #[test]
    fn a_peer_that_is_not_there_is_not_judged() {
        let report = report([("mesh-gateway", 8.0), ("HAProxy", 10.0), ("direct", 1.0)]);
        let row = report.rows()[0];
        let (beside, bound) = (Beside::Peer(Peer::Envoy), Bound::AtMost(1.0));
        assert!(one(&report, row, Aim { beside, bound }, &Peer::ALL, None).is_none());
        assert_eq!(best(&report, row, &Peer::ALL), Some(Peer::Haproxy));
    }
}
