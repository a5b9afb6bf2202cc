//! What is said of names of every kind.

use super::*;

const FILE: &str = r#"
datacenter = "dc1"
name_patterns = ["{service}.{datacenter}", "{service}.default.{datacenter}.internal.td.consul"]
default = "fallback"
[[listen]]
name = "office"
address = "127.0.0.1:8443"
peer_address = "127.0.0.1:8444"
allow = ["10.0.0.0/8"]
[[service]]
name = "currency"
endpoints = ["127.0.0.1:7000"]
deny = ["10.66.0.0/16"]
[[service]]
name = "refdata"
endpoints = ["127.0.0.1:7001"]
adopts = ["dc2"]
failover = ["dc2"]
[[service]]
name = "fallback"
endpoints = ["127.0.0.1:7002"]
[[datacenter]]
name = "dc2"
gateways = ["127.0.0.1:9444"]
"#;

fn asked(face: Face, name: Option<&str>, from: Option<&str>) -> ExplanationJson {
    asked_of(FILE, face, name, from)
}

fn asked_of(config: &str, face: Face, name: Option<&str>, from: Option<&str>) -> ExplanationJson {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("gateway.toml");
    std::fs::write(&file, config).unwrap();
    let question = Question {
        name: name.map(|name| name.as_bytes().to_vec()),
        from: from.map(|from| from.parse().unwrap()),
        face,
    };
    in_file(&file, &question).unwrap()
}

/// Rule and verdict of each step.
fn steps(it: &ExplanationJson) -> Vec<String> {
    let steps = it.steps.iter();
    steps
        .map(|it| format!("{} {}", it.rule, it.verdict))
        .collect()
}

fn says(it: &ExplanationJson, rule: &str) -> String {
    let step = it.steps.iter().find(|it| it.rule == rule);
    step.unwrap_or_else(|| panic!("no {rule} in {it:?}"))
        .says
        .clone()
}

#[test]
fn an_exact_name_says_by_which_form_and_who_may() {
    let told = asked(Face::Clients, Some("Currency.DC1."), None);
    let wanted = [
        "listener unknown",
        "name passes",
        "exact yes",
        "access unknown",
    ];
    assert_eq!(steps(&told), wanted);
    assert_eq!(
        (&*told.outcome, told.looked_up.as_deref()),
        ("depends", Some("currency.dc1"))
    );
    assert!(says(&told, "exact").ends_with("in dc1, by the form {service}.{datacenter}"));
    assert!(says(&told, "listener").contains("--from"));
    let told = asked(
        Face::Clients,
        Some("currency.default.dc1.internal.td.consul"),
        Some("10.1.2.3"),
    );
    assert_eq!(
        (&*told.outcome, told.route.as_deref()),
        ("passed", Some("currency"))
    );
    assert!(
        says(&told, "exact").contains("by the form {service}.default."),
        "{told:?}"
    );
    assert_eq!(told.endpoints[0].endpoint, "127.0.0.1:7000");
    assert_eq!(
        (told.endpoints[0].active, &told.endpoints[0].state),
        (None, &None)
    );
}

#[test]
fn lists_refuse_as_they_do_with_connections() {
    let told = asked(Face::Clients, Some("currency.dc1"), Some("10.66.0.1"));
    assert_eq!(told.reason.as_deref(), Some("route_denied"));
    assert_eq!(told.answer.as_deref(), Some("TLS alert 49 (access_denied)"));
    let told = asked(Face::Clients, Some("currency.dc1"), Some("192.0.2.1"));
    assert_eq!(told.reason.as_deref(), Some("listener_denied"));
    assert_eq!(told.answer.as_deref(), Some("the connection is closed"));
    // The address for gateways has no list.
    let told = asked(Face::Peers, Some("currency.dc1"), Some("192.0.2.1"));
    assert_eq!(told.outcome, "passed", "{told:?}");
}

#[test]
fn other_data_centres_are_reached_by_clients_and_not_by_their_gateways() {
    let told = asked(Face::Clients, Some("currency.dc2"), Some("10.0.0.1"));
    assert_eq!(
        (told.kind.as_deref(), told.route.as_deref()),
        (Some("datacenter"), Some("dc2"))
    );
    assert!(steps(&told).contains(&"suffix yes".to_owned()));
    let told = asked(Face::Peers, Some("currency.dc2"), None);
    assert_eq!(told.reason.as_deref(), Some("unknown_name"));
    assert!(
        says(&told, "suffix").contains("nothing goes in a circle"),
        "{told:?}"
    );
    let told = asked(Face::Clients, Some("refdata.dc2"), Some("10.0.0.1"));
    assert_eq!(told.kind.as_deref(), Some("adoption"));
    assert!(
        says(&told, "exact").contains("in dc2, by the form"),
        "{told:?}"
    );
    let names = |it: &ExplanationJson| -> Vec<String> {
        it.endpoints.iter().map(|it| it.endpoint.clone()).collect()
    };
    assert_eq!(names(&told), ["127.0.0.1:9444", "127.0.0.1:7001"]);
    let told = asked(Face::Peers, Some("refdata.dc2"), None);
    assert_eq!(names(&told), ["127.0.0.1:7001"]);
}

#[test]
fn names_that_lead_nowhere_are_told_why() {
    let told = asked(Face::Clients, Some("nobody.dc1"), Some("10.0.0.1"));
    assert_eq!(told.reason.as_deref(), Some("unknown_name"));
    assert!(
        says(&told, "suffix").contains("never the default's"),
        "{told:?}"
    );
    let told = asked(Face::Clients, Some("www.example.com"), Some("10.0.0.1"));
    assert_eq!(told.route.as_deref(), Some("fallback"));
    assert!(
        says(&told, "suffix").contains("it ends with none of .dc2"),
        "{told:?}"
    );
    for (name, why) in [
        ("10.0.0.1", "an IP address in place of a name"),
        ("currency.dc1:443", "a name with a port"),
        ("", "an empty name"),
        ("a..dc1", "an empty label"),
        ("a\u{1b}[2J.dc1", r"the character \x1b"),
    ] {
        let told = asked(Face::Clients, Some(name), Some("10.0.0.1"));
        assert_eq!(told.reason.as_deref(), Some("malformed_name"), "{name:?}");
        assert!(says(&told, "name").contains(why), "{told:?}");
        let text = serde_json::to_string(&told).unwrap();
        assert!(!text.contains("\\u001b"), "{text}");
    }
    // Escaped once.
    let told = asked(Face::Clients, Some("a\\b\u{1b}"), Some("10.0.0.1"));
    let said = says(&told, "name");
    assert!(
        said.starts_with(r#""a\x5cb\x1b" is no server name: "#),
        "{said}"
    );
    let told = asked(Face::Clients, None, Some("10.0.0.1"));
    assert_eq!(told.reason.as_deref(), Some("absent_name"));
    assert!(says(&told, "default").contains("default_without_name is not set"));
}

#[test]
fn where_nobody_listens_no_rule_is_asked() {
    let config = FILE
        .lines()
        .filter(|line| !line.starts_with("peer_address") && !line.starts_with("adopts"));
    let config: String = config.map(|line| format!("{line}\n")).collect();
    let told = asked_of(&config, Face::Peers, Some("currency.dc1"), None);
    assert_eq!(steps(&told), ["listener refuses"]);
    assert!(says(&told, "listener").contains("no listener has a peer_address"));
    assert_eq!(told.answer.as_deref(), Some("nobody listens there"));
}

#[test]
fn a_file_with_mistakes_says_them() {
    let question = Question {
        name: None,
        from: None,
        face: Face::Clients,
    };
    let said = in_file("/nowhere.toml".as_ref(), &question).unwrap_err();
    assert!(said.starts_with("/nowhere.toml"), "{said}");
}
