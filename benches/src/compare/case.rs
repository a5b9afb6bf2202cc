//! What is compared: work, and how the proxies are set up for it.

use std::fmt;

use clap::ValueEnum;

use crate::plan::{Kind, Plan};
use crate::work::Work;

/// A part of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Many bytes.
    Bulk,
    /// Connections of one byte each.
    Short,
    /// Small questions and answers.
    Ping,
    /// Connections that say nothing.
    Idle,
}

impl Part {
    /// All of them, in the order in which they are done and told.
    pub(super) const ALL: [Self; 4] = [Self::Bulk, Self::Short, Self::Ping, Self::Idle];

    /// Its cases.
    pub(super) fn cases(self, plan: &Plan) -> Vec<Case> {
        let cases = |work: Vec<Work>, scene| {
            let case = move |work| Case {
                part: self,
                work,
                scene,
            };
            work.into_iter().map(case).collect()
        };
        match self {
            Self::Bulk => cases(plan.of(Kind::Bulk), Scene::Plain),
            Self::Short => cases(plan.of(Kind::Short), Scene::Plain),
            Self::Ping => cases(plan.of(Kind::Ping), Scene::Plain),
            Self::Idle => cases(plan.of(Kind::Idle), Scene::Plain),
        }
    }
}

/// How the proxies are set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scene {
    /// Two workers, no log of connections.
    Plain,
}

/// One row of the comparison's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) part: Part,
    pub(super) work: Work,
    pub(super) scene: Scene,
}

impl Case {
    /// Whether there is anything to measure without a proxy.
    pub(super) fn works_directly(&self) -> bool {
        self.scene == Scene::Plain && self.work.works_directly()
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { work, .. } = self;
        match self.scene {
            Scene::Plain => write!(f, "{work}"),
        }
    }
}
