//! What a configuration file may say, and what is said about one that is wrong.

use gateway::config::{Config, ConnectionLog, Fallback, Format, Level};
use gateway::name::NamePattern;
use l4_failover::choice::{Balance, Failback, Policy};
use l4_failover::probe::CheckOptions;
use l4_failover::{EndpointOptions, PoolOptions};
use std::path::Path;
use std::time::Duration;

/// The smallest file that the documentation promises to work.
const MINIMAL: &str = r#"datacenter = "dc1"

[listen]
address = "127.0.0.1:8443"

[admin]
address = "127.0.0.1:19000"

[[service]]                       # served here, by the name currency.dc1
name = "currency"
endpoints = ["127.0.0.1:7000"]

[[datacenter]]                    # elsewhere: *.dc2 goes to the gateways of dc2, in this order
name = "dc2"
gateways = ["127.0.0.1:8444"]
"#;

fn parse(text: &str) -> Config {
    Config::parse("gateway.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Where a pool leads, by tier.
fn targets(pool: &PoolOptions) -> Vec<Vec<String>> {
    let target = |endpoint: &EndpointOptions| endpoint.target.to_string();
    let tiers = pool.tiers.iter();
    tiers
        .map(|tier| tier.iter().map(target).collect())
        .collect()
}

/// The mistakes of a text, as an operator reads them.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = Config::parse("g.toml", text).expect_err("the text is wrong");
    mistakes.iter().map(ToString::to_string).collect()
}

/// The mistakes of the minimal file with `from` replaced by `to`.
fn mistakes_with(from: &str, to: &str) -> Vec<String> {
    assert!(MINIMAL.contains(from), "{from}");
    mistakes(&MINIMAL.replacen(from, to, 1))
}

#[test]
fn the_minimal_file_loads_with_every_default() {
    let config = parse(MINIMAL);
    assert_eq!(config.datacenter, "dc1");
    assert_eq!(config.name_patterns, [NamePattern::default()]);
    assert_eq!(config.listeners[0].name, "listen");
    assert_eq!(config.listeners[0].address.to_string(), "127.0.0.1:8443");
    assert_eq!(config.hello.timeout, Duration::from_secs(5));
    assert_eq!(
        (config.hello.bytes, config.hello.raw_bytes),
        (16 << 10, 64 << 10)
    );
    assert_eq!(config.dial.attempt_timeout, Duration::from_secs(1));
    assert_eq!((config.relay.idle, config.relay.pipes), (None, 32));
    assert_eq!(config.limits.connections, None);
    assert_eq!(
        (config.log.level, config.log.format),
        (Level::Info, Format::Text)
    );
    assert_eq!(config.log.connections, ConnectionLog::All);
    assert_eq!(config.admin.unwrap().address.to_string(), "127.0.0.1:19000");
    assert_eq!(targets(&config.services[0].pool), [["127.0.0.1:7000"]]);
    assert_eq!(targets(&config.datacenters[0].pool), [["127.0.0.1:8444"]]);
    assert!((1..=256).contains(&config.workers));
}

#[test]
fn several_listeners_are_named_by_their_number() {
    let text = MINIMAL.replace(
        "[listen]",
        "[[listen]]\naddress = '[::1]:0'\n[[listen]]\nname = 'b'\naddress = '[::1]:0'\n[[listen]]",
    );
    let names: Vec<_> = parse(&text).listeners.into_iter().map(|l| l.name).collect();
    assert_eq!(names, ["listen-1", "b", "listen-3"]);
}

#[test]
fn an_endpoint_is_a_string_or_a_table() {
    let text = MINIMAL.replace(
        "[\"127.0.0.1:7000\"]",
        "['[::1]:7000', { address = 'Feed.example:7001' }]",
    );
    let pool = &parse(&text).services[0].pool;
    assert_eq!(targets(pool), [["[::1]:7000", "feed.example:7001"]]);
}

#[test]
fn a_default_names_a_service() {
    let text = format!("default = 'currency'\ndefault_without_name = true\n{MINIMAL}");
    let fallback = Fallback {
        service: "currency".to_owned(),
        without_name: true,
    };
    assert_eq!(parse(&text).fallback, Some(fallback));
}

#[test]
fn all_mistakes_are_found_at_once_each_with_its_line() {
    let text = r#"datacentre = "dc1"
workers = 0
default = "curency"

[listen]
address = "localhost"
backlog = "many"

[hello]
timeout = 5
timout = "5s"
bytes = "16"

[dial]
attempt_timeout = "10s"

[relay]
idle = "of"

[log]
level = "inf"

[[service]]
name = "currency"
endpoints = 7000

[[service]]
name = "currency"
endpoints = ["127.0.0.1:7000", "127.0.0.1"]
"#;
    let expected = [
        "g.toml: datacenter: one label of a name (a-z, 0-9, - and _; at most 63 of them) \
         is required here and missing",
        "g.toml:1: datacentre: there is no such key; did you mean \"datacenter\"?",
        "g.toml:2: workers: expected an integer from 1 to 256, found the integer 0",
        "g.toml:3: default: there is no [[service]] named \"curency\"; did you mean \"currency\"?",
        "g.toml:6: listen.address: expected an address and port such as \"0.0.0.0:8443\" or \
         \"[::]:8443\", found \"localhost\": invalid socket address syntax",
        "g.toml:7: listen.backlog: expected an integer from 1 to 65535, found \"many\"",
        "g.toml:10: hello.timeout: expected a duration in quotes with its unit, \
         from \"10ms\" to \"5m\", found the integer 5",
        "g.toml:11: hello.timout: there is no such key; did you mean \"timeout\"?",
        "g.toml:12: hello.bytes: expected a size in quotes with its unit, \
         from \"512B\" to \"1MiB\", found \"16\"",
        "g.toml:14: dial.timeout: \"5s\" is less than attempt_timeout, \"10s\"; \
         raise it or lower attempt_timeout",
        "g.toml:18: relay.idle: expected a duration in quotes with its unit, \
         from \"1s\" to \"1day\", or \"off\", found \"of\"",
        "g.toml:21: log.level: expected \"error\", \"warn\", \"info\", \"debug\" or \"trace\", \
         found \"inf\"; did you mean \"info\"?",
        "g.toml:25: service[0].endpoints: expected a list of \"host:port\", found the integer 7000",
        "g.toml:28: service[1].name: \"currency\" is already the name of a service, on line 24",
        "g.toml:29: service[1].endpoints[1]: expected \"host:port\", found \"127.0.0.1\": \
         it names no port",
    ];
    assert_eq!(mistakes(text), expected);
}

#[test]
fn syntax_errors_are_found_with_others_but_nothing_is_said_about_what_they_tore_off() {
    let text = MINIMAL
        .replace("[listen]", "[listen")
        .replace("\"127.0.0.1:7000\"", "7000");
    let found = mistakes(&text.replace("\"dc2\"", "dc2"));
    assert_eq!(found.len(), 3, "{found:#?}");
    assert!(
        found[0].starts_with("g.toml:3: unclosed table"),
        "{found:#?}"
    );
    assert!(
        found[1].starts_with("g.toml:11: service[0].endpoints[0]: expected"),
        "{found:#?}"
    );
    assert!(
        found[2].starts_with("g.toml:14: string values must be quoted"),
        "{found:#?}"
    );
}

#[test]
fn a_key_given_twice_is_a_mistake_on_its_line() {
    let found = mistakes_with("name = \"dc2\"", "name = \"dc2\"\nname = \"dc3\"");
    assert_eq!(found, ["g.toml:15: duplicate key"]);
}

#[test]
fn names_are_unique_and_other_data_centres_are_others() {
    let again = format!("{MINIMAL}[[datacenter]]\nname = 'dc2'\ngateways = ['a:1']\n");
    let expected = "g.toml:17: datacenter[1].name: \"dc2\" is already the name of a data centre, \
                    on line 14";
    assert_eq!(mistakes(&again), [expected]);
    let own = mistakes_with("\"dc2\"", "\"dc1\"");
    assert_eq!(own.len(), 1);
    assert!(
        own[0].contains("datacenter[0].name: this is the gateway's own"),
        "{own:?}"
    );
    assert!(mistakes_with("\"dc2\"", "\"DC2\"")[0].contains("expected one label"));
}

#[test]
fn lists_of_addresses_are_neither_empty_nor_repetitive() {
    let found = mistakes_with("[\"127.0.0.1:7000\"]", "[]");
    let expected = "g.toml:11: service[0].endpoints: the list is empty; \
                    give at least one of \"host:port\"";
    assert_eq!(found, [expected]);
    let found = mistakes_with("\"127.0.0.1:8444\"", "'A:1', { address = 'a:1' }");
    let expected = "g.toml:15: datacenter[0].gateways[1]: this is listed already, \
                    as datacenter[0].gateways[0], on line 15; remove one of them";
    assert_eq!(found, [expected]);
    let found = mistakes_with("\"127.0.0.1:8444\"", "{ adress = 'a:1' }");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[1].contains("[0].adress: there is no such key; did you mean"),
        "{found:#?}"
    );
}

#[test]
fn backups_are_tiers_and_so_are_gateways_unless_they_are_balanced() {
    let text = MINIMAL
        .replace(
            "[\"127.0.0.1:7000\"]",
            "['a:1', { address = 'b:1', weight = 3 }]\nbackup = ['c:1', 'd:1']",
        )
        .replace("[\"127.0.0.1:8444\"]", "['e:1', 'f:1']");
    let config = parse(&text);
    let tiers = [vec!["a:1", "b:1"], vec!["c:1"], vec!["d:1"]];
    assert_eq!(targets(&config.services[0].pool), tiers);
    assert_eq!(config.services[0].pool.tiers[0][1].weight, 3);
    assert_eq!(
        targets(&config.datacenters[0].pool),
        [vec!["e:1"], vec!["f:1"]]
    );
    let pool = &parse(&format!("{text}balance = 'source_hash'\n")).datacenters[0].pool;
    assert_eq!(targets(pool), [["e:1", "f:1"]]);
    assert_eq!(pool.policy.balance, Balance::SourceHash);
}

#[test]
fn services_and_data_centres_have_the_keys_of_a_pool() {
    let config = parse(MINIMAL);
    let (service, elsewhere) = (&config.services[0].pool, &config.datacenters[0].pool);
    assert_eq!(
        (service.name.as_str(), elsewhere.name.as_str()),
        ("currency", "dc2")
    );
    for pool in [service, elsewhere] {
        assert_eq!(pool.policy, Policy::default());
        assert_eq!(pool.check, CheckOptions::default());
        assert_eq!(pool.dial.total, Duration::from_secs(5));
        assert_eq!(
            pool.dial.options.user_timeout,
            Some(Duration::from_secs(300))
        );
    }
    let text = format!("{MINIMAL}failback = 'manual'\n[datacenter.check]\nrise = 1\n");
    let pool = &parse(&text).datacenters[0].pool;
    assert_eq!(
        (pool.policy.failback, pool.check.rise),
        (Failback::Manual, 1)
    );
}

#[test]
fn a_proxy_header_is_sent_where_the_file_says_so() {
    let with = |of: &str, key: &str| MINIMAL.replacen(of, &format!("{of}\n{key}"), 1);
    let sends = |text: &str| {
        let config = parse(text);
        let pools = [&config.services[0].pool, &config.datacenters[0].pool];
        pools.map(|pool| pool.tiers.iter().flatten().all(|it| it.proxy))
    };
    assert_eq!(sends(MINIMAL), [false, false]);
    let service = "endpoints = [\"127.0.0.1:7000\"]";
    let backed = "proxy = 'v2'\nbackup = ['a:1', { address = 'b:1' }]";
    assert_eq!(sends(&with(service, backed)), [true, false]);
    assert_eq!(sends(&format!("{MINIMAL}proxy = 'v2'\n")), [false, true]);
    assert_eq!(sends(&format!("{MINIMAL}proxy = 'off'\n")), [false, false]);
    let wrong = format!("{MINIMAL}proxy = 'v1'\n");
    assert_eq!(
        mistakes(&wrong),
        [
            "g.toml:16: datacenter[0].proxy: expected \"off\" or \"v2\", found \"v1\"; did you mean \"v2\"?"
        ]
    );
}

#[test]
fn endpoints_are_not_spoken_tls_to_but_checks_may_be() {
    let found = mistakes_with(
        "[\"127.0.0.1:7000\"]",
        "[{ address = 'a:1', tls = { server_name = 'a' } }]\ncheck = 'tls'",
    );
    let expected = [
        "g.toml:11: service[0].endpoints[0].tls: TLS is passed on here as the client speaks it; \
         for a check that speaks TLS itself, give check.tls",
        "g.toml:12: service[0].check: \"a:1\" has no server name, which a tls check needs; \
         give check.tls.server_name",
    ];
    assert_eq!(found, expected);
}

#[test]
fn no_two_pools_keep_their_state_in_one_file() {
    let text = MINIMAL.replace("[\"127.0.0.1:7000\"]", "['a:1']\nstate_file = '/a/b'");
    let found = mistakes(&format!("{text}state_file = '/a//b'\n"));
    let expected = "g.toml:17: datacenter[0].state_file: \"/a//b\" is already the state file of \
                    \"currency\", on line 12; give each its own";
    assert_eq!(found, [expected]);
}

#[test]
fn two_listeners_have_two_addresses() {
    let found = mistakes_with("127.0.0.1:19000", "127.0.0.1:8443");
    let expected = "g.toml:7: admin.address: \"127.0.0.1:8443\" is already the address \
                    of a listener, on line 4";
    assert_eq!(found, [expected]);
    let found = mistakes_with(
        "127.0.0.1:19000\"",
        "127.0.0.1:0\"\nmetrics_address = \"0.0.0.0:8443\"",
    );
    let expected = "g.toml:8: admin.metrics_address: \"0.0.0.0:8443\" clashes with \
                    \"127.0.0.1:8443\", the address of a listener, on line 4: they overlap, \
                    and only one can have the port; change a port";
    assert_eq!(found, [expected]);
    let any = MINIMAL.replace(":19000", ":0").replace(":8443", ":0");
    assert_eq!(parse(&any).listeners[0].address.port(), 0);
}

#[test]
fn the_path_of_a_unix_socket_has_room() {
    let path = |bytes: usize| format!("unix:/{}", "a".repeat(bytes - 1));
    parse(&MINIMAL.replace("127.0.0.1:19000", &path(107)));
    let found = mistakes_with("127.0.0.1:19000", &path(108));
    let expected = "g.toml:7: admin.address: the system allows the path of a unix socket 107 bytes, \
                    and this one has 108";
    assert_eq!(found, [expected]);
}

#[test]
fn a_listener_has_no_name_that_the_ready_line_gives_to_another_address() {
    for name in ["admin", "metrics"] {
        let found = mistakes_with("[listen]", &format!("[listen]\nname = '{name}'"));
        let expected = format!(
            "g.toml:4: listen.name: {name:?} is what the ready line calls an address of [admin]; \
             choose another name"
        );
        assert_eq!(found, [expected]);
    }
}

#[test]
fn a_target_is_not_the_gateway_itself() {
    let circle = "a connection would go round in a circle; name another address";
    let found = mistakes_with("[\"127.0.0.1:7000\"]", "['a:1', \n'127.0.0.1:8443']");
    let expected = format!(
        "g.toml:12: service[0].endpoints[1]: \"127.0.0.1:8443\" is this gateway itself, \
         by \"127.0.0.1:8443\", the address of a listener, on line 4: {circle}"
    );
    assert_eq!(found, [expected]);
    let text = MINIMAL.replace("127.0.0.1:8443", "[::]:8444");
    let found = mistakes(&text.replace("\"127.0.0.1:8444\"", "{ address = '[::1]:8444' }"));
    let expected = format!(
        "g.toml:15: datacenter[0].gateways[0]: \"[::1]:8444\" is this gateway itself, \
         by \"[::]:8444\", the address of a listener, on line 4: {circle}"
    );
    assert_eq!(found, [expected]);
    let other_port = MINIMAL.replace("127.0.0.1:8443", "0.0.0.0:0");
    assert_eq!(parse(&other_port).datacenters.len(), 1);
}

#[test]
fn every_name_that_two_services_would_have_is_told_with_their_lines() {
    let text = r#"name_patterns = ["a.{service}.{datacenter}", "{service}.b.{datacenter}", "{service}.{datacenter}"]
datacenter = "dc1"
workers = 0
[listen]
address = "127.0.0.1:8443"
[[service]]
name = "b"
endpoints = ["h:1"]
[[service]]
name = "a"
endpoints = ["h:1"]
[[service]]
name = "c"
endpoints = ["h:1"]
"#;
    let expected = [
        "g.toml:3: workers: expected an integer from 1 to 256, found the integer 0",
        "g.toml:10: service[1].name: \"a.b.dc1\" would be a name of this service and of \"b\", \
         on line 7; change one of them, or name_patterns",
    ];
    assert_eq!(mistakes(text), expected);
    let same = text.replace("workers = 0", "").replace("\"a\"", "\"d\"");
    assert_eq!(parse(&same).services.len(), 3, "b.b.dc1 is b's in two ways");
}

#[test]
fn names_that_no_host_can_have_are_told_at_the_pattern_or_else_at_what_makes_them_so() {
    let labels = |count: usize| format!(".{}", vec!["abcdefghi"; count].join("."));
    let (long, fits) = (labels(26), labels(24));
    let text = format!(
        "name_patterns = [\n'{{service}}.{{datacenter}}{long}',\n'{{service}}.{{datacenter}}{fits}',\n\
         '{{service}}.{{datacenter}}.0.1']\n{}",
        MINIMAL
            .replace("\"dc1\"", "\"0\"")
            .replace("\"currency\"", "\"10\"")
            .replace("\"dc2\"", "\"longer-than-fits-by-much\"")
    );
    let found = mistakes(&text);
    let expected = [
        format!(
            "g.toml:2: name_patterns[0]: {{service}}.{{datacenter}}{long} gives no server name in \
             \"0\": a name of 263 bytes"
        ),
        "g.toml:14: service[0].name: {service}.{datacenter}.0.1 gives it no server name: \
         an IP address in place of a name"
            .to_owned(),
        format!(
            "g.toml:18: datacenter[0].name: {{service}}.{{datacenter}}{fits} gives no server name in \
             \"longer-than-fits-by-much\": a name of"
        ),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(&expected), "{found}\n{expected}");
    }
}

#[test]
fn an_address_that_others_reach_needs_both_tls_and_a_token() {
    let found = mistakes_with("127.0.0.1:19000", "0.0.0.0:19000");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("g.toml:7: admin.address: 0.0.0.0:19000 can be reached"));
    let found = mistakes_with(
        "127.0.0.1:19000\"",
        "0.0.0.0:19000\"\ntoken_file = '/no/token'",
    );
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[1].starts_with("g.toml:8: admin.token_file: the token file /no/token"));
}

#[test]
fn hosts_are_names() {
    let found = mistakes_with(
        "[[service]]",
        "hosts = ['a.example', 'http://b']\n[[service]]",
    );
    assert_eq!(
        found,
        ["g.toml:9: admin.hosts: \"http://b\" is not the name of a host"]
    );
}

#[test]
fn certificates_and_tokens_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["gateway".to_owned()]).unwrap();
    let other = rcgen::KeyPair::generate().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    std::fs::write(path("token"), "s3cret\n").unwrap();
    std::fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("other.pem"), other.serialize_pem()).unwrap();
    let with = |key: &str| {
        let (token, cert, key) = (path("token"), path("cert.pem"), path(key));
        let admin = format!(
            "[::]:19000\"\ntoken_file = '{token}'\n[admin.tls]\ncert = '{cert}'\nkey = '{key}"
        );
        MINIMAL.replace("127.0.0.1:19000\"", &(admin + "'"))
    };
    assert!(parse(&with("key.pem")).admin.unwrap().tls.is_some());
    assert!(mistakes(&with("other.pem"))[0].contains("admin.tls.key: the key does not fit"));
    assert!(mistakes(&with("token"))[0].contains("cannot be read as a PEM private key"));
}

#[test]
fn an_empty_file_says_what_is_required() {
    let found = mistakes("");
    let expected = [
        "g.toml: the gateway would refuse every name; add a [[service]] or a [[datacenter]]",
        "g.toml: datacenter: one label of a name (a-z, 0-9, - and _; at most 63 of them) \
         is required here and missing",
        "g.toml: listen: a table [listen] is required and missing",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_default_without_a_service_is_a_mistake() {
    let found = mistakes(&format!("default_without_name = true\n{MINIMAL}"));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("g.toml:1: default_without_name: this needs the key \"default\""));
}

#[test]
fn hellos_are_read_whole() {
    let found = mistakes_with("[admin]", "[hello]\nbytes = '128KiB'\n[admin]");
    let expected = "g.toml:6: hello.raw_bytes: \"64KiB\" is less than bytes, \"128KiB\"; \
                    raise it or lower bytes";
    assert_eq!(found, [expected]);
}

#[test]
fn patterns_of_names_are_checked() {
    let found = mistakes(&format!("name_patterns = ['{{service}}']\n{MINIMAL}"));
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("g.toml:1: name_patterns[0]: expected a pattern such as"));
}

#[test]
fn a_file_that_is_not_there_is_one_clear_sentence() {
    let mistakes = Config::load(Path::new("/nonexistent/gateway.toml")).unwrap_err();
    assert_eq!(
        mistakes.to_string(),
        "/nonexistent/gateway.toml: there is no such file"
    );
    let dir = tempfile::tempdir().unwrap();
    let mistakes = Config::load(dir.path()).unwrap_err();
    assert!(
        mistakes
            .to_string()
            .ends_with(": this is a directory; name a file in it"),
        "{mistakes}"
    );
}

proptest::proptest! {
    #[test]
    fn a_torn_file_is_read_without_a_panic(at in 0..MINIMAL.len(), len in 0..200_usize) {
        let end = MINIMAL.len().min(at + len);
        let torn = format!("{}{}", &MINIMAL[..at], &MINIMAL[end..]);
        let _ = Config::parse("g.toml", &torn);
    }
}
