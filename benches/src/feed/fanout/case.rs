//! Who is there, and what came of it.

use std::fmt;

use serde_json::{Value, json};

use crate::quantiles::Sorted;

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) consumers: usize,
    /// Whether there is one more, who takes nothing.
    pub(super) is_one_stalled: bool,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stalled = match self.is_one_stalled {
            true => " + 1 stalled",
            false => "",
        };
        write!(f, "{}{stalled}", self.consumers)
    }
}

/// What a round of a case came to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// Deliveries a second.
    pub(super) rate: f64,
    /// CPU seconds of l4-failover for a million deliveries.
    pub(super) cpu: f64,
    /// Microseconds from the first consumer that has a message to the last: p50, p99.
    pub(super) skew: [f64; 2],
    /// Microseconds from the schedule to a consumer: p99.9.
    pub(super) late: f64,
    /// Bytes of l4-failover for each consumer beyond the first; none with one alone.
    pub(super) memory: Option<f64>,
}

/// What a case came to.
#[derive(Clone, Debug)]
pub(in super::super) struct Fanout {
    pub(super) case: Case,
    pub(super) rounds: Vec<Round>,
}

impl Fanout {
    pub(in super::super) fn name(&self) -> String {
        self.case.to_string()
    }

    /// Deliveries a second, of each round.
    pub(in super::super) fn rates(&self) -> Sorted {
        self.values(|it| it.rate)
    }

    /// CPU seconds of l4-failover for a million deliveries; µs from the schedule, p99.9.
    pub(in super::super) fn costs(&self) -> [Sorted; 2] {
        [self.values(|it| it.cpu), self.values(|it| it.late)]
    }

    /// µs from the first consumer to the last, p50 and p99; none with one alone.
    pub(in super::super) fn skews(&self) -> Option<[Sorted; 2]> {
        let is_many = self.case.consumers > 1;
        is_many.then(|| [0, 1].map(|at| self.values(|it| it.skew[at])))
    }

    /// kB of l4-failover for each consumer; none with one alone.
    pub(in super::super) fn memory(&self) -> Option<Sorted> {
        let each = self.rounds.iter().filter_map(|it| it.memory);
        let each = Sorted::of(each.map(|it| it / 1e3));
        (!each.values().is_empty()).then_some(each)
    }

    fn values(&self, of: impl Fn(&Round) -> f64) -> Sorted {
        Sorted::of(self.rounds.iter().map(of))
    }

    pub(in super::super) fn json(&self) -> Value {
        let each = |of: fn(&Round) -> Value| self.rounds.iter().map(of).collect::<Vec<_>>();
        json!({
            "consumers": self.case.consumers,
            "one_stalled": self.case.is_one_stalled,
            "deliveries_per_second": each(|it| it.rate.into()),
            "cpu_seconds_per_million": each(|it| it.cpu.into()),
            "skew_us_p50_p99": each(|it| it.skew.to_vec().into()),
            "late_us_p999": each(|it| it.late.into()),
            "memory_bytes_per_consumer": each(|it| it.memory.into()),
        })
    }
}

/// All cases, of which nothing is known yet.
pub(super) fn cases(consumers: &[usize]) -> Vec<Fanout> {
    let case = |consumers, is_one_stalled| Fanout {
        case: Case {
            consumers,
            is_one_stalled,
        },
        rounds: Vec::new(),
    };
    let both = |consumers: &usize| [false, true].map(|stalled| case(*consumers, stalled));
    consumers.iter().flat_map(both).collect()
}
