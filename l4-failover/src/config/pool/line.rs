//! How to speak SoupBinTCP to an endpoint.

use super::credentials;
use crate::config::kinds::{Shown, duration, one_of};
use crate::config::table::Table;
use crate::soupbin::packet::Credentials;
use std::time::Duration;

/// The keys of a target that only lines have.
const KEYS: [&str; 4] = ["username", "password_file", "version", "silence"];

const NOT_A_LINE: &str = "only a target of protocol = \"soupbintcp\" has this; give the port that \
     protocol, or remove it";

/// Less than a few round trips between data centres is none.
const SILENCE_MIN: Duration = Duration::from_millis(100);
const SILENCE_MAX: Duration = Duration::from_secs(5 * 60);

/// What versions 3.00 and 4.00 allow a client. A heartbeat is sent every second: a server that is
/// named a shorter time would only cut a line earlier that this process, or the network, holds up.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(15);

/// A version of SoupBinTCP, as far as the login differs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V3_0,
    V4_0,
    V4_1,
}

const VERSIONS: &[(&str, Version)] = &[
    ("3.0", Version::V3_0),
    ("4.0", Version::V4_0),
    ("4.1", Version::V4_1),
];

/// What a target of a feed says beyond other endpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Who logs in. `None`: the consumer.
    pub credentials: Option<Credentials>,
    /// Whether somebody is named, be it that the rest is wrong.
    pub is_user_named: bool,
    /// What a login of version 4.10 names. `None`: the login of the versions before.
    pub heartbeat_timeout: Option<Duration>,
    /// How long the line may be silent. `None`: as the others of the port.
    pub silence: Option<Duration>,
}

impl Line {
    pub(super) fn read(table: &mut Table<'_>) -> Self {
        let credentials = credentials::read(table, "the consumer logs in, as it did here");
        let version = table.with_default("version", one_of(VERSIONS), Version::V4_0);
        let silence = table.optional("silence", silence(), "that of the port");
        Self {
            credentials,
            is_user_named: table.has("username") || table.has("password_file"),
            heartbeat_timeout: match version {
                Version::V3_0 | Version::V4_0 => None,
                Version::V4_1 => Some(HEARTBEAT_TIMEOUT),
            },
            silence,
        }
    }
}

/// How long a line may be silent.
pub fn silence() -> impl Shown<Value = Duration> {
    duration(SILENCE_MIN..=SILENCE_MAX)
}

/// Notes the keys of lines in a target that is none.
pub(super) fn report_foreign(table: &Table<'_>) {
    for key in KEYS.into_iter().filter(|key| table.has(key)) {
        table.report(key, NOT_A_LINE);
    }
}
