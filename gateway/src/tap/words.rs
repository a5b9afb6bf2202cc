//! The words in which ends are told.

use crate::access::{Denied, Excess};
use crate::error::{Error, PROXY_HEADER};
use crate::hello::ReadError;
use crate::outcome::{Cause, Outcome, Phase};
use crate::route::RouteError;

/// Reasons that dials, replays and relays give, and those that are a cause too.
const OTHERS: [&str; 18] = [
    "unreachable",
    "none_healthy",
    "full",
    "connect_timeout",
    "resource",
    "circle",
    "replay_timeout",
    "reset",
    "user_timeout",
    "linger",
    "idle",
    "failover",
    "failback",
    "endpoint_down",
    "done",
    "drain",
    "operator",
    "abandon",
];

pub(super) fn phases() -> impl Iterator<Item = &'static str> {
    Phase::ALL.into_iter().map(Phase::as_str)
}

pub(super) fn causes() -> impl Iterator<Item = &'static str> {
    Cause::ALL.into_iter().map(Cause::as_str)
}

pub(super) fn reasons() -> impl Iterator<Item = &'static str> {
    let hello = ReadError::REASONS.into_iter();
    let early = [PROXY_HEADER, Outcome::LISTENER_DENIED.reason];
    let early = hello.chain(early).chain(Excess::REASONS);
    let route = [Error::CROWDED].into_iter().chain(RouteError::REASONS);
    early.chain(route).chain([Denied::REASON]).chain(OTHERS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/interfaces.md");

    #[test]
    fn reasons_are_those_of_the_document() {
        let (_, section) = DOCUMENT.split_once("\nReasons: ").unwrap();
        let section = section.split("\n\n").next().unwrap();
        let documented = section.split('`').skip(1).step_by(2);
        // One stands in an explanation.
        let documented = documented.filter(|it| *it != "proxy_from");
        let documented: BTreeSet<_> = documented.collect();
        assert_eq!(reasons().collect::<BTreeSet<_>>(), documented);
    }
}
