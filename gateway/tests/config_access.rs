//! What a configuration file may say of who may, and what is said about one that is wrong.

use gateway::config::Config;
use gateway::front::Access;
use std::num::NonZeroU32;

const FILE: &str = r#"datacenter = "dc1"
[listen]
address = "127.0.0.1:8443"
[limits]
[[service]]
name = "currency"
endpoints = ["127.0.0.1:7000"]
"#;

fn with(section: &str, keys: &str) -> String {
    FILE.replace(section, &format!("{section}\n{keys}"))
}

fn parse(text: &str) -> Config {
    Config::parse("g.toml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The one mistake of the file with these keys in this section.
fn mistake(section: &str, keys: &str) -> String {
    let mistakes = Config::parse("g.toml", &with(section, keys)).expect_err("it is wrong");
    mistakes.to_string()
}

#[test]
fn by_default_everybody_may_and_nothing_is_limited_but_half_read_hellos() {
    let config = parse(FILE);
    assert_eq!(config.listeners[0].access, Access::default());
    assert_eq!(config.services[0].access, Access::default());
    let limits = config.limits;
    assert!(!limits.sources.is_on());
    let max = [1, 2, 300, 1_000_000].map(|connections| limits.half_read_max(connections));
    assert_eq!(max, [1, 1, 150, 10_000]);
}

#[test]
fn half_read_hellos_are_no_more_than_connections() {
    let limits = parse(&with("[limits]", "half_read_hellos = 700")).limits;
    assert_eq!(limits.half_read_max(1000), 700);
    assert_eq!(limits.half_read_max(500), 500);
    let found = mistake("[limits]", "half_read_hellos = 700\nconnections = 500");
    let expected = "g.toml:6: limits.connections: 500 is less than half_read_hellos, 700; \
                    raise it or lower half_read_hellos";
    assert_eq!(found, expected);
}

#[test]
fn limits_per_source_are_numbers_or_off() {
    let keys = "connections_per_source = 7\nrate_per_source = 20\nexempt_sources = ['::1']";
    let sources = parse(&with("[limits]", keys)).limits.sources;
    assert_eq!(sources.connections, NonZeroU32::new(7));
    assert!(sources.rate.is_some() && sources.exempt.contains([0, 0, 0, 0, 0, 0, 0, 1].into()));
    assert_eq!(sources.ipv6_prefix, 64);
    parse(&with(
        "[limits]",
        "rate_per_source = \"off\"\nburst_per_source = 5",
    ));
    let found = mistake("[limits]", "burst_per_source = 5");
    let expected = "g.toml:5: limits.burst_per_source: this needs the key \"rate_per_source\", \
                    which it is about";
    assert_eq!(found, expected);
    let found = mistake("[limits]", "connections_per_source = 0");
    let expected = "g.toml:5: limits.connections_per_source: expected an integer from 1 to \
                    10000000, or \"off\", found the integer 0";
    assert_eq!(found, expected);
}

#[test]
fn a_network_that_is_none_is_told_with_the_one_that_was_meant() {
    let service = "name = \"currency\"";
    let found = mistake(service, "allow = [\"10.1.2.3/8\"]");
    let expected = "g.toml:7: service[0].allow[0]: \"10.1.2.3/8\" is an address within 10.0.0.0/8: \
                    write that, or the address alone";
    assert_eq!(found, expected);
    let found = mistake("[limits]", "exempt_sources = [\"2001:db8::1/64\"]");
    assert!(
        found.contains("is an address within 2001:db8::/64"),
        "{found}"
    );
    let found = mistake(service, "deny = [\"office\"]");
    let expected = "g.toml:7: service[0].deny[0]: expected a network such as \"10.0.0.0/8\", or an \
                    address, found \"office\"";
    assert_eq!(found, expected);
}

#[test]
fn an_empty_list_is_a_mistake_for_it_could_mean_either() {
    let found = mistake("name = \"currency\"", "allow = []");
    assert!(found.contains("service[0].allow"), "{found}");
}
