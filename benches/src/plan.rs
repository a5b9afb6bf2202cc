//! Which work is done, and how much of it.

use clap::ValueEnum;

use crate::work::{Bulk, Close, Direction, Idle, Ping, Short, Work};

/// A kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Connections that say nothing.
    Idle,
    /// Many bytes.
    Bulk,
    /// Connections of one byte each.
    Short,
    /// Small questions and answers.
    Ping,
}

/// How much of which work.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often all of it is done.
    pub rounds: usize,
    /// Only these kinds; all, if there is none.
    pub only: Vec<Kind>,
    /// Idle connections.
    pub idle: usize,
    /// Bytes of one bulk transfer.
    pub bytes: u64,
    /// Short connections.
    pub short: u64,
    /// Questions.
    pub questions: usize,
}

impl Plan {
    /// As much as gives steady figures.
    #[must_use]
    pub fn full() -> Self {
        Self {
            rounds: 5,
            only: Vec::new(),
            idle: 2000,
            bytes: 2_000_000_000,
            short: 6000,
            questions: 20_000,
        }
    }

    /// As little as shows that all of it works, and about what it costs.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            rounds: 2,
            only: Vec::new(),
            idle: 500,
            bytes: 500_000_000,
            short: 1500,
            questions: 5000,
        }
    }

    /// Whether work of this kind is asked for.
    #[must_use]
    pub fn wants(&self, kind: Kind) -> bool {
        self.only.is_empty() || self.only.contains(&kind)
    }

    /// The work of one round.
    pub fn work(&self) -> impl Iterator<Item = Work> {
        const KINDS: [Kind; 4] = [Kind::Idle, Kind::Bulk, Kind::Short, Kind::Ping];
        let wanted = KINDS.into_iter().filter(|kind| self.wants(*kind));
        wanted.flat_map(|kind| self.of(kind))
    }

    fn of(&self, kind: Kind) -> Vec<Work> {
        match kind {
            Kind::Idle => vec![Work::Idle(Idle {
                connections: self.idle,
            })],
            Kind::Bulk => self.bulk(),
            Kind::Short => [Close::Fin, Close::Rst]
                .map(|close| self.short(close))
                .into(),
            Kind::Ping => [1, 8, 64]
                .map(|connections| {
                    Work::Ping(Ping {
                        connections,
                        questions: self.questions,
                    })
                })
                .into(),
        }
    }

    fn bulk(&self) -> Vec<Work> {
        let mut work = Vec::new();
        for direction in [Direction::Down, Direction::Up] {
            for connections in [1, 16] {
                work.push(Work::Bulk(Bulk {
                    connections,
                    direction,
                    bytes: self.bytes,
                }));
            }
        }
        work
    }

    fn short(&self, close: Close) -> Work {
        Work::Short(Short {
            connections: self.short,
            at_once: 16,
            close,
        })
    }
}
