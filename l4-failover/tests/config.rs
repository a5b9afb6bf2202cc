//! What the configuration file of `l4-failover` may say, and what is said about one that is wrong.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use l4_failover::choice::{Balance, Dial, Failback, NoneHealthy, Policy, Sessions};
use l4_failover::config::Diagnostics;
use l4_failover::probe::{CheckOptions, HttpProbe, Probe};
use l4_failover::settings::{Flags, Protocol, Settings, describe};
use l4_failover::{EndpointOptions, PoolOptions};
use std::fs;
use std::time::Duration;

/// The smallest file that the documentation promises to work.
const MINIMAL: &str = r#"[admin]
address = "127.0.0.1:19001"

[[port]]
name = "itch-feed"
listen = "127.0.0.1:19100"
primary = ["127.0.0.1:9000"]
backup = ["127.0.0.1:9001"]
"#;

fn parse(text: &str) -> Settings {
    Settings::parse("f.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The minimal file with further lines for its port.
fn with(lines: &str) -> String {
    format!("{MINIMAL}{lines}\n")
}

/// The pool of the minimal file with further lines for it.
fn pool_with(lines: &str) -> PoolOptions {
    parse(&with(lines)).ports.remove(0).pool
}

fn told(result: Result<Settings, Diagnostics>) -> Vec<String> {
    let mistakes = result.expect_err("this is wrong");
    mistakes.iter().map(ToString::to_string).collect()
}

/// The mistakes of a text, as an operator reads them.
fn mistakes(text: &str) -> Vec<String> {
    told(Settings::parse("f.toml", text))
}

/// Where a pool leads, by tier.
fn targets(pool: &PoolOptions) -> Vec<Vec<String>> {
    let target = |endpoint: &EndpointOptions| endpoint.target.to_string();
    let tiers = pool.tiers.iter();
    tiers
        .map(|tier| tier.iter().map(target).collect())
        .collect()
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_minimal_file_loads_with_every_default() {
    let settings = parse(MINIMAL);
    assert_eq!(settings.relay.user_timeout, seconds(60));
    assert_eq!(
        settings.admin.unwrap().address.to_string(),
        "127.0.0.1:19001"
    );
    assert!((1..=256).contains(&settings.workers));
    let [port] = &settings.ports[..] else {
        panic!("one port");
    };
    assert_eq!(
        (port.name.as_str(), &port.protocol),
        ("itch-feed", &Protocol::Tcp)
    );
    assert_eq!(port.listen.address.to_string(), "127.0.0.1:19100");
    assert_eq!(port.listen.backlog, 4096);
    assert_eq!(port.pool.name, "itch-feed");
    assert_eq!(
        targets(&port.pool),
        [["127.0.0.1:9000"], ["127.0.0.1:9001"]]
    );
    assert_eq!(port.pool.policy, Policy::default());
    assert_eq!(port.pool.check, CheckOptions::default());
    assert_eq!(
        (port.pool.dial.attempt, port.pool.dial.total),
        (seconds(1), seconds(5))
    );
    assert_eq!(port.pool.dial.options.user_timeout, Some(seconds(60)));
    assert_eq!(port.pool.state_file, None);
}

#[test]
fn every_key_of_a_pool_is_read() {
    let pool = pool_with(
        r#"dial = "active"
failback = "manual"
hold_down = "0s"
hold_down_max = "1m"
flap_window = "2h"
on_failover = "close"
on_failback = "drain"
on_endpoint_down = "close"
drain_timeout = "5s"
failback_ramp = "20s"
when_none_healthy = "refuse"
balance = "source_hash"
slow_start = "10s"
state_file = "/var/lib/itch-feed""#,
    );
    let policy = Policy {
        dial: Dial::Active,
        failback: Failback::Manual,
        hold_down: Duration::ZERO,
        hold_down_max: seconds(60),
        flap_window: seconds(7200),
        on_failover: Sessions::Close,
        on_failback: Sessions::Drain,
        on_endpoint_down: Sessions::Close,
        drain_timeout: seconds(5),
        failback_ramp: Some(seconds(20)),
        when_none_healthy: NoneHealthy::Refuse,
        balance: Balance::SourceHash,
        slow_start: Some(seconds(10)),
    };
    assert_eq!(pool.policy, policy);
    assert_eq!(
        pool.state_file.unwrap().to_str(),
        Some("/var/lib/itch-feed")
    );
}

#[test]
fn a_hold_down_beyond_the_default_maximum_holds_unless_the_file_says_otherwise() {
    assert_eq!(
        pool_with("hold_down = '1h'").policy.hold_down,
        seconds(3600)
    );
    let found = mistakes(&with("hold_down = '1h'\nhold_down_max = '10m'"));
    let expected = "f.toml:10: port[0].hold_down_max: \"10m\" is less than hold_down, \"1h\"; \
                    raise it or lower hold_down";
    assert_eq!(found, [expected]);
}

#[test]
fn a_check_is_a_word_or_a_table() {
    let probe = |lines: &str| pool_with(lines).check.probe;
    assert_eq!(probe("check = 'tcp'"), Some(Probe::Tcp));
    assert_eq!(probe("check = 'none'"), Some(Probe::None));
    assert_eq!(
        probe("check = 'http'"),
        Some(Probe::Http(HttpProbe::default()))
    );
    assert_eq!(probe("check = { rise = 1 }"), None);
    let check = pool_with(
        "check = { type = 'http', interval = '30s', fast_interval = '2s', timeout = '3s', rise = 2, \
         fall = 1, port = 81, path = '/health?x', host = 'a.b:1', status = [200, '301-302'], \
         body = 'ok' }",
    )
    .check;
    let http = HttpProbe {
        path: "/health?x".to_owned(),
        host: Some("a.b:1".to_owned()),
        status: vec![200..=200, 301..=302],
        body: Some("ok".to_owned()),
    };
    let expected = CheckOptions {
        probe: Some(Probe::Http(http)),
        interval: seconds(30),
        fast_interval: seconds(2),
        timeout: seconds(3),
        rise: 2,
        fall: 1,
        port: Some(81),
        tls: None,
    };
    assert_eq!(check, expected);
}

#[test]
fn defaults_of_a_check_fit_its_interval() {
    let paces = |interval: &str| {
        let check = pool_with(&format!("check = {{ interval = '{interval}' }}")).check;
        (check.fast_interval, check.timeout)
    };
    assert_eq!(paces("2s"), (seconds(1), seconds(1)));
    let millis = Duration::from_millis;
    assert_eq!(paces("200ms"), (millis(200), millis(100)));
    assert_eq!(paces("10ms"), (millis(10), millis(5)));
}

#[test]
fn either_word_names_the_first_tier_and_each_backup_is_one() {
    let text = MINIMAL
        .replace(
            "primary = ",
            "endpoints = ['a:1', { address = 'b:1', weight = 3 }, ",
        )
        .replace(", [\"127.0.0.1:9000\"]", "]")
        .replace(
            "[\"127.0.0.1:9001\"]",
            "['c:1', { address = 'd:1', max_connections = 9 }]",
        );
    let pool = parse(&text).ports.remove(0).pool;
    assert_eq!(
        targets(&pool),
        [vec!["a:1", "b:1"], vec!["c:1"], vec!["d:1"]]
    );
    assert_eq!((pool.tiers[0][0].weight, pool.tiers[0][1].weight), (1, 3));
    assert_eq!(pool.tiers[2][0].max_connections, Some(9));
}

/// Lines 9 and further of the minimal file, and what is said of them.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        "endpoints = ['a:1']",
        &["f.toml:9: port[0].endpoints: this is primary by another name; give one of them"],
    ),
    (
        "hold_dwn = '1s'",
        &["f.toml:9: port[0].hold_dwn: there is no such key; did you mean \"hold_down\"?"],
    ),
    (
        "protocol = 'soupbin'",
        &[
            "f.toml:9: port[0].protocol: expected \"tcp\" or \"soupbintcp\", found \"soupbin\"; \
           did you mean \"soupbintcp\"?",
        ],
    ),
    (
        "check = 'tpc'",
        &[
            "f.toml:9: port[0].check: expected \"tcp\", \"tls\", \"http\", \"soupbintcp\" or \
           \"none\", found \"tpc\"; did you mean \"tcp\"?",
        ],
    ),
    (
        "check = 5",
        &[
            "f.toml:9: port[0].check: expected \"tcp\", \"tls\", \"http\", \"soupbintcp\" or \
           \"none\", found the integer 5",
        ],
    ),
    (
        "check.rise = 0\ncheck.fall = 0",
        &[
            "f.toml:9: port[0].check.rise: expected an integer from 1 to 100, found the integer 0",
            "f.toml:10: port[0].check.fall: expected an integer from 1 to 100, found the integer 0",
        ],
    ),
    (
        "[port.check]\ninterval = '1s'\ntimeout = '1s'\nfast_interval = '2s'",
        &[
            "f.toml:11: port[0].check.timeout: \"1s\" is not less than interval, \"1s\": a check \
             would still wait when the next is due; lower it or raise interval",
            "f.toml:12: port[0].check.fast_interval: \"2s\" is more than interval, \"1s\"; \
             lower it or raise interval",
        ],
    ),
    (
        "[port.check]\ninterval = 1\ntimeout = '5s'",
        &[
            "f.toml:10: port[0].check.interval: expected a duration in quotes with its unit, \
           from \"10ms\" to \"1h\", found the integer 1",
        ],
    ),
    (
        "[port.check]\npath = '/'\nhost = 'a'\nstatus = 200\nbody = 'x'",
        &[
            "f.toml:10: port[0].check.path: only a check of type \"http\" has this; write \
             type = \"http\", or remove it",
            "f.toml:11: port[0].check.host: only a check of type \"http\" has this; write \
             type = \"http\", or remove it",
            "f.toml:12: port[0].check.status: only a check of type \"http\" has this; write \
             type = \"http\", or remove it",
            "f.toml:13: port[0].check.body: only a check of type \"http\" has this; write \
             type = \"http\", or remove it",
        ],
    ),
    (
        "[port.check]\ntype = 'htp'\npath = '/'",
        &[
            "f.toml:10: port[0].check.type: expected \"tcp\", \"tls\", \"http\", \"soupbintcp\" or \
           \"none\", found \"htp\"; did you mean \"http\"?",
        ],
    ),
    (
        "[port.check]\ntype = 'none'\nport = 1",
        &[
            "f.toml:11: port[0].check.port: without a check no port is checked; change type, or \
           remove this",
        ],
    ),
    (
        "[port.check]\ntype = 'http'\npath = 'health'\nhost = 'a b'\nstatus = [600, '299-200', 'x']",
        &[
            "f.toml:11: port[0].check.path: \"health\" is no path of a request: it starts with \
             \"/\", without blanks or \"#\"",
            "f.toml:12: port[0].check.host: \"a b\" is not the name of a host",
            "f.toml:13: port[0].check.status[0]: expected a status from 200 to 599, a range such \
             as \"200-299\", or a list of these, found the integer 600",
            "f.toml:13: port[0].check.status[1]: expected a status from 200 to 599, a range such \
             as \"200-299\", or a list of these, found \"299-200\"",
            "f.toml:13: port[0].check.status[2]: expected a status from 200 to 599, a range such \
             as \"200-299\", or a list of these, found \"x\"",
        ],
    ),
    (
        "check = { type = 'http', status = [] }",
        &[
            "f.toml:9: port[0].check.status: the list is empty, and no answer would be good; give \
           a status",
        ],
    ),
    (
        "check = 'tls'",
        &[
            "f.toml:9: port[0].check: \"127.0.0.1:9000\" has no server name, which a tls check \
           needs; give check.tls.server_name",
        ],
    ),
    (
        "[port.check]\ntype = 'tcp'\ntls = { server_name = 'a' }",
        &[
            "f.toml:11: port[0].check.tls: a check of type \"tcp\" or \"none\" speaks no TLS; \
           change type, or remove this",
        ],
    ),
    (
        "[port.check.tls]\ncert = 'c'",
        &[
            "f.toml:9: port[0].check.tls.server_name: a string is required here and missing",
            "f.toml:10: port[0].check.tls.cert: this needs \"key\" beside it, the private key",
        ],
    ),
    (
        "[port.check.tls]\nserver_name = 'a b'\nkey = 'k'",
        &[
            "f.toml:10: port[0].check.tls.server_name: \"a b\" is neither a DNS name nor an IP \
             address",
            "f.toml:11: port[0].check.tls.key: this needs \"cert\" beside it, the certificate",
        ],
    ),
    (
        "[[port]]\nname = 'itch-feed'\nlisten = '127.0.0.1:19001'\nprimary = []",
        &[
            "f.toml:10: port[1].name: \"itch-feed\" is already the name of a port or an inbound, \
             on line 5",
            "f.toml:11: port[1].listen: \"127.0.0.1:19001\" is already the address of a listener, \
             on line 2",
            "f.toml:12: port[1].primary: the list is empty; give at least one of \"host:port\"",
        ],
    ),
    (
        "state_file = '/a/../b'\n[[port]]\nname = 'b'\nlisten = '127.0.0.1:0'\nprimary = ['a:1']\n\
         state_file = '/a/.././b'",
        &[
            "f.toml:14: port[1].state_file: \"/a/.././b\" is already the state file of \
           \"itch-feed\", on line 9; give each its own",
        ],
    ),
    (
        "[[port]]\nname = 'admin'\nlisten = '127.0.0.1:19101'\nprimary = ['127.0.0.1:19100']\n\
         backup = [{ address = '127.0.0.1:19101' }]",
        &[
            "f.toml:10: port[1].name: \"admin\" is what the ready line calls an address of \
             [admin]; choose another name",
            "f.toml:12: port[1].primary[0]: \"127.0.0.1:19100\" is this process itself, by \
             \"127.0.0.1:19100\", the address of a listener, on line 6: a connection would go \
             round in a circle; name another address",
            "f.toml:13: port[1].backup[0]: \"127.0.0.1:19101\" is this process itself, by \
             \"127.0.0.1:19101\", the address of a listener, on line 11: a connection would go \
             round in a circle; name another address",
        ],
    ),
    (
        "[[port]]\nname = 'b'\nlisten = '127.0.0.1:0'\nprimary = [{ address = 'a:1', weight = 0, \
         max_connections = 0 }, 'a']",
        &[
            "f.toml:12: port[1].primary[0].max_connections: expected an integer from 1 to \
             10000000, found the integer 0",
            "f.toml:12: port[1].primary[0].weight: expected an integer from 1 to 1000, found the \
             integer 0",
            "f.toml:12: port[1].primary[1]: expected \"host:port\", found \"a\": it names no port",
        ],
    ),
];

#[test]
fn every_mistake_is_told_with_its_line_and_key() {
    for (lines, expected) in MISTAKES {
        let mut found = mistakes(&with(lines));
        found.sort_by_key(|mistake| expected.iter().position(|it| it == mistake));
        assert_eq!(found, *expected, "{lines}");
    }
}

#[test]
fn a_port_that_is_listed_later_is_this_process_too() {
    let first = "[[port]]\nname = 'a'\nlisten = '127.0.0.1:1'\nprimary = ['127.0.0.1:19100']\n";
    let found = mistakes(&format!("{first}{MINIMAL}"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("f.toml:4: port[0].primary[0]: \"127.0.0.1:19100\" is this process"),
        "{found:#?}"
    );
}

#[test]
fn an_endpoint_stands_in_a_pool_once_over_all_tiers() {
    let text = MINIMAL.replace("9001\"]", "9001\",\n{ address = \"127.0.0.1:9000\" }]");
    let expected = "f.toml:9: port[0].backup[1]: this is listed already, as port[0].primary[0], \
                    on line 7; remove one of them";
    assert_eq!(mistakes(&text), [expected]);
    let another = "[[port]]\nname = 'b'\nlisten = '127.0.0.1:0'\nprimary = ['127.0.0.1:9000']";
    assert_eq!(
        parse(&with(another)).ports.len(),
        2,
        "pools may lead to the same place"
    );
}

#[test]
fn two_names_behind_one_address_are_two_endpoints() {
    let files = Files::new();
    let endpoint = |name: &str| {
        let ca = files.path("cert.pem");
        format!("{{ address = 'gw:1', tls = {{ server_name = '{name}', ca = '{ca}' }} }}")
    };
    let text = |one: &str, two: &str| {
        MINIMAL
            .replace("\"127.0.0.1:9000\"", one)
            .replace("\"127.0.0.1:9001\"", two)
    };
    let (dc1, dc2) = (endpoint("refdata.dc1"), endpoint("refdata.dc2"));
    let pool = parse(&text(&dc1, &dc2)).ports.remove(0).pool;
    let names: Vec<_> = pool
        .tiers
        .iter()
        .flatten()
        .map(|it| it.tls.as_ref().unwrap())
        .collect();
    assert_eq!(
        (names[0].server_name.as_str(), names[1].server_name.as_str()),
        ("refdata.dc1", "refdata.dc2")
    );
    assert_eq!(
        parse(&text(&dc1, "'gw:1'")).ports.len(),
        1,
        "with TLS and without"
    );
    let again = mistakes(&text(&dc1, &endpoint("REFDATA.dc1")));
    assert_eq!(again.len(), 1, "{again:#?}");
    assert!(again[0].starts_with("f.toml:8: port[0].backup[0]: this is listed already, as"));
}

#[test]
fn files_of_tls_are_read_and_must_fit() {
    let files = Files::new();
    let check = |ca: &str, cert: &str, key: &str| {
        let [ca, cert, key] = [ca, cert, key].map(|name| files.path(name));
        with(&format!(
            "[port.check.tls]\nserver_name = 'a'\nca = '{ca}'\ncert = '{cert}'\nkey = '{key}'"
        ))
    };
    let check_of = |text: &str| parse(text).ports.remove(0).pool.check;
    let read = check_of(&check("cert.pem", "cert.pem", "key.pem"));
    assert_eq!(
        read.probe,
        Some(Probe::Tls),
        "TLS of a check is for a TLS check"
    );
    assert!(read.tls.unwrap().identity.is_some());
    for (text, expected) in [
        (
            check("none.pem", "cert.pem", "key.pem"),
            format!(
                "11: port[0].check.tls.ca: {} cannot be read",
                files.path("none.pem")
            ),
        ),
        (
            check("key.pem", "cert.pem", "key.pem"),
            format!(
                "11: port[0].check.tls.ca: {} holds no certificate",
                files.path("key.pem")
            ),
        ),
        (
            check("cert.pem", "cert.pem", "other.pem"),
            "13: port[0].check.tls.key: the key does not fit the certificate".to_owned(),
        ),
    ] {
        let found = mistakes(&text);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with(&format!("f.toml:{expected}")),
            "{found:#?}"
        );
    }
}

/// An inbound with its keys, the last of them given.
fn inbound(files: &Files, key: &str, rest: &str) -> String {
    let (cert, key) = (files.path("cert.pem"), files.path(key));
    with(&format!(
        "[[inbound]]\nname = 'in'\nlisten = '127.0.0.1:18443'\ncert = '{cert}'\nkey = '{key}'\n\
         ca = '{cert}'\n{rest}"
    ))
}

#[test]
fn an_inbound_has_an_application_a_certificate_and_callers() {
    let files = Files::new();
    let rest = "target = 'app.local:80'\nallow = ['spiffe://a/b', 'C.dc1']\nbacklog = 7\n\
                handshake_timeout = '1s'";
    let settings = parse(&inbound(&files, "key.pem", rest));
    let inbound = &settings.inbounds[0];
    assert_eq!((inbound.name.as_str(), inbound.listen.backlog), ("in", 7));
    assert_eq!(inbound.target.to_string(), "app.local:80");
    let allowed = ["spiffe://a/b", "c.dc1"].map(|name| name.parse().unwrap());
    assert_eq!(inbound.tls.allow, allowed);
    assert_eq!(inbound.handshake_timeout, seconds(1));
    assert_eq!(inbound.tls.crl_file, None);
}

#[test]
fn mistakes_of_an_inbound_are_told_with_their_lines() {
    let files = Files::new();
    let rest = "target = '127.0.0.1:19100'\nallow = ['10.0.0.1', '*.dc1', 'a', 'a', 'http:']";
    let found = mistakes(&inbound(&files, "other.pem", rest));
    let neither = "is neither a DNS name such as \"webservice.dc1\" nor a URI such as \
                   \"spiffe://dc1/webservice\"";
    let fit = format!(
        "f.toml:13: inbound[0].key: the key does not fit the certificate: {} is not the key of \
         the first certificate in {}",
        files.path("other.pem"),
        files.path("cert.pem")
    );
    let expected = [
        fit,
        "f.toml:15: inbound[0].target: \"127.0.0.1:19100\" is this process itself, by \
         \"127.0.0.1:19100\", the address of a listener, on line 6; name the application behind it"
            .to_owned(),
        format!("f.toml:16: inbound[0].allow[0]: \"10.0.0.1\" {neither}"),
        "f.toml:16: inbound[0].allow[1]: \"*.dc1\" is no caller's name: callers are allowed by \
         their whole names, each by its own"
            .to_owned(),
        "f.toml:16: inbound[0].allow[3]: this is listed already, as inbound[0].allow[2]; remove \
         one of them"
            .to_owned(),
        format!("f.toml:16: inbound[0].allow[4]: \"http:\" {neither}"),
    ];
    assert_eq!(found, expected);
    let rest = format!(
        "target = 'a:1'\nallow = ['a']\ncrl_file = '{}'",
        files.path("key.pem")
    );
    let found = mistakes(&inbound(&files, "key.pem", &rest));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("f.toml:17: inbound[0].crl_file: "),
        "{found:#?}"
    );
    let found = mistakes("[[inbound]]\nname = 'in'\nlisten = '127.0.0.1:0'\nallow = []");
    let expected = [
        "f.toml:1: inbound[0].ca: the path of a file is required here and missing",
        "f.toml:1: inbound[0].cert: the path of a file is required here and missing",
        "f.toml:1: inbound[0].key: the path of a file is required here and missing",
        "f.toml:1: inbound[0].target: \"host:port\" is required here and missing",
        "f.toml:4: inbound[0].allow: the list is empty; give at least one of names of callers",
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_empty_file_says_what_is_required() {
    let expected = "f.toml: there is nothing to listen for; add a [[port]] or an [[inbound]]";
    assert_eq!(mistakes(""), [expected]);
    let found = mistakes("[[port]]\n");
    let expected = [
        "f.toml:1: port[0].listen: an address and port such as \"0.0.0.0:8443\" or \
         \"[::]:8443\" is required here and missing",
        "f.toml:1: port[0].name: one label of a name (a-z, 0-9, - and _; at most 63 of them) \
         is required here and missing",
        "f.toml:1: port[0].primary: a list of \"host:port\" is required here and missing",
    ];
    assert_eq!(found, expected);
}

fn flags() -> Flags {
    Flags {
        listen: "127.0.0.1:19100".to_owned(),
        primary: vec!["127.0.0.1:9000".to_owned()],
        backup: vec!["127.0.0.1:9001".to_owned()],
        ..Flags::default()
    }
}

#[test]
fn flags_say_what_a_file_says() {
    let flags = Flags {
        protocol: Some("tcp".to_owned()),
        admin: Some("127.0.0.1:19001".to_owned()),
        ..flags()
    };
    let file = MINIMAL.replace("itch-feed", "port");
    assert_eq!(Settings::from_flags(flags).unwrap(), parse(&file));
    let bare = Settings::from_flags(self::flags()).unwrap();
    assert_eq!(
        bare.admin, None,
        "operators are served only where they ask for it"
    );
}

#[test]
fn mistakes_of_flags_name_the_flag() {
    let words = |words: &[&str]| {
        words
            .iter()
            .map(|&word| word.to_owned())
            .collect::<Vec<_>>()
    };
    let wrong = Flags {
        listen: "19100".to_owned(),
        primary: words(&["a:1", "b"]),
        backup: words(&["a:1"]),
        protocol: Some("websocket".to_owned()),
        check: Some("tsl".to_owned()),
        admin: Some("0.0.0.0:19001".to_owned()),
    };
    let expected = [
        "--admin: 0.0.0.0:19001 can be reached from other machines, so it needs both [admin.tls] \
         and token_file; add them, or listen on a loopback address or a unix socket",
        "--backup: this is listed already, as given by --primary; remove one of them",
        "--check: expected \"tcp\" or \"none\", found \"tsl\"",
        "--listen: expected an address and port such as \"0.0.0.0:8443\" or \"[::]:8443\", \
         found \"19100\": invalid socket address syntax",
        "--primary: expected \"host:port\", found \"b\": it names no port",
        "--protocol: expected \"tcp\" or \"soupbintcp\", found \"websocket\"",
    ];
    assert_eq!(told(Settings::from_flags(wrong)), expected);
    let clash = Flags {
        admin: Some("127.0.0.1:19100".to_owned()),
        ..flags()
    };
    let expected = "--listen: \"127.0.0.1:19100\" is already the address of a listener, \
                    given by --admin";
    assert_eq!(told(Settings::from_flags(clash)), [expected]);
    for (check, needs) in [
        (
            "http",
            "what to ask for, as in check = { type = \"http\", path = \"/health\" }",
        ),
        (
            "tls",
            "a server name, as in primary = [{ address = …, tls = { server_name = … } }]",
        ),
        (
            "soupbintcp",
            "a login of its own, as in check = { type = \"soupbintcp\", username = …, \
             password_file = … }",
        ),
    ] {
        let expected = format!(
            "--check: a check of type \"{check}\" needs {needs}, which only a file can say: write \
             one and `run --config FILE`; flags have \"tcp\" and \"none\""
        );
        let check = Some(check.to_owned());
        let checked = Flags { check, ..flags() };
        assert_eq!(told(Settings::from_flags(checked)), [expected]);
    }
    let none = Flags {
        primary: Vec::new(),
        backup: words(&["127.0.0.1:19100"]),
        ..flags()
    };
    let expected = [
        "--backup: \"127.0.0.1:19100\" is this process itself, by \"127.0.0.1:19100\", the \
         address of a listener, given by --listen: a connection would go round in a circle; \
         name another address",
        "--primary: the list is empty; give at least one of \"host:port\"",
    ];
    assert_eq!(told(Settings::from_flags(none)), expected);
}

#[test]
fn settings_are_described_a_block_a_port() {
    let files = Files::new();
    let (cert, key) = (files.path("cert.pem"), files.path("key.pem"));
    let text = format!(
        r#"[[port]]
name = "refdata"
listen = "127.0.0.1:18082"
primary = [{{ address = "gw:8443", weight = 2, tls = {{ server_name = "refdata.dc1", ca = "{cert}" }} }}, "b:1"]
balance = "least_connections"
failback = "manual"
on_failover = "drain"
state_file = "/var/lib/refdata"
check = {{ type = "http", port = 8080, path = "/health", status = [200, "204-206"] }}

[[inbound]]
name = "refdata-in"
listen = "127.0.0.1:18443"
target = "127.0.0.1:8080"
cert = "{cert}"
key = "{key}"
ca = "{cert}"
allow = ["spiffe://example/a", "b.dc2"]
"#
    );
    let expected = format!(
        "port refdata on 127.0.0.1:18082, tcp
  primary    gw:8443 (tls refdata.dc1, weight 2), b:1; least_connections
  dial       any, 1s each, 5s in all; try when none is healthy
  failback   manual
  sessions   drain on failover, keep on failback, keep on endpoint down; drained over 30s
  check      http GET /health answers 200 or 204-206 on port 8080, every 5s, in doubt every 1s, 1s each; rise 3, fall 3
  state      /var/lib/refdata

inbound refdata-in on 127.0.0.1:18443, tls
  target     127.0.0.1:8080
  allow      spiffe://example/a, b.dc2
  authority  {cert}
  handshake  5s at most
"
    );
    assert_eq!(describe(&parse(&text)), expected);
}

/// A certificate, its key, and a key of another.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        let made = rcgen::generate_simple_self_signed(["a".to_owned()]).unwrap();
        let other = rcgen::KeyPair::generate().unwrap();
        for (name, text) in [
            ("cert.pem", made.cert.pem()),
            ("key.pem", made.signing_key.serialize_pem()),
            ("other.pem", other.serialize_pem()),
        ] {
            fs::write(files.path(name), text).unwrap();
        }
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

proptest::proptest! {
    #[test]
    fn a_torn_file_is_read_without_a_panic(at in 0..MINIMAL.len(), len in 0..200_usize) {
        let end = MINIMAL.len().min(at + len);
        let torn = format!("{}{}", &MINIMAL[..at], &MINIMAL[end..]);
        let _ = Settings::parse("f.toml", &torn);
    }
}
