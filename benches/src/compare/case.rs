//! What is compared: work, and how the proxies are set up for it.

use std::fmt;
use std::time::Duration;

use clap::ValueEnum;

use crate::greeting::Greeting;
use crate::plan::{Kind, Plan};
use crate::proxy::Peer;
use crate::work::{Balance, Bulk, Close, Direction, Hello, Latency, Ping, Short, Work};

/// A part of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Many bytes.
    Bulk,
    /// Connections of one byte each.
    Short,
    /// Small questions and answers.
    Ping,
    /// How much one worker on a CPU of its own can do.
    Rate,
    /// How late answers are at a steady rate.
    Latency,
    /// Connections that say nothing.
    Idle,
    /// Hellos that come in pieces.
    Hello,
    /// How evenly connections lie on the workers.
    Balance,
    /// Two proxies, one behind the other.
    Hops,
    /// Connections of one byte each, with a line for each.
    Log,
    /// The gateway alone: many routes, and their reload.
    Routes,
}

/// What the latency part needs to know beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Questions a second.
    pub(super) rate: u32,
    /// For how long they are asked.
    pub(super) lasts: Duration,
}

impl Part {
    /// All of them, in the order in which they are done and told.
    pub(super) const ALL: [Self; 11] = [
        Self::Bulk,
        Self::Short,
        Self::Ping,
        Self::Rate,
        Self::Latency,
        Self::Idle,
        Self::Hello,
        Self::Balance,
        Self::Hops,
        Self::Log,
        Self::Routes,
    ];

    /// What it is about.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Bulk => "Many bytes",
            Self::Short => "Short connections: connect, hello, one byte, close",
            Self::Ping => "Questions and answers, one at a time on each connection",
            Self::Rate => "One worker on a CPU of its own, clients and backends on the other",
            Self::Latency => "Answers at a steady rate, from when each question was due",
            Self::Idle => "Idle connections",
            Self::Hello => "Hellos in pieces",
            Self::Balance => "Balance over workers",
            Self::Hops => "Two hops: each program behind itself",
            Self::Log => "With a log of connections",
            Self::Routes => "Many routes (mesh-gateway alone)",
        }
    }

    /// Whether its load is set by what the slowest program can do.
    pub(super) fn needs_pace(self) -> bool {
        matches!(self, Self::Latency | Self::Routes)
    }

    /// Its cases.
    pub(super) fn cases(self, plan: &Plan, pace: Option<Pace>) -> Vec<Case> {
        let of = |scene, work: Vec<Work>| {
            let case = move |work| Case {
                part: self,
                work,
                scene,
            };
            work.into_iter().map(case).collect()
        };
        match self {
            Self::Bulk => of(Scene::Plain, plan.of(Kind::Bulk)),
            Self::Short => of(Scene::Plain, plan.of(Kind::Short)),
            Self::Ping => of(Scene::Plain, plan.of(Kind::Ping)),
            Self::Rate => of(Scene::Pinned, rate(plan)),
            Self::Latency => of(Scene::Plain, pace.map(latency).into_iter().collect()),
            Self::Idle => of(Scene::Plain, plan.of(Kind::Idle)),
            Self::Hello => of(Scene::Plain, hellos()),
            Self::Balance => of(Scene::Plain, vec![BALANCE]),
            Self::Hops => of(Scene::Hops, hops(plan)),
            Self::Log => of(Scene::Log, plan.of(Kind::Short)),
            Self::Routes => routes(plan, pace)
                .into_iter()
                .flat_map(|(scene, work)| of(scene, vec![work]))
                .collect(),
        }
    }
}

fn routes(plan: &Plan, pace: Option<Pace>) -> Vec<(Scene, Work)> {
    let work = Work::Short(Short {
        connections: plan.short,
        at_once: 16,
        close: Close::Fin,
    });
    let scenes = |pace| {
        let counts = plan.routes.iter();
        counts.map(move |count| {
            (
                Scene::Routes {
                    count: *count,
                    pace,
                },
                work,
            )
        })
    };
    pace.into_iter().flat_map(scenes).collect()
}

const BALANCE: Work = Work::Balance(Balance { connections: 1000 });

fn latency(Pace { rate, lasts }: Pace) -> Work {
    Work::Latency(Latency {
        connections: 64,
        rate,
        lasts,
    })
}

fn hellos() -> Vec<Work> {
    let connections = 100;
    let hello = |greeting| {
        Work::Hello(Hello {
            greeting,
            connections,
        })
    };
    Greeting::ALL.map(hello).into()
}

/// More at once than elsewhere: the worker should never wait for work.
fn rate(plan: &Plan) -> Vec<Work> {
    vec![
        Work::Short(Short {
            connections: plan.short,
            at_once: 64,
            close: Close::Fin,
        }),
        ping(plan, 64, 64),
    ]
}

/// The rows that tell most.
fn hops(plan: &Plan) -> Vec<Work> {
    let bulk = |connections| {
        Work::Bulk(Bulk {
            connections,
            direction: Direction::Down,
            bytes: plan.bytes,
        })
    };
    let short = plan.of(Kind::Short).into_iter();
    [bulk(1), bulk(16)]
        .into_iter()
        .chain(short)
        .chain([ping(plan, 64, 1), ping(plan, 64, 64)])
        .collect()
}

fn ping(plan: &Plan, bytes: usize, connections: usize) -> Work {
    Work::Ping(Ping {
        bytes,
        connections,
        questions: plan.questions,
    })
}

/// How the proxies are set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Two workers, no log of connections.
    Plain,
    /// One worker, which stays on one CPU; the load stays on another.
    Pinned,
    /// Two proxies, one behind the other.
    Hops,
    /// A line for each connection.
    Log,
    /// The gateway alone, with so many other routes, that it reloads at last.
    Routes { count: usize, pace: Pace },
}

/// One row of the comparison's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) part: Part,
    pub(super) work: Work,
    pub(super) scene: Scene,
}

impl Case {
    /// Whether it is measured of this one.
    pub(super) fn concerns(&self, peer: Peer) -> bool {
        peer == Peer::Gateway || !matches!(self.scene, Scene::Routes { .. })
    }

    /// Whether there is anything to measure without a proxy.
    pub(super) fn works_directly(&self) -> bool {
        let has_a_plain_row = matches!(self.scene, Scene::Hops | Scene::Log | Scene::Routes { .. });
        !has_a_plain_row && self.part != Part::Hello && self.work.works_directly()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, .. } = self;
        match self.scene {
            Scene::Plain => write!(f, "{work}"),
            Scene::Pinned => write!(f, "{work}, one worker"),
            Scene::Hops => write!(f, "{work}, two hops"),
            Scene::Log => write!(f, "{work}, logged"),
            Scene::Routes { count, .. } => write!(f, "{work}, {count} routes"),
        }
    }
}
