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

impl Kind {
    /// All of them, in the order in which they are done.
    pub const ALL: [Self; 4] = [Self::Idle, Self::Bulk, Self::Short, Self::Ping];
}

/// How much of which work.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How often all of it is done.
    pub rounds: usize,
    /// Idle connections; work of its own for each number.
    pub idle: Vec<usize>,
    /// Bytes of one bulk transfer.
    pub bytes: u64,
    /// Which ways bulk goes.
    pub directions: Vec<Direction>,
    /// Short connections.
    pub short: u64,
    /// Questions.
    pub questions: usize,
    /// Bytes of a question, and connections; work of its own for each pair.
    pub pings: Vec<(usize, usize)>,
    /// Routes beside the one that is asked for; work of its own for each number.
    pub routes: Vec<usize>,
}

impl Plan {
    /// As much as gives steady figures.
    #[must_use]
    pub fn full() -> Self {
        Self {
            rounds: 5,
            idle: vec![2000],
            bytes: 2_000_000_000,
            directions: vec![Direction::Down, Direction::Up],
            short: 6000,
            questions: 20_000,
            pings: vec![(64, 1), (64, 8), (64, 64)],
            routes: Vec::new(),
        }
    }

    /// As little as shows that all of it works, and about what it costs.
    #[must_use]
    pub fn quick() -> Self {
        Self {
            rounds: 2,
            idle: vec![500],
            bytes: 500_000_000,
            short: 1500,
            questions: 5000,
            ..Self::full()
        }
    }

    /// The work of one round, of one kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> Vec<Work> {
        match kind {
            Kind::Idle => self.idle(),
            Kind::Bulk => self.bulk(),
            Kind::Short => [Close::Fin, Close::Rst]
                .map(|close| self.short(close))
                .into(),
            Kind::Ping => self.ping(),
        }
    }

    fn idle(&self) -> Vec<Work> {
        let work = |connections: &usize| {
            Work::Idle(Idle {
                connections: *connections,
            })
        };
        self.idle.iter().map(work).collect()
    }

    fn bulk(&self) -> Vec<Work> {
        let mut work = Vec::new();
        for direction in &self.directions {
            for connections in [1, 16] {
                work.push(Work::Bulk(Bulk {
                    connections,
                    direction: *direction,
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

    fn ping(&self) -> Vec<Work> {
        let work = |(bytes, connections): &(usize, usize)| {
            Work::Ping(Ping {
                bytes: *bytes,
                connections: *connections,
                questions: self.questions,
            })
        };
        self.pings.iter().map(work).collect()
    }
}
