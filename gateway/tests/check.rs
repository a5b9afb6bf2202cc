//! What `check` says of several files that are seen together.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use gateway::check::{Report, files};

/// A gateway of `here` that fails over to `there`, whose gateway is at this port; `keys` are more of its
/// service's.
fn gateway(here: &str, there: &str, listen: u16, gateway: u16, keys: &str) -> String {
    let peer = listen + 1;
    format!(
        r#"datacenter = "{here}"
[listen]
address = "127.0.0.1:{listen}"
peer_address = "127.0.0.1:{peer}"
[[service]]
name = "refdata"
endpoints = ["127.0.0.1:7000"]
failover = ["{there}"]
{keys}
[[datacenter]]
name = "{there}"
gateways = ["127.0.0.1:{gateway}"]
"#
    )
}

fn check(texts: &[String]) -> Report {
    let directory = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = texts
        .iter()
        .enumerate()
        .map(|(nth, text)| {
            let path = directory.path().join(format!("{nth}.toml"));
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    let report = files(paths.iter().map(PathBuf::as_path));
    assert_eq!(report.mistakes, "");
    report
}

const ADOPTS: [&str; 2] = ["adopts = [\"dc2\"]", "adopts = [\"dc1\"]"];

#[test]
fn a_pair_that_fits_is_warned_of_nothing() {
    let pair = [
        gateway("dc1", "dc2", 8443, 9444, ADOPTS[0]),
        gateway("dc2", "dc1", 9443, 8444, ADOPTS[1]),
    ];
    assert_eq!(check(&pair).warnings, Vec::<String>::new());
}

#[test]
fn gateways_that_are_sent_to_the_address_for_clients_are_named() {
    let pair = [
        gateway("dc1", "dc2", 8443, 9443, ADOPTS[0]),
        gateway("dc2", "dc1", 9443, 8444, ADOPTS[1]),
    ];
    let [warning] = &check(&pair).warnings[..] else {
        panic!("one is wrong");
    };
    assert!(
        warning.contains("0.toml: \"127.0.0.1:9443\", a gateway of \"dc2\""),
        "{warning}"
    );
    assert!(
        warning.contains("\"127.0.0.1:9444\" (peer_address in"),
        "{warning}"
    );
}

#[test]
fn a_failover_that_nobody_answers_is_told() {
    let pair = [
        gateway("dc1", "dc2", 8443, 9444, ""),
        gateway("dc2", "dc1", 9443, 8444, ADOPTS[1]),
    ];
    let [warning] = &check(&pair).warnings[..] else {
        panic!("dc1 does not answer for dc2");
    };
    assert!(
        warning.contains("1.toml: the service \"refdata\" fails over to \"dc1\""),
        "{warning}"
    );
    assert!(warning.contains("give adopts = [\"dc2\"]"), "{warning}");
}

#[test]
fn a_port_and_a_service_that_both_fail_over_hide_each_other() {
    let port = |second: &str| {
        let target = |name: &str| {
            format!("{{ address = \"127.0.0.1:8443\", tls = {{ server_name = \"{name}\" }} }}")
        };
        format!(
            "[[port]]\nname = \"reference\"\nlisten = \"127.0.0.1:18082\"\nprimary = [{}]\nbackup = [{}]\n",
            target("refdata.dc1"),
            target(second),
        )
    };
    let gateway = gateway("dc1", "dc2", 8443, 9444, ADOPTS[0]);
    let [warning] = &check(&[gateway.clone(), port("refdata.dc2")]).warnings[..] else {
        panic!("two layers fail over");
    };
    assert!(
        warning.contains("the port \"reference\" fails over between data centres"),
        "{warning}"
    );
    let alone = check(&[gateway, port("other.dc2")]);
    assert_eq!(alone.warnings, Vec::<String>::new());
    assert!(alone.routes.contains("1.toml: ok; ports of l4-failover"));
}
