//! Message n depends on the seed and n alone.

use std::time::Duration;

use proptest::prelude::*;
use soupbintcp_sim::day::Day;

use crate::speed::fastest;

/// Blocks begin every 2¹⁵ messages of a lane, the other lane's in between.
const BLOCK: u64 = 1 << 15;

/// Numbers anywhere, and around the ends of parts, blocks and days.
fn numbers() -> impl Strategy<Value = u64> {
    let near = (0_u64..1 << 14, 0_u64..40)
        .prop_map(|(block, off)| (9008 + block * BLOCK / 2 + off).saturating_sub(20).max(1));
    let days = (1_u64..4, 0_u64..40).prop_map(|(day, off)| day * Day::LENGTH + off - 20);
    prop_oneof![
        1_u64..1_000_000_000,
        1_u64..20_000,
        near,
        days,
        99_000_000_000_u64..100_000_000_000
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_reader_may_begin_anywhere(seed: u64, number in numbers(), before in 1_u64..3000) {
        let day = Day::new(seed);
        let first = number.saturating_sub(before).max(1);
        let mut sequential = day.from(first);
        while sequential.number() < number {
            sequential.next();
        }
        let mut direct = day.from(number);
        for _ in 0..50 {
            prop_assert_eq!(direct.number(), sequential.number());
            prop_assert_eq!(direct.next(), sequential.next());
        }
    }
}

#[test]
fn a_reader_across_a_whole_block_stands_where_a_new_one_does() {
    let day = Day::new(11);
    let mut sequential = day.from(1);
    for number in 1..=100_000 {
        let message = sequential.next().to_vec();
        if number % 9973 == 0 {
            assert_eq!(day.message(number), message, "message {number}");
        }
    }
}

#[test]
fn seeds_differ() {
    let (a, b) = (Day::new(1), Day::new(2));
    let differ = |number| a.message(number) != b.message(number);
    assert!((20_000..20_020).all(differ));
}

#[test]
fn numbers_count_from_one() {
    let day = Day::new(3);
    assert_eq!(day.from(0).number(), 1);
    assert_eq!(day.message(0), day.message(1));
}

/// The bytes are a promise: two versions of the program must be able to stand in for each other.
#[test]
fn the_bytes_never_change() {
    let day = Day::new(7);
    let text = |number| {
        let bytes = day.message(number);
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let places = [2, 10_000, 50_000, 200_000_000, Day::LENGTH, 1_000_000_000];
    let found: Vec<_> = places.into_iter().map(text).collect();
    assert_eq!(found, GOLDEN);
}

const GOLDEN: [&str; 6] = [
    "520001000009d2c6b90d084120202020202020514e000000644e435a20504e4e324e000000004e",
    "45017d0000116b4ef010b0000000000000c0fe00000025000000000000c00f",
    "41070a00001f1b261ed7a700000000000108814200000064504f544a2020202000327b0c",
    "410935000030c87b8563e1000000000bec08245300000064554f4f4d202020200002c9ac",
    "530000000041e281ae639243",
    "4109c10000447bbb913ead000000003b9cc46e530000006456514a482020202000097388",
];

/// A login is answered within 50 ms, also by a program that was not optimised.
#[test]
fn the_first_message_takes_milliseconds() {
    let day = Day::new(7);
    let numbers = [1, 30_000, 700_000_123, 999_999_999, 1_000_000_000];
    for number in numbers {
        let took = fastest(5, || drop(day.message(number)));
        println!("message {number} took {took:?}");
        assert!(
            took < Duration::from_millis(50),
            "message {number} took {took:?}"
        );
    }
}
