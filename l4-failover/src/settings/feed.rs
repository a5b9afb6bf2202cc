//! What a port of protocol soupbintcp says beyond others.

use std::time::Duration;

use crate::config::{Line, Shown, Table, checked, duration, flag, one_of, silence};
use crate::soupbin::join::{JoinOptions, LineOptions, OnGap, OnUnverified, Unsequenced};

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

/// The keys that only such a port has.
const KEYS: [&str; 11] = [
    "standby",
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
const COLD_ONLY: &str = "this version has cold standby only, which logs in to a line when it is \
     needed; write \"cold\", or remove it";

/// What becomes of the lines that nobody is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standby {
    Cold,
    Hot,
}

const STANDBYS: &[(&str, Standby)] = &[("cold", Standby::Cold), ("hot", Standby::Hot)];
const UNVERIFIED: &[(&str, OnUnverified)] = &[
    ("refuse", OnUnverified::Refuse),
    ("join", OnUnverified::Join),
];
const GAPS: &[(&str, OnGap)] = &[("close", OnGap::Close), ("report", OnGap::Report)];
const UNSEQUENCED: &[(&str, Unsequenced)] = &[
    ("active", Unsequenced::Active),
    ("subscribe", Unsequenced::Subscribe),
];

/// How a port carries its consumers from line to line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedOptions {
    /// How each consumer is carried.
    pub join: JoinOptions,
    /// How long a consumer may take no byte of what waits for it; then it is cut.
    pub stall: Duration,
    /// How to speak to a line of which [`lines`](Self::lines) says nothing.
    pub other_lines: LineOptions,
    /// How to speak to the lines, by the names of their endpoints
    /// ([`Endpoint::name`](crate::Endpoint::name)), in the order of the file.
    pub lines: Vec<(String, LineOptions)>,
}

impl FeedOptions {
    /// Reads the keys of a feed; those of its lines come [later](Self::with_lines).
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let hot = |standby: &Standby| (*standby == Standby::Hot).then(|| COLD_ONLY.to_owned());
        table.with_default("standby", checked(one_of(STANDBYS), hot), Standby::Cold);
        let join = join(table);
        let stall = table.with_default("stall", wait(), STALL);
        let silence = table.with_default("silence", silence(), SILENCE);
        Self {
            join,
            stall,
            other_lines: LineOptions {
                silence,
                ..LineOptions::default()
            },
            lines: Vec::new(),
        }
    }

    /// The same with these lines.
    pub(super) fn with_lines(self, lines: Vec<(String, Line)>) -> Self {
        let silence = self.other_lines.silence;
        let line = |(name, line): (String, Line)| {
            let options = LineOptions {
                credentials: line.credentials,
                heartbeat_timeout: line.heartbeat_timeout,
                silence: line.silence.unwrap_or(silence),
            };
            (name, options)
        };
        Self {
            lines: lines.into_iter().map(line).collect(),
            ..self
        }
    }

    /// How to speak to the line of this endpoint.
    ///
    /// ```
    /// use l4_failover::settings::{Protocol, Settings};
    /// use std::time::Duration;
    ///
    /// let settings = Settings::parse("l4-failover.toml", r#"
    ///     [[port]]
    ///     name = "itch-feed"
    ///     listen = "127.0.0.1:19100"
    ///     primary = ["127.0.0.1:9000"]
    ///     backup = [{ address = "127.0.0.1:9001", version = "4.1", silence = "5s" }]
    ///     protocol = "soupbintcp"
    /// "#)?;
    /// let Protocol::SoupBinTcp(feed) = &settings.ports[0].protocol else { unreachable!() };
    /// assert_eq!(feed.line("127.0.0.1:9000").silence, Duration::from_secs(3));
    /// let backup = feed.line("127.0.0.1:9001");
    /// assert_eq!(backup.silence, Duration::from_secs(5));
    /// assert_eq!(backup.heartbeat_timeout, Some(Duration::from_secs(15)));
    /// # Ok::<(), l4_failover::config::Diagnostics>(())
    /// ```
    #[must_use]
    pub fn line(&self, endpoint: &str) -> LineOptions {
        let mut lines = self.lines.iter();
        let found = lines.find(|(name, _)| name == endpoint);
        found.map_or(self.other_lines, |(_, options)| *options)
    }
}

fn join(table: &mut Table<'_>) -> JoinOptions {
    let default = JoinOptions::default();
    let consumer = duration(CONSUMER_SILENCE_MIN..=CONSUMER_SILENCE_MAX);
    let server_unsequenced = default.server_unsequenced;
    JoinOptions {
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
    pub(super) on_unverified: &'static str,
    pub(super) on_gap: &'static str,
    pub(super) unsequenced: &'static str,
}

impl FeedWords {
    pub(super) fn of(join: &JoinOptions) -> Self {
        Self {
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
