//! What it costs to read a large configuration, counted in allocations: no load of the machine changes
//! those, and what is done once for each service too often is seen in them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;
use std::sync::Arc;

use gateway::config::Config;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Of a service of one endpoint: 18 were counted, and a third more are allowed.
const PER_SERVICE_MAX: usize = 24;

/// Of a service that is as it was, nothing is there for the second time but a pointer to it.
const KEPT_PER_SERVICE_MAX: usize = 16;

fn text(services: usize) -> String {
    let head = "datacenter = \"dc1\"\n[listen]\naddress = \"127.0.0.1:0\"\n";
    let service = |nth: usize| {
        let port = 7000 + nth % 10;
        format!("[[service]]\nname = \"s{nth}\"\nendpoints = [\"127.0.0.1:{port}\"]\n")
    };
    let services: String = (0..services).map(service).collect();
    format!("{head}{services}")
}

fn parse(text: &str) -> Config {
    Config::parse("gateway.toml", text).unwrap()
}

fn parse_after(before: &Config, text: &str) -> Config {
    Config::parse_after(before, "gateway.toml", text).unwrap()
}

/// What `done` comes to, and what was allocated for it.
fn counted<T>(done: impl FnOnce() -> T) -> (T, Stats) {
    let region = Region::new(ALLOCATOR);
    let value = done();
    (value, region.change())
}

/// How many of the services are those of `before`.
fn kept(config: &Config, before: &Config) -> usize {
    let services = config.services.iter();
    let is_before = |it: &&Arc<_>| before.services.iter().any(|before| Arc::ptr_eq(it, before));
    services.filter(is_before).count()
}

/// One test: others beside it would be counted as well.
#[test]
fn reading_costs_as_much_as_there_are_services_and_keeps_what_differs() {
    let (few, many) = (text(500), text(2000));
    let (_, of_few) = counted(|| parse(&few));
    let (before, of_many) = counted(|| parse(&many));
    let (few, many_) = (of_few.allocations, of_many.allocations);
    assert!(many_ < 2000 * PER_SERVICE_MAX, "{many_} allocations");
    assert!(
        many_ * 10 < few * 44,
        "{few}, and {many_} for four times as much"
    );

    let (same, again) = counted(|| parse_after(&before, &many));
    assert_eq!((kept(&same, &before), &same), (2000, &before));
    let kept_bytes = again.bytes_allocated - again.bytes_deallocated;
    assert!(
        kept_bytes < 2000 * KEPT_PER_SERVICE_MAX,
        "{kept_bytes} bytes"
    );

    let other = many
        .replace("\"s7\"", "\"another\"")
        .replace("\"s9\"", "\"s9\"\nbalance = \"source_hash\"");
    let other = parse_after(&before, &other);
    assert_eq!(kept(&other, &before), 1998);
    assert_eq!(
        (&*other.services[7].name, &other.services[8]),
        ("another", &before.services[8])
    );
    assert_ne!(other.services[9], before.services[9]);
}
