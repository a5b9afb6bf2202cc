//! What the configuration file of `l4-failover` may say of a feed, and what is said about one that
//! is wrong.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::time::Duration;

use l4_failover::choice::Failback;
use l4_failover::probe::{Probe, SoupBinProbe};
use l4_failover::settings::{Flags, Port, Protocol, Settings, describe};
use l4_failover::soupbin::bridge::FeedOptions;
use l4_failover::soupbin::join::{
    JoinOptions, LineOptions, OnGap, OnMismatch, OnUnverified, Standby, Unsequenced,
};
use l4_failover::soupbin::packet::Credentials;
use tempfile::TempDir;

/// The smallest file of a feed that the documentation promises to work.
const MINIMAL: &str = r#"[admin]
address = "127.0.0.1:19001"

[[port]]
name = "itch-feed"
listen = "127.0.0.1:19100"
primary = ["127.0.0.1:9000"]
backup = ["127.0.0.1:9001"]
protocol = "soupbintcp"
"#;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn parse(text: &str) -> Port {
    let settings = Settings::parse("f.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    { settings.ports }.remove(0)
}

fn feed(port: &Port) -> &FeedOptions {
    match &port.protocol {
        Protocol::SoupBinTcp(feed) => feed,
        Protocol::Tcp => panic!("no feed"),
    }
}

/// The minimal file with further lines for its port.
fn with(lines: &str) -> String {
    format!("{MINIMAL}{lines}\n")
}

/// The minimal file with another primary, and further lines.
fn with_primary(primary: &str, lines: &str) -> String {
    with(lines).replace("[\"127.0.0.1:9000\"]", &format!("[{primary}]"))
}

fn mistakes(text: &str) -> Vec<String> {
    let mistakes = Settings::parse("f.toml", text).expect_err("this is wrong");
    mistakes.iter().map(ToString::to_string).collect()
}

/// A file of this content.
fn file(dir: &TempDir, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = dir.path().join(name);
    fs::write(&path, content).unwrap();
    path.display().to_string()
}

#[test]
fn the_minimal_feed_loads_with_every_default() {
    let port = parse(MINIMAL);
    assert_eq!(port.pool.policy.failback, Failback::Manual);
    let feed = feed(&port);
    assert_eq!(feed.join, JoinOptions::default());
    assert_eq!((feed.stall, feed.lines.len()), (seconds(10), 2));
    for endpoint in ["127.0.0.1:9000", "127.0.0.1:9001", "elsewhere:1"] {
        assert_eq!(feed.line(endpoint), LineOptions::default());
    }
}

#[test]
fn flags_make_a_feed_too() {
    let flags = Flags {
        listen: "127.0.0.1:19100".to_owned(),
        primary: vec!["127.0.0.1:9000".to_owned()],
        backup: vec!["127.0.0.1:9001".to_owned()],
        protocol: Some("soupbintcp".to_owned()),
        admin: Some("127.0.0.1:19001".to_owned()),
        ..Flags::default()
    };
    let file = MINIMAL.replace("\"itch-feed\"", "\"port\"");
    let settings = Settings::from_flags(flags).unwrap();
    assert_eq!(settings.ports, [parse(&file)]);
}

#[test]
fn every_key_of_a_feed_is_read() {
    let port = parse(&with(
        r#"standby = "hot"
on_mismatch = "close"
skew = "1MiB"
on_unverified = "join"
on_gap = "report"
unsequenced = "subscribe"
server_unsequenced = true
login_wait = "1s"
catch_up = "2s"
max_outage = "4s"
consumer_silence = "1m"
stall = "6s"
silence = "7s"
failback = "auto""#,
    ));
    let join = JoinOptions {
        standby: Standby::Hot,
        on_mismatch: OnMismatch::Close,
        skew: 1024 * 1024,
        on_unverified: OnUnverified::Join,
        on_gap: OnGap::Report,
        unsequenced: Unsequenced::Subscribe,
        server_unsequenced: true,
        login_wait: seconds(1),
        catch_up: seconds(2),
        max_outage: seconds(4),
        consumer_silence: seconds(60),
    };
    assert_eq!(port.pool.policy.failback, Failback::Auto);
    assert_eq!((&feed(&port).join, feed(&port).stall), (&join, seconds(6)));
    assert_eq!(feed(&port).line("127.0.0.1:9001").silence, seconds(7));
}

#[test]
fn each_line_has_options_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let password = file(&dir, "password", "secret\n");
    let text = with_primary(
        &format!(
            "'a:1', {{ address = 'b:1', username = 'FEED01', password_file = '{password}', \
             version = '4.1', silence = '1s' }}, {{ address = 'c:1', version = '3.0', \
             tls = {{ server_name = 'feed.dc2' }} }}"
        ),
        "silence = '5s'",
    );
    let port = parse(&text);
    let feed = feed(&port);
    let plain = LineOptions {
        silence: seconds(5),
        ..LineOptions::default()
    };
    let own = LineOptions {
        credentials: Some(Credentials::new("FEED01", "secret").unwrap()),
        heartbeat_timeout: Some(seconds(15)),
        silence: seconds(1),
    };
    let names = ["a:1", "b:1", "c:1/feed.dc2", "127.0.0.1:9001"];
    assert_eq!(
        feed.lines,
        names
            .into_iter()
            .map(str::to_owned)
            .zip([plain, own, plain, plain])
            .collect::<Vec<_>>()
    );
    assert_eq!(feed.line("b:1"), own);
}

#[test]
fn a_password_is_shown_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let password = file(&dir, "password", "s3cr3t");
    let line = format!("username = 'FEED01', password_file = '{password}'");
    let text = with_primary(
        &format!("{{ address = 'a:1', {line} }}"),
        &format!("check = {{ type = 'soupbintcp', {line} }}"),
    );
    let settings = Settings::parse("f.toml", &text).unwrap();
    let shown = format!("{settings:?}{}", describe(&settings));
    assert!(
        shown.contains("FEED01") && !shown.contains("s3cr3t"),
        "{shown}"
    );
}

#[test]
fn a_check_may_log_in_with_credentials_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let password = file(&dir, "password", "secret\r\n");
    let check = |more: &str| {
        let check = format!(
            "check = {{ type = 'soupbintcp', username = 'check1', password_file = '{password}'{more} }}"
        );
        parse(&with(&check)).pool.check.probe
    };
    let probe = |session: &str| {
        Some(Probe::SoupBinTcp(SoupBinProbe {
            credentials: Credentials::new("check1", "secret").unwrap(),
            session: session.parse().unwrap(),
        }))
    };
    assert_eq!(check(""), probe(""));
    assert_eq!(check(", session = ''"), probe(""));
    assert_eq!(check(", session = 'FEED000001'"), probe("FEED000001"));
    // A plain port may pass such sessions on.
    let plain = format!(
        "check = {{ type = 'soupbintcp', username = 'check1', password_file = '{password}' }}"
    );
    let plain = with(&plain).replace("protocol = \"soupbintcp\"\n", "");
    assert_eq!(parse(&plain).pool.check.probe, probe(""));
}

/// Lines 10 and further of the minimal file, and what is said of them.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        "standby = 'warm'",
        &["f.toml:10: port[0].standby: expected \"cold\" or \"hot\", found \"warm\""],
    ),
    (
        "skew = '1KiB'",
        &[
            "f.toml:10: port[0].skew: expected a size in quotes with its unit, from \"64KiB\" to \
           \"1GiB\", found \"1KiB\"",
        ],
    ),
    (
        "on_mismatch = 'clos'",
        &[
            "f.toml:10: port[0].on_mismatch: expected \"report\" or \"close\", found \"clos\"; did \
           you mean \"close\"?",
        ],
    ),
    (
        "stall = '1ms'",
        &[
            "f.toml:10: port[0].stall: expected a duration in quotes with its unit, from \"100ms\" \
           to \"5m\", found \"1ms\"",
        ],
    ),
    (
        "on_gap = 'clos'",
        &[
            "f.toml:10: port[0].on_gap: expected \"close\" or \"report\", found \"clos\"; did you \
           mean \"close\"?",
        ],
    ),
    (
        "on_failover = 'close'\ndrain_timeout = '5s'",
        &[
            "f.toml:10: port[0].on_failover: this says what becomes of sessions that cannot move; \
           consumers of a feed are carried from line to line; remove it",
            "f.toml:11: port[0].drain_timeout: this says what becomes of sessions that cannot \
           move; consumers of a feed are carried from line to line; remove it",
        ],
    ),
    (
        "check = 'soupbintcp'",
        &[
            "f.toml:10: port[0].check: a check of type \"soupbintcp\" logs in, and needs a \
           username and a password_file of its own: many feeds allow a user one login, and with \
           the consumers' a check would push them out",
        ],
    ),
    (
        "check = { type = 'soupbintcp', session = 'FEED0000001' }",
        &[
            "f.toml:10: port[0].check.session: expected the name of a session, found \
           \"FEED0000001\": a session is named by at most 10 printable ASCII characters",
            "f.toml:10: port[0].check.type: a check of type \"soupbintcp\" logs in, and needs a \
           username and a password_file of its own: many feeds allow a user one login, and with \
           the consumers' a check would push them out",
        ],
    ),
    (
        "check = { type = 'tcp', session = 'A', username = 'B' }",
        &[
            "f.toml:10: port[0].check.session: only a check of type \"soupbintcp\" has this; write \
           type = \"soupbintcp\", or remove it",
            "f.toml:10: port[0].check.username: only a check of type \"soupbintcp\" has this; write \
           type = \"soupbintcp\", or remove it",
        ],
    ),
];

#[test]
fn every_mistake_is_told_with_its_line_and_key() {
    for (lines, expected) in MISTAKES {
        let mut found = mistakes(&with(lines));
        found.sort();
        assert_eq!(found, *expected, "{lines}");
    }
}

#[test]
fn keys_of_a_feed_are_mistakes_elsewhere() {
    let text = with_primary(
        "{ address = 'a:1', version = '4.1', silence = 'x' }",
        "silence = '5s'\nunsequenced = 'active'",
    );
    let plain = text.replace("protocol = \"soupbintcp\"\n", "");
    let target = "only a target of protocol = \"soupbintcp\" has this; give the port that \
                  protocol, or remove it";
    let port = "only a port of protocol = \"soupbintcp\" has this; set that protocol, or remove it";
    let expected = [
        format!("f.toml:7: port[0].primary[0].version: {target}"),
        format!("f.toml:7: port[0].primary[0].silence: {target}"),
        format!("f.toml:9: port[0].silence: {port}"),
        format!("f.toml:10: port[0].unsequenced: {port}"),
    ];
    assert_eq!(mistakes(&plain), expected);
    // Nobody knows which protocol was meant.
    let unknown = text
        .replace("\"soupbintcp\"", "\"soup\"")
        .replace("'x'", "'1s'");
    assert_eq!(mistakes(&unknown).len(), 1, "{:?}", mistakes(&unknown));
}

#[test]
fn credentials_are_whole_and_fit() {
    let dir = tempfile::tempdir().unwrap();
    let of_line = |keys: &str| {
        let found = mistakes(&with_primary(&format!("{{ address = 'a:1', {keys} }}"), ""));
        let [found] = &found[..] else {
            panic!("{found:?}");
        };
        let place = "f.toml:7: port[0].primary[0].";
        found.strip_prefix(place).unwrap().to_owned()
    };
    assert_eq!(
        of_line("username = 'FEED01'"),
        "username: this needs \"password_file\" beside it"
    );
    let good = file(&dir, "good", "0123456789");
    assert_eq!(
        of_line(&format!("password_file = '{good}'")),
        "password_file: this needs \"username\" beside it"
    );
    assert_eq!(
        of_line(&format!("username = 'FEED001', password_file = '{good}'")),
        "username: \"FEED001\" cannot log in: a username has at most 6 printable ASCII characters"
    );
    let of_file = |path: &str| {
        let said = of_line(&format!("username = 'FEED01', password_file = '{path}'"));
        said.replace(path, "FILE")
    };
    assert_eq!(
        of_file("/nonexistent/password"),
        "password_file: the password file FILE cannot be read: No such file or directory (os error 2)"
    );
    assert_eq!(
        of_file(&file(&dir, "empty", "\n")),
        "password_file: the password file FILE is empty; write the password in its first line"
    );
    let unfit = "password_file: the password file FILE holds something else; write nothing but the \
                 password there: a password has at most 10 printable ASCII characters";
    for content in [
        &b"01234567890"[..],
        b"two\nlines\n",
        b"\xff\xfe",
        &[b'x'; 4096],
    ] {
        assert_eq!(of_file(&file(&dir, "unfit", content)), unfit);
    }
}

#[test]
fn a_feed_is_described() {
    let dir = tempfile::tempdir().unwrap();
    let password = file(&dir, "password", "secret");
    let text = with_primary(
        &format!(
            "{{ address = 'a:1', username = 'FEED01', password_file = '{password}', version = '4.1', \
             silence = '1s' }}"
        ),
        &format!(
            "server_unsequenced = true\ncheck = {{ type = 'soupbintcp', username = 'CHECK1', \
             password_file = '{password}', session = 'FEED000001' }}"
        ),
    );
    let settings = Settings::parse("f.toml", &text).unwrap();
    assert_eq!(
        describe(&settings),
        "port itch-feed on 127.0.0.1:19100, soupbintcp
  primary    a:1 (as FEED01, version 4.1, silent for 1s)
  backup 1   127.0.0.1:9001
  dial       any, 1s each, 5s in all; try when none is healthy
  failback   manual
  lines      cold standby; silent for 3s, caught up in 5s
  joining    refuse unverified lines, close on a gap, 5s without a line
  consumers  login in 3s, silent for 30s, stalled for 10s
  unnumbered active from consumers; to all consumers
  check      soupbintcp login as CHECK1 to session FEED000001, every 5s, in doubt every 1s, 1s each; rise 3, fall 3
"
    );
}

#[test]
fn a_hot_standby_is_described() {
    let lines = |text: &str| {
        let settings = Settings::parse("f.toml", text).unwrap();
        let said = describe(&settings);
        let line = said.lines().find(|line| line.starts_with("  lines"));
        line.unwrap().to_owned()
    };
    let hot = with("standby = 'hot'\non_mismatch = 'close'\nskew = '1MiB'");
    assert_eq!(
        lines(&hot),
        "  lines      hot standby, close on a mismatch, compared over 1.0 MiB; silent for 3s, caught up in 5s"
    );
    let alone = hot.replace("backup = [\"127.0.0.1:9001\"]\n", "");
    assert_eq!(
        lines(&alone),
        "  lines      hot standby (of one target, so that there is none), close on a mismatch, \
         compared over 1.0 MiB; silent for 3s, caught up in 5s"
    );
}
