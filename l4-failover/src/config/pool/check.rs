//! How the endpoints of a pool are checked.

use super::{Ends, credentials, tls};
use crate::config::kinds::{
    Kind, Shown, checked, duration, integer, one_of, or_table, parsed, statuses, text,
};
use crate::config::table::Table;
use crate::probe::{CheckOptions, HttpProbe, Probe, SoupBinProbe};
use std::time::Duration;

/// What holds without a type.
pub(super) const ABSENCE: &str = "tls where there is a server name, tcp elsewhere";

const WAIT_MIN: Duration = Duration::from_millis(10);
/// Half of the shortest interval, which is its default timeout, and less.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);
const TIMEOUT_MAX: Duration = Duration::from_secs(5 * 60);
const INTERVAL_MAX: Duration = Duration::from_secs(3600);
/// More results in a row than this decide nothing in time.
const IN_A_ROW_MAX: u32 = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Tcp,
    Tls,
    Http,
    SoupBinTcp,
    None,
}

const TYPES: &[(&str, Type)] = &[
    ("tcp", Type::Tcp),
    ("tls", Type::Tls),
    ("http", Type::Http),
    ("soupbintcp", Type::SoupBinTcp),
    ("none", Type::None),
];

/// Those of endpoints that take what clients speak as it comes: of names, and thus of TLS.
const TYPES_OF_PASSED: &[(&str, Type)] = &[
    ("tcp", Type::Tcp),
    ("tls", Type::Tls),
    ("http", Type::Http),
    ("none", Type::None),
];

/// What only a check of type http has.
const HTTP_KEYS: [&str; 4] = ["path", "host", "status", "body"];

/// What only a check of type soupbintcp has.
const SOUPBIN_KEYS: [&str; 3] = ["username", "password_file", "session"];

const NO_LOGIN: &str = "a check of type \"soupbintcp\" logs in, and needs a username and a \
     password_file of its own: many feeds allow a user one login, and with the consumers' a check \
     would push them out";

/// A type alone, or a table that says more.
pub(super) fn check(ends: Ends) -> impl Kind<Value = CheckOptions> {
    let (types, read): (_, fn(&mut Table<'_>) -> Option<CheckOptions>) = match ends {
        Ends::Passed => (TYPES_OF_PASSED, read_of_passed),
        Ends::Tls | Ends::Lines => (TYPES, read_any),
    };
    let alone = |word: &Type| (*word == Type::SoupBinTcp).then(|| NO_LOGIN.to_owned());
    or_table(checked(one_of(types), alone), of_type, read)
}

/// Notes what is in force of the check of a pool, as far as `table` does not say it; `is_tls` says of
/// each endpoint whether it is asked for TLS.
pub(super) fn hold(
    table: &Table<'_>,
    check: &CheckOptions,
    mut is_tls: impl Iterator<Item = bool> + Clone,
) {
    if table.leaves_out("check", "type") {
        let word = match check.probe {
            // Asked for by `check.tls`.
            Some(_) => "tls",
            None if is_tls.clone().all(|it| !it) => "tcp",
            None if is_tls.all(|it| it) => "tls",
            None => ABSENCE,
        };
        table.holds_of("check", |check| {
            check.holds("type", || format!("{word:?}"));
        });
    }
    if !table.has("check") {
        table.holds_of("check", |check| read(check, None, None));
    }
}

fn of_type(word: Type) -> CheckOptions {
    CheckOptions {
        probe: probe(word, HttpProbe::default(), None),
        ..CheckOptions::default()
    }
}

fn probe(word: Type, http: HttpProbe, soupbin: Option<SoupBinProbe>) -> Option<Probe> {
    Some(match word {
        Type::Tcp => Probe::Tcp,
        Type::Tls => Probe::Tls,
        Type::Http => Probe::Http(http),
        Type::SoupBinTcp => Probe::SoupBinTcp(soupbin?),
        Type::None => Probe::None,
    })
}

fn read_of_passed(table: &mut Table<'_>) -> Option<CheckOptions> {
    let word = table.optional("type", one_of(TYPES_OF_PASSED), ABSENCE);
    read(table, word, None)
}

fn read_any(table: &mut Table<'_>) -> Option<CheckOptions> {
    let word = table.optional("type", one_of(TYPES), ABSENCE);
    let keys = SOUPBIN_KEYS.into_iter().filter(|key| table.has(key));
    if table.sound("type") && word != Some(Type::SoupBinTcp) {
        keys.for_each(|key| table.report(key, only("soupbintcp")));
    } else if word == Some(Type::SoupBinTcp) && !table.has("username") {
        table.report("type", NO_LOGIN);
    }
    let credentials = credentials::read(table, "there is none");
    let session = parsed("the name of a session");
    let session = table.optional("session", session, "the one that is active");
    let soupbin = credentials.map(|credentials| SoupBinProbe {
        credentials,
        session: session.unwrap_or_default(),
    });
    read(table, word, soupbin)
}

fn only(of: &str) -> String {
    format!("only a check of type {of:?} has this; write type = {of:?}, or remove it")
}

fn read(
    table: &mut Table<'_>,
    word: Option<Type>,
    soupbin: Option<SoupBinProbe>,
) -> Option<CheckOptions> {
    let pace = Pace::read(table);
    let row = || integer(1..=IN_A_ROW_MAX);
    let default = CheckOptions::default();
    let rise = table.with_default("rise", row(), default.rise);
    let fall = table.with_default("fall", row(), default.fall);
    let port = table.optional("port", integer(1..=u16::MAX), "the endpoint's own");
    let http = http(table);
    let tls = table.optional_table("tls", tls::read);
    report_foreign(table, word);
    let word = word.or(tls.is_some().then_some(Type::Tls));
    Some(CheckOptions {
        probe: word.and_then(|word| probe(word, http, soupbin)),
        interval: pace.interval,
        fast_interval: pace.fast_interval,
        timeout: pace.timeout,
        rise,
        fall,
        port,
        tls,
    })
}

/// How often, and for how long.
struct Pace {
    interval: Duration,
    fast_interval: Duration,
    timeout: Duration,
}

impl Pace {
    fn read(table: &mut Table<'_>) -> Self {
        let default = CheckOptions::default();
        let intervals = || duration(WAIT_MIN..=INTERVAL_MAX);
        let interval = table.with_default("interval", intervals(), default.interval);
        let fast = default.fast_interval.min(interval);
        let fast_interval = table.with_default("fast_interval", intervals(), fast);
        let timeouts = duration(TIMEOUT_MIN..=TIMEOUT_MAX);
        let timeout = table.with_default("timeout", timeouts, default.timeout.min(interval / 2));
        let pace = Self {
            interval,
            fast_interval,
            timeout,
        };
        pace.report(table);
        pace
    }

    fn report(&self, table: &Table<'_>) {
        let timeouts = duration(TIMEOUT_MIN..=TIMEOUT_MAX);
        if !table.sound("interval") {
            return;
        }
        let interval = timeouts.show(&self.interval);
        let timeout = timeouts.show(&self.timeout);
        if self.timeout >= self.interval {
            let message = format!(
                "{timeout} is not less than interval, {interval}: a check would still wait when \
                 the next is due; lower it or raise interval"
            );
            table.report("timeout", message);
        }
        if self.fast_interval > self.interval {
            let fast = timeouts.show(&self.fast_interval);
            let message =
                format!("{fast} is more than interval, {interval}; lower it or raise interval");
            table.report("fast_interval", message);
        }
    }
}

fn http(table: &mut Table<'_>) -> HttpProbe {
    let default = HttpProbe::default();
    let path = checked(text(), |path| wrong_path(path));
    let path = table.optional("path", path, "\"/\"");
    let host = checked(text(), |host| wrong_host(host));
    let status = table.optional("status", statuses(), "\"200-299\"");
    HttpProbe {
        path: path.unwrap_or(default.path),
        host: table.optional(
            "host",
            host,
            "the server name, or else the endpoint's address",
        ),
        status: status.unwrap_or(default.status),
        body: table.optional("body", text(), "any will do"),
    }
}

fn wrong_path(path: &str) -> Option<String> {
    let sendable = path
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'#');
    (!path.starts_with('/') || !sendable).then(|| {
        format!("{path:?} is no path of a request: it starts with \"/\", without blanks or \"#\"")
    })
}

fn wrong_host(host: &str) -> Option<String> {
    let sendable = host
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'/');
    (!sendable).then(|| format!("{host:?} is not the name of a host"))
}

/// Notes keys that a check of this type has no use for.
fn report_foreign(table: &Table<'_>, word: Option<Type>) {
    if !table.sound("type") {
        return;
    }
    if word != Some(Type::Http) {
        for key in HTTP_KEYS.into_iter().filter(|key| table.has(key)) {
            table.report(key, only("http"));
        }
    }
    if matches!(word, Some(Type::Tcp | Type::None)) && table.has("tls") {
        let message =
            "a check of type \"tcp\" or \"none\" speaks no TLS; change type, or remove this";
        table.report("tls", message);
    }
    if word == Some(Type::None) && table.has("port") {
        table.report(
            "port",
            "without a check no port is checked; change type, or remove this",
        );
    }
}
