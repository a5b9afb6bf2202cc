//! Orders live as on an exchange, and time goes on.

use proptest::prelude::*;
use soupbintcp_sim::day::Day;
use soupbintcp_sim::itch::{Message, SystemEventCode};

use crate::book::Books;

/// After so many messages a reader knows every live order: no block is longer.
const WARM: u64 = 2 * (1 << 14) + 4000;

fn follow(day: &Day, from: u64, messages: u64) -> Books {
    let mut books = Books::warming();
    let mut stream = day.from(from);
    for at in 0..messages {
        if at == WARM {
            books.is_warming = false;
        }
        books.apply(stream.next());
    }
    books
}

#[test]
fn a_day_from_its_beginning() {
    let day = Day::new(7);
    let mut books = Books::default();
    let mut stream = day.from(1);
    for _ in 0..150_000 {
        books.apply(stream.next());
    }
    assert!(books.live() > 1000, "only {} live orders", books.live());
    let bells = [
        SystemEventCode::StartOfMessages,
        SystemEventCode::StartOfSystemHours,
        SystemEventCode::StartOfMarketHours,
    ];
    assert_eq!(books.bells(), bells);
}

#[test]
fn the_end_of_a_day_and_the_beginning_of_the_next() {
    let day = Day::new(7);
    let books = follow(&day, Day::LENGTH - 60_000 + 1, 60_000);
    assert_eq!(books.live(), 0);
    let end = [
        SystemEventCode::EndOfSystemHours,
        SystemEventCode::EndOfMessages,
    ];
    assert_eq!(books.bells(), end);
    let books = follow(&day, Day::LENGTH - 50_000, 120_000);
    assert_eq!(books.bells().len(), 5);
}

#[test]
fn the_close() {
    let day = Day::new(8);
    let close = Day::LENGTH - 2 - (1 << 21) - 1757;
    let books = follow(&day, close - 45_000, 70_000);
    assert_eq!(books.bells(), [SystemEventCode::EndOfMarketHours]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn orders_live_as_on_an_exchange(seed: u64, from in 1_u64..3_000_000_000) {
        let books = follow(&Day::new(seed), from, 100_000);
        prop_assert!(books.live() > 0);
    }

    #[test]
    fn timestamps_strictly_increase(seed: u64, from in prop_oneof![
        1_u64..1_000_000_000,
        1_u64..20_000,
        Just(Day::LENGTH - 10_000),
        Just(Day::LENGTH - (1 << 21) - 10_000),
        99_999_000_000_u64..99_999_980_000,
    ]) {
        let mut stream = Day::new(seed).from(from);
        let mut last = stream.advance().header.timestamp;
        for _ in 0..20_000 {
            let next = Message::decode(stream.next()).unwrap().header.timestamp;
            prop_assert!(last < next, "{:?} then {:?}", last, next);
            last = next;
        }
    }
}

/// Far apart, too: what a reader sees in short stretches holds for the whole.
#[test]
fn timestamps_increase_over_all_messages() {
    let day = Day::new(7);
    let mut last = None;
    for number in (1..100_000_000_000).step_by(700_000_001) {
        let now = day.from(number).advance().header.timestamp;
        assert!(Some(now) > last, "message {number}");
        last = Some(now);
    }
}
