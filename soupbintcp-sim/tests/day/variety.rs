//! Every kind occurs early, and as often as on an exchange.

use std::collections::{BTreeMap, HashMap};

use soupbintcp_sim::day::Day;
use soupbintcp_sim::itch::{Body, KINDS, Message};

fn counts(day: &Day, from: u64, messages: u64) -> BTreeMap<char, u64> {
    let mut counts = BTreeMap::new();
    let mut stream = day.from(from);
    for _ in 0..messages {
        *counts.entry(char::from(stream.next()[0])).or_default() += 1;
    }
    counts
}

#[test]
fn every_kind_occurs_among_the_first_20_000() {
    for seed in 0..20 {
        let counts = counts(&Day::new(seed), 1, 20_000);
        for (kind, _) in KINDS {
            let kind = char::from(kind);
            assert!(counts.contains_key(&kind), "no {kind} with seed {seed}");
        }
    }
}

#[test]
fn kinds_are_as_frequent_as_on_an_exchange() {
    const MESSAGES: u64 = 400_000;
    let counts = counts(&Day::new(7), 5_000_000, MESSAGES);
    let percent = |kind| counts[&kind] as f64 * 100.0 / MESSAGES as f64;
    let expected = [
        ('A', 42.0, 46.0),
        ('D', 40.0, 44.0),
        ('U', 7.0, 9.0),
        ('E', 2.0, 3.0),
        ('C', 0.1, 0.5),
        ('X', 0.7, 1.3),
        ('F', 0.3, 0.7),
        ('P', 0.3, 0.7),
    ];
    println!("{counts:?}");
    for (kind, least, most) in expected {
        let found = percent(kind);
        assert!((least..most).contains(&found), "{kind}: {found} %");
    }
}

#[test]
fn few_stocks_have_most_of_the_orders() {
    let mut stream = Day::new(7).from(1_000_000);
    let mut orders: HashMap<u16, u64> = HashMap::new();
    for _ in 0..200_000 {
        let Message { header, body } = stream.advance();
        if matches!(body, Body::AddOrder(_)) {
            *orders.entry(header.locate).or_default() += 1;
        }
    }
    let mut each: Vec<u64> = orders.values().copied().collect();
    each.sort_unstable_by(|a, b| b.cmp(a));
    let all: u64 = each.iter().sum();
    let first: u64 = each[..each.len() / 20].iter().sum();
    println!("{} stocks, {first} of {all}", each.len());
    assert!(each.len() > 1500);
    assert!(first * 100 / all > 30);
}

/// In market hours the ends are busier than noon.
#[test]
fn the_market_is_busiest_at_its_ends() {
    let day = Day::new(7);
    let pause = |number| {
        let at = |number| day.from(number).advance().header.timestamp.nanos();
        at(number + 100_000) - at(number)
    };
    let (open, noon, close) = (pause(20_000), pause(1 << 27), pause((1 << 28) - (1 << 22)));
    assert!(open * 4 < noon && close * 4 < noon, "{open} {noon} {close}");
}

#[test]
fn prices_move() {
    let mut stream = Day::new(7).from(50_000);
    let mut prices: HashMap<u16, Vec<u32>> = HashMap::new();
    for _ in 0..300_000 {
        let Message { header, body } = stream.advance();
        if let Body::OrderExecuted(_) = body {
            continue;
        }
        if let Body::AddOrder(add) = body {
            prices.entry(header.locate).or_default().push(add.price.0);
        }
    }
    let busiest = prices.values().max_by_key(|prices| prices.len()).unwrap();
    let (low, high) = (busiest.iter().min().unwrap(), busiest.iter().max().unwrap());
    assert!(high > low && *high < low * 2, "{low} to {high}");
}
