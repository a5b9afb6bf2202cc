//! When a pool moves, and how a tier shares its load.

use crate::choice::{Balance, Dial, Failback, NoneHealthy, Policy, Sessions};
use crate::config::kinds::{Shown, duration, one_of, or_word};
use crate::config::table::Table;
use std::time::Duration;

/// Drains and ramps shorter than this are none.
const WAIT_MIN: Duration = Duration::from_millis(10);
const DAY: Duration = Duration::from_secs(24 * 3600);

const DIALS: &[(&str, Dial)] = &[("any", Dial::Any), ("active", Dial::Active)];
const FAILBACKS: &[(&str, Failback)] = &[("auto", Failback::Auto), ("manual", Failback::Manual)];
const SESSIONS: &[(&str, Sessions)] = &[
    ("keep", Sessions::Keep),
    ("drain", Sessions::Drain),
    ("close", Sessions::Close),
];
const NONE_HEALTHY: &[(&str, NoneHealthy)] =
    &[("try", NoneHealthy::Try), ("refuse", NoneHealthy::Refuse)];
const BALANCES: &[(&str, Balance)] = &[
    ("round_robin", Balance::RoundRobin),
    ("least_connections", Balance::LeastConnections),
    ("two_random_choices", Balance::TwoRandomChoices),
    ("source_hash", Balance::SourceHash),
];

/// The words of a policy, as a file writes them without quotes.
pub struct PolicyWords {
    /// `balance`.
    pub balance: &'static str,
    /// `dial`.
    pub dial: &'static str,
    /// `failback`.
    pub failback: &'static str,
    /// `on_failover`.
    pub on_failover: &'static str,
    /// `on_failback`.
    pub on_failback: &'static str,
    /// `on_endpoint_down`.
    pub on_endpoint_down: &'static str,
    /// `when_none_healthy`.
    pub when_none_healthy: &'static str,
}

impl PolicyWords {
    /// How a file says what `policy` is.
    pub fn of(policy: &Policy) -> Self {
        Self {
            balance: word(BALANCES, policy.balance),
            dial: word(DIALS, policy.dial),
            failback: word(FAILBACKS, policy.failback),
            on_failover: word(SESSIONS, policy.on_failover),
            on_failback: word(SESSIONS, policy.on_failback),
            on_endpoint_down: word(SESSIONS, policy.on_endpoint_down),
            when_none_healthy: word(NONE_HEALTHY, policy.when_none_healthy),
        }
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    let found = words.iter().find(|(_, known)| *known == value);
    found.map_or("", |(word, _)| word)
}

/// Reads the policy but for `balance`; `failback` holds where the file says nothing of it.
pub(super) fn read(table: &mut Table<'_>, failback: Failback, balance: Balance) -> Policy {
    let default = Policy::default();
    let refusal = default.when_none_healthy;
    let drain = duration(WAIT_MIN..=DAY);
    let policy = Policy {
        dial: table.with_default("dial", one_of(DIALS), default.dial),
        failback: table.with_default("failback", one_of(FAILBACKS), failback),
        hold_down: table.with_default("hold_down", time(), default.hold_down),
        hold_down_max: table.with_default("hold_down_max", time(), default.hold_down_max),
        flap_window: table.with_default("flap_window", time(), default.flap_window),
        on_failover: sessions(table, "on_failover", default.on_failover),
        on_failback: sessions(table, "on_failback", default.on_failback),
        on_endpoint_down: sessions(table, "on_endpoint_down", default.on_endpoint_down),
        drain_timeout: table.with_default("drain_timeout", drain, default.drain_timeout),
        failback_ramp: ramp(table, "failback_ramp"),
        when_none_healthy: table.with_default("when_none_healthy", one_of(NONE_HEALTHY), refusal),
        slow_start: ramp(table, "slow_start"),
        balance,
    };
    // Where hold_down exceeds the default, the default gives way; what the file says does not.
    if table.has("hold_down_max") {
        let hold_down = ("hold_down", &policy.hold_down);
        table.at_least(("hold_down_max", &policy.hold_down_max), hold_down, time());
    }
    policy
}

/// How the endpoints of a tier share its load.
pub(super) fn balance(table: &mut Table<'_>) -> Balance {
    table.with_default("balance", one_of(BALANCES), Policy::default().balance)
}

/// The same where one endpoint to a tier is the rule.
pub(super) fn balance_if_any(table: &mut Table<'_>) -> Option<Balance> {
    table.optional(
        "balance",
        one_of(BALANCES),
        "each is a tier of its own, in order",
    )
}

fn time() -> impl Shown<Value = Duration> {
    duration(Duration::ZERO..=DAY)
}

fn sessions(table: &mut Table<'_>, key: &'static str, default: Sessions) -> Sessions {
    table.with_default(key, one_of(SESSIONS), default)
}

fn ramp(table: &mut Table<'_>, key: &'static str) -> Option<Duration> {
    table.with_default(key, or_word("off", duration(WAIT_MIN..=DAY)), None)
}
