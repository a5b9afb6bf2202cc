//! What a configuration file may say of other data centres, and what is said about one that is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use gateway::config::Config;

/// A gateway of dc1 whose listener and service have these keys as well; there are dc2 and dc3.
fn text(listen: &str, service: &str) -> String {
    format!(
        r#"datacenter = "dc1"
listen = {{ address = "127.0.0.1:8443"{listen} }}
[[service]]
name = "currency"
endpoints = ["127.0.0.1:7000"]
{service}
[[datacenter]]
name = "dc2"
gateways = ["127.0.0.1:8444"]
[[datacenter]]
name = "dc3"
gateways = ["127.0.0.1:8444", "127.0.0.1:7000"]
"#
    )
}

const PEER: &str = ", peer_address = \"127.0.0.1:8442\"";

fn mistakes(listen: &str, service: &str) -> Vec<String> {
    let mistakes = Config::parse("g.toml", &text(listen, service)).err();
    let mistakes = mistakes.iter().flat_map(|it| it.iter());
    mistakes.map(ToString::to_string).collect()
}

fn mistake(listen: &str, service: &str) -> String {
    let mut mistakes = mistakes(listen, service);
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    mistakes.remove(0)
}

#[test]
fn both_keys_are_read() {
    let text = text(PEER, "failover = [\"dc2\"]\nadopts = [\"dc2\", \"dc9\"]");
    let config = Config::parse("g.toml", &text).unwrap();
    let service = &config.services[0];
    assert_eq!(service.failover, ["dc2"]);
    // Whom it has no gateways of, it may stand in for as well.
    assert_eq!(service.adopts, ["dc2", "dc9"]);
    let listeners: Vec<&str> = config.listeners.iter().map(|it| &*it.name).collect();
    assert_eq!(listeners, ["listen", "listen-peer"]);
}

#[test]
fn a_data_centre_must_be_there_and_another_one() {
    let said = mistake("", "failover = [\"dc22\"]");
    assert!(
        said.starts_with(
            "g.toml:6: service[0].failover[0]: there is no [[datacenter]] named \"dc22\""
        ),
        "{said}"
    );
    assert!(said.contains("did you mean \"dc2\""), "{said}");
    for key in ["failover", "adopts"] {
        let said = mistake(PEER, &format!("{key} = [\"dc1\"]"));
        assert!(said.contains("the gateway's own data centre"), "{said}");
        let said = mistake(PEER, &format!("{key} = [\"dc2\", \"dc2\"]"));
        assert!(said.contains("named already, as service[0]."), "{said}");
        let said = mistake(PEER, &format!("{key} = []"));
        assert!(said.contains(key), "{said}");
    }
}

#[test]
fn adopting_needs_an_address_for_gateways() {
    let said = mistake("", "adopts = [\"dc2\"]");
    assert!(
        said.starts_with("g.toml:6: service[0].adopts[0]: "),
        "{said}"
    );
    assert!(said.contains("give peer_address in [listen]"), "{said}");
}

#[test]
fn one_endpoint_is_not_reached_by_two_ways() {
    let said = mistakes(PEER, "failover = [\"dc2\", \"dc3\"]").join("\n");
    assert!(
        said.contains("\"127.0.0.1:8444\" is a gateway of \"dc2\" as well"),
        "{said}"
    );
    let said = mistake(PEER, "adopts = [\"dc3\"]");
    assert!(
        said.contains("\"127.0.0.1:7000\" is an endpoint of this service as well"),
        "{said}"
    );
}

#[test]
fn an_address_for_gateways_is_one_as_any_other() {
    let said = mistake(", peer_address = \"127.0.0.1:8443\"", "");
    assert!(said.contains("already the address of a listener"), "{said}");
    let said = mistake(", peer_allow = [\"10.0.0.0/8\"]", "");
    assert!(
        said.contains("this needs the key \"peer_address\""),
        "{said}"
    );
}
