//! Which destination a name chooses.

use super::*;

fn patterns(texts: &[&str]) -> Vec<NamePattern> {
    texts
        .iter()
        .map(|text| NamePattern::parse(text).unwrap())
        .collect()
}

fn routes(default: Option<bool>) -> Routes<&'static str> {
    let patterns = patterns(&[
        "{service}.{datacenter}",
        "{service}.ns.{datacenter}.internal.td.consul",
    ]);
    let mut builder = Routes::builder("dc1", &patterns);
    let fallback = Arc::new("fallback");
    builder.service("currency", &Arc::new("currency")).unwrap();
    builder.service("fallback", &fallback).unwrap();
    builder.datacenter("dc2", &Arc::new("dc2")).unwrap();
    builder.datacenter("eu-dc2", &Arc::new("eu-dc2")).unwrap();
    if let Some(without_name) = default {
        builder.default(&fallback, without_name);
    }
    builder.build().unwrap()
}

fn find(routes: &Routes<&'static str>, name: &str) -> Result<&'static str, RouteError> {
    routes.find(Some(name.as_bytes())).map(|target| **target)
}

#[test]
fn an_exact_name_wins_in_any_case_and_with_a_trailing_dot() {
    let routes = routes(None);
    for name in ["currency.dc1", "CURRENCY.Dc1", "currency.dc1."] {
        assert_eq!(find(&routes, name), Ok("currency"));
    }
    assert_eq!(
        find(&routes, "currency.ns.dc1.internal.td.consul"),
        Ok("currency")
    );
}

#[test]
fn a_suffix_spans_any_number_of_labels_and_never_a_part_of_one() {
    let routes = routes(None);
    assert_eq!(find(&routes, "currency.dc2"), Ok("dc2"));
    assert_eq!(find(&routes, "v2.currency.dc2"), Ok("dc2"));
    assert_eq!(find(&routes, "any.other.dc2.internal.td.consul"), Ok("dc2"));
    assert_eq!(find(&routes, "currency.eu-dc2"), Ok("eu-dc2"));
    for name in ["dc2", "currencydc2", "currency.xdc2", "currency.dc2.evil"] {
        assert_eq!(find(&routes, name), Err(RouteError::Unknown), "{name}");
    }
}

#[test]
fn the_longest_suffix_wins() {
    let patterns = patterns(&["{service}.{datacenter}"]);
    let mut builder = Routes::builder("dc1", &patterns);
    builder.datacenter("dc2", &Arc::new("short")).unwrap();
    builder.datacenter("dc3", &Arc::new("other")).unwrap();
    let mut routes = builder.build().unwrap();
    let long = Suffixed::Elsewhere(Arc::new("long"));
    routes.suffixes.insert(".eu.dc2".into(), long);
    assert_eq!(find(&routes, "currency.eu.dc2"), Ok("long"));
    assert_eq!(find(&routes, "currency.us.dc2"), Ok("short"));
}

#[test]
fn the_default_takes_only_well_formed_names_outside_the_data_centres() {
    let routes = routes(Some(false));
    assert_eq!(find(&routes, "www.example.com"), Ok("fallback"));
    assert_eq!(find(&routes, "unknown.dc1"), Err(RouteError::Unknown));
    assert_eq!(
        find(&routes, "unknown.ns.dc1.internal.td.consul"),
        Err(RouteError::Unknown)
    );
    assert_eq!(routes.find(None).unwrap_err(), RouteError::Absent);
    for name in ["", "a b", "127.0.0.1", "currency.dc1:443", "*.dc2", "a..b"] {
        let error = find(&routes, name).unwrap_err();
        assert!(matches!(error, RouteError::Malformed(_)), "{name}: {error}");
    }
}

#[test]
fn a_hello_without_a_name_needs_its_own_permission() {
    assert_eq!(**routes(Some(true)).find(None).unwrap(), "fallback");
    assert_eq!(routes(None).find(None).unwrap_err(), RouteError::Absent);
}

#[test]
fn one_name_for_two_destinations_is_refused() {
    let patterns = patterns(&["a.{service}.{datacenter}", "{service}.b.{datacenter}"]);
    let mut builder = Routes::builder("dc1", &patterns);
    builder.service("b", &Arc::new("b")).unwrap();
    let error = builder.service("a", &Arc::new("a")).unwrap_err();
    assert_eq!(error, Conflict("a.b.dc1".into()).into());
}

#[test]
fn another_data_centre_with_our_own_name_is_refused() {
    let patterns = patterns(&["{service}.{datacenter}"]);
    let mut builder = Routes::builder("dc1", &patterns);
    builder.datacenter("dc1", &Arc::new("loop")).unwrap();
    assert_eq!(
        builder.build().unwrap_err(),
        Conflict("*.dc1".into()).into()
    );
}
