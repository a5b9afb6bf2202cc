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

/// The one warning of these files.
fn warning(texts: &[String]) -> String {
    let mut warnings = check(texts).warnings;
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    warnings.remove(0)
}

/// A pair that fits, the first of which is changed so.
fn pair(from: &str, to: &str) -> [String; 2] {
    let first = gateway("dc1", "dc2", 8443, 9444, ADOPTS[0]);
    assert!(first.contains(from), "{from}");
    let second = gateway("dc2", "dc1", 9443, 8444, ADOPTS[1]);
    [first.replace(from, to), second]
}

#[test]
fn a_header_that_nobody_expects_is_told_and_so_is_one_that_nobody_sends() {
    let gateways = "gateways = [\"127.0.0.1:9444\"]";
    let sent = format!("{gateways}\nproxy = \"v2\"");
    let said = warning(&pair(gateways, &sent));
    assert!(
        said.contains("0.toml: proxy = \"v2\" sends a header"),
        "{said}"
    );
    assert!(
        said.contains("in proxy_from of its [[listen]] in"),
        "{said}"
    );
    let believing = |[first, second]: [String; 2], whom: &str| {
        let proxy_from = format!("[listen]\nproxy_from = [\"{whom}\"]");
        [first, second.replace("[listen]", &proxy_from)]
    };
    // Of another.
    let said = warning(&believing(pair(gateways, &sent), "10.0.0.1"));
    assert!(said.contains("sends a header"), "{said}");
    let fits = check(&believing(pair(gateways, &sent), "127.0.0.0/8"));
    assert_eq!(fits.warnings, Vec::<String>::new());
    let said = warning(&believing(pair("", ""), "127.0.0.1"));
    assert!(
        said.contains("0.toml: \"127.0.0.1:9444\", a gateway of \"dc2\", expects"),
        "{said}"
    );
    assert!(said.contains("give proxy = \"v2\""), "{said}");
}

#[test]
fn an_address_at_which_nobody_listens_is_told() {
    let said = warning(&pair("127.0.0.1:9444", "127.0.0.1:9445"));
    let expected = "0.toml: nobody in the files given listens at \"127.0.0.1:9445\", a gateway of \
                    \"dc2\", which listens on 127.0.0.1:9443, 127.0.0.1:9444: change";
    assert!(said.contains(expected), "{said}");
    let named = pair("127.0.0.1:9444", "gw.dc2.example:9444");
    assert_eq!(check(&named).warnings, Vec::<String>::new());
    // Nothing is known of a data centre whose file is not given.
    assert_eq!(check(&named[..1]).warnings, Vec::<String>::new());
}

#[test]
fn names_that_are_unknown_where_they_are_led_are_told() {
    let first = "datacenter = \"dc1\"";
    let patterns = "\"{service}.{datacenter}\", \"{service}.{datacenter}.example\"";
    let said = warning(&pair(
        first,
        &format!("{first}\nname_patterns = [{patterns}]"),
    ));
    let expected = "0.toml: names of the form \"{service}.{datacenter}.example\" are led to \"dc2\", \
                    where they are unknown: give the same name_patterns in";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_gateway_that_anybody_may_be_is_told() {
    let own = "peer_address = \"127.0.0.1:8444\"";
    let open = own.replace("127.0.0.1", "0.0.0.0");
    let said = warning(&pair(own, &open));
    let expected = "0.toml: whoever reaches 0.0.0.0:8444, the peer_address, is taken for a gateway";
    assert!(said.contains(expected), "{said}");
    let shut = check(&pair(own, &format!("{open}\npeer_allow = [\"127.0.0.1\"]")));
    assert_eq!(shut.warnings, Vec::<String>::new());
}

#[test]
fn a_data_centre_that_is_adopted_and_not_there_is_told() {
    let said = warning(&pair(ADOPTS[0], "adopts = [\"dc2\", \"cd2\"]"));
    let expected =
        "the service \"refdata\" adopts \"cd2\", and there is no [[datacenter]] of this name";
    assert!(
        said.contains(expected) && said.ends_with("; did you mean \"dc2\"?"),
        "{said}"
    );
}

#[test]
fn the_pair_of_files_to_copy_fits() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../configs");
    let paths = ["dc1.toml", "dc2.toml"].map(|name| PathBuf::from(directory).join(name));
    let report = files(paths.iter().map(PathBuf::as_path));
    assert_eq!((&*report.mistakes, report.warnings), ("", Vec::new()));
}

/// The pair for two real sites, whose data centres have two gateways each.
#[test]
fn a_gateway_that_is_left_out_of_the_others_lists_is_told() {
    let first = include_str!("../../configs/dc1.toml").to_owned();
    let second = include_str!("../../configs/dc2.toml");
    let with = |from: &str, to: &str| {
        assert!(second.contains(from), "{from}");
        check(&[first.clone(), second.replace(from, to)]).warnings
    };
    assert_eq!(with("", ""), Vec::<String>::new());
    let headers = "proxy_from = [\"10.1.0.5\", \"10.1.0.6\"]";
    let said = with(headers, "proxy_from = [\"10.1.0.5\"]").join("\n");
    assert!(
        said.contains("0.toml: 10.1.0.6 of \"dc1\" send a header before each hello to"),
        "{said}"
    );
    let lists = "peer_allow = [\"10.1.0.5\", \"10.1.0.6\"]";
    let said = with(lists, "peer_allow = [\"10.1.0.99\"]").join("\n");
    assert!(
        said.contains("0.toml: 10.1.0.5, 10.1.0.6 of \"dc1\" may not connect to"),
        "{said}"
    );
}
