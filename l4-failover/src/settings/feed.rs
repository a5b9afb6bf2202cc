//! What a port of protocol soupbintcp says beyond others.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::fanout;
use crate::config::{Line, Shown, Table, duration, flag, one_of, silence, size};
use crate::soupbin::bridge::FeedOptions;
use crate::soupbin::join::{
    JoinOptions, LineOptions, OnGap, OnMismatch, OnUnverified, Standby, Unsequenced,
};

/// Less than a few round trips between data centres is none.
const WAIT_MIN: Duration = Duration::from_millis(100);
/// Consumers give up on a login, and books are stale, long before.
const WAIT_MAX: Duration = Duration::from_secs(5 * 60);
/// Consumers send a heartbeat every second: with less, one that is late would be cut.
const CONSUMER_SILENCE_MIN: Duration = Duration::from_secs(2);
const CONSUMER_SILENCE_MAX: Duration = Duration::from_secs(3600);
/// Two lost heartbeats: servers send one every second.
const SILENCE: Duration = Duration::from_secs(3);
/// Long enough for a consumer that collects its garbage, and short enough that nobody takes a
/// stopped one for a reader.
const STALL: Duration = Duration::from_secs(10);
/// Less is less than one read of a line may bring; more is minutes of the busiest feeds, and each
/// consumer may have it.
const SKEW: RangeInclusive<usize> = 64 * 1024..=1024 * 1024 * 1024;

/// The keys that only such a port has.
const KEYS: [&str; 16] = [
    "standby",
    "on_mismatch",
    "skew",
    "on_unverified",
    "on_gap",
    "unsequenced",
    "server_unsequenced",
    "login_wait",
    "catch_up",
    "max_outage",
    "consumer_silence",
    "stall",
    "silence",
    "history",
    "history_messages",
    "consumer",
];

/// The keys that such a port has no use for.
const PLAIN_KEYS: [&str; 5] = [
    "on_failover",
    "on_failback",
    "on_endpoint_down",
    "drain_timeout",
    "failback_ramp",
];

const NOT_A_FEED: &str =
    "only a port of protocol = \"soupbintcp\" has this; set that protocol, or remove it";
const NOT_PLAIN: &str = "this says what becomes of sessions that cannot move; consumers of a \
     feed are carried from line to line; remove it";

const STANDBYS: &[(&str, Standby)] = &[("cold", Standby::Cold), ("hot", Standby::Hot)];
const MISMATCHES: &[(&str, OnMismatch)] =
    &[("report", OnMismatch::Report), ("close", OnMismatch::Close)];
const UNVERIFIED: &[(&str, OnUnverified)] = &[
    ("refuse", OnUnverified::Refuse),
    ("join", OnUnverified::Join),
];
const GAPS: &[(&str, OnGap)] = &[("close", OnGap::Close), ("report", OnGap::Report)];
const UNSEQUENCED: &[(&str, Unsequenced)] = &[
    ("active", Unsequenced::Active),
    ("subscribe", Unsequenced::Subscribe),
];

/// Reads the keys of a feed; those of its lines come [later](with_lines).
pub(super) fn read(table: &mut Table<'_>) -> FeedOptions {
    let join = join(table);
    let stall = table.with_default("stall", wait(), STALL);
    let silence = table.with_default("silence", silence(), SILENCE);
    let fanout = fanout::read(table);
    FeedOptions {
        join,
        stall,
        other_lines: LineOptions {
            silence,
            ..LineOptions::default()
        },
        lines: Vec::new(),
        fanout,
    }
}

/// The same with these lines.
pub(super) fn with_lines(feed: FeedOptions, lines: Vec<(String, Line)>) -> FeedOptions {
    let silence = feed.other_lines.silence;
    let line = |(name, line): (String, Line)| {
        let options = LineOptions {
            credentials: line.credentials,
            heartbeat_timeout: line.heartbeat_timeout,
            silence: line.silence.unwrap_or(silence),
        };
        (name, options)
    };
    FeedOptions {
        lines: lines.into_iter().map(line).collect(),
        ..feed
    }
}

fn join(table: &mut Table<'_>) -> JoinOptions {
    let default = JoinOptions::default();
    let consumer = duration(CONSUMER_SILENCE_MIN..=CONSUMER_SILENCE_MAX);
    let server_unsequenced = default.server_unsequenced;
    JoinOptions {
        standby: table.with_default("standby", one_of(STANDBYS), default.standby),
        on_mismatch: table.with_default("on_mismatch", one_of(MISMATCHES), default.on_mismatch),
        skew: table.with_default("skew", size(SKEW), default.skew),
        on_unverified: table.with_default(
            "on_unverified",
            one_of(UNVERIFIED),
            default.on_unverified,
        ),
        on_gap: table.with_default("on_gap", one_of(GAPS), default.on_gap),
        unsequenced: table.with_default("unsequenced", one_of(UNSEQUENCED), default.unsequenced),
        server_unsequenced: table.with_default("server_unsequenced", flag(), server_unsequenced),
        login_wait: table.with_default("login_wait", wait(), default.login_wait),
        catch_up: table.with_default("catch_up", wait(), default.catch_up),
        max_outage: table.with_default("max_outage", wait(), default.max_outage),
        consumer_silence: table.with_default(
            "consumer_silence",
            consumer,
            default.consumer_silence,
        ),
    }
}

fn wait() -> impl Shown<Value = Duration> {
    duration(WAIT_MIN..=WAIT_MAX)
}

/// Notes keys of feeds in a port that is none.
pub(super) fn report_not_a_feed(table: &Table<'_>) {
    for key in KEYS.into_iter().filter(|key| table.has(key)) {
        table.report(key, NOT_A_FEED);
    }
}

/// Notes keys of plain ports in a feed.
pub(super) fn report_not_plain(table: &Table<'_>) {
    for key in PLAIN_KEYS.into_iter().filter(|key| table.has(key)) {
        table.report(key, NOT_PLAIN);
    }
}

/// The words of a feed's options, as a file writes them without quotes.
pub(super) struct FeedWords {
    pub(super) on_mismatch: &'static str,
    pub(super) on_unverified: &'static str,
    pub(super) on_gap: &'static str,
    pub(super) unsequenced: &'static str,
}

impl FeedWords {
    pub(super) fn of(join: &JoinOptions) -> Self {
        Self {
            on_mismatch: word(MISMATCHES, join.on_mismatch),
            on_unverified: word(UNVERIFIED, join.on_unverified),
            on_gap: word(GAPS, join.on_gap),
            unsequenced: word(UNSEQUENCED, join.unsequenced),
        }
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], value: T) -> &'static str {
    let found = words.iter().find(|(_, known)| *known == value);
    found.map_or("", |(word, _)| word)
}
