//! A line beside the joined one.

mod apart;
mod changes;
mod first;

use super::super::*;
use super::rig::{MS, Rig, SECOND};
use crate::soupbin::packet::Reject;

fn hot() -> JoinOptions {
    JoinOptions {
        standby: Standby::Hot,
        ..JoinOptions::default()
    }
}

/// Little is kept to compare a line by.
fn short() -> JoinOptions {
    JoinOptions {
        skew: 64 * 1024,
        ..hot()
    }
}

/// Who is not the same cuts the consumer.
fn strict() -> JoinOptions {
    JoinOptions {
        on_mismatch: OnMismatch::Close,
        ..hot()
    }
}

/// The messages of these numbers, as the server sends them that every line of a test leads to.
fn messages(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("message {number}")).collect()
}

impl Rig {
    fn numbers(&mut self, line: LineId, numbers: std::ops::Range<u64>) {
        for message in messages(numbers) {
            self.says(line, &Packet::Sequenced(message.as_bytes()));
        }
    }

    /// The numbers of the messages that the consumer got since this was asked last.
    fn got(&mut self) -> Vec<u64> {
        let told = self.told();
        let number = |it: &String| it.strip_prefix("S message ")?.parse().ok();
        told.iter().filter_map(number).collect()
    }

    fn stage(&self, target: u32) -> Option<&'static str> {
        let status = self.join.status(self.now);
        let mut lines = status.lines.iter();
        let line = lines.find(|it| it.target == Some(TargetId(target)))?;
        Some(line.stage.as_str())
    }

    fn is_verified(&self, target: u32) -> bool {
        let status = self.join.status(self.now);
        let mut lines = status.lines.iter();
        lines.any(|it| it.target == Some(TargetId(target)) && it.is_verified)
    }

    /// A consumer with two live lines, to targets 1 and 2, that stand at `next`.
    fn with_two(options: JoinOptions, next: u64) -> (Self, LineId, LineId) {
        let (mut rig, first) = Self::joined(options, 1, &[]);
        rig.numbers(first, 1..next);
        let second = rig.open(2);
        let asked = rig.login_of(second).sequence;
        rig.accept(second, "S", asked);
        rig.numbers(second, asked..next);
        assert_eq!(rig.stage(2), Some("standby"));
        assert_eq!(rig.got(), (1..next).collect::<Vec<_>>());
        rig.events.clear();
        (rig, first, second)
    }

    /// A consumer that has 99 messages of target 1, and a line to target 2 that is asked for the next,
    /// since it has none of those.
    fn with_one_that_has_nothing_old() -> (Self, LineId, LineId) {
        let (mut rig, first) = Self::joined(hot(), 1, &[]);
        rig.numbers(first, 1..100);
        let second = rig.open(2);
        rig.reject(second, Reject::SessionUnavailable);
        let second = rig.open(2);
        (rig, first, second)
    }

    /// Another line is preferred: the one to this target, which is there already.
    fn prefer(&mut self, target: u32) -> LineId {
        self.join.prefer_another(self.now);
        self.act();
        self.dial(target)
    }
}

fn all(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.collect()
}

fn frames(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let messages = messages(numbers);
    let frames = messages
        .iter()
        .map(|it| encoded(&Packet::Sequenced(it.as_bytes())));
    frames.flatten().collect()
}
