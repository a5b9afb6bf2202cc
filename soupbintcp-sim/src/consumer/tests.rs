//! The judges, without a socket: each mistake is counted once, and as what it is.

use proptest::prelude::*;

use super::against_seed::AgainstSeed;
use super::against_time::AgainstTime;
use super::verdict::{Fault, Faults, Tally};
use crate::day::Day;

const SEED: u64 = 7;

/// Messages of the seed by their numbers.
fn messages(numbers: impl IntoIterator<Item = u64>) -> Vec<Vec<u8>> {
    let day = Day::new(SEED);
    let mut stream = day.from(1);
    let mut message = |number| {
        if stream.number() != number {
            stream = day.from(number);
        }
        stream.next().to_vec()
    };
    numbers.into_iter().map(&mut message).collect()
}

/// The verdict on messages of which the first should be number `first`.
fn judged(first: u64, messages: &[Vec<u8>]) -> Tally {
    let mut tally = Tally::default();
    let mut judge = AgainstSeed::new(SEED, first);
    for (at, message) in (first..).zip(messages) {
        judge.judge(message, at, &mut tally);
    }
    tally
}

fn timed(messages: &[Vec<u8>]) -> Tally {
    let mut tally = Tally::default();
    let mut judge = AgainstTime::default();
    for (at, message) in (1..).zip(messages) {
        judge.judge(message, at, &mut tally);
    }
    tally
}

fn faults(gaps: u64, duplicates: u64, reorders: u64, corrupt: u64) -> Faults {
    Faults {
        gaps,
        duplicates,
        reorders,
        corrupt,
    }
}

#[test]
fn what_is_as_it_should_be_is_clean() {
    let stream = messages(30_000..33_000);
    assert!(judged(30_000, &stream).faults.is_clean());
    assert!(timed(&stream).faults.is_clean());
}

#[test]
fn a_gap_counts_what_is_missing() {
    let stream = messages((100..110).chain(113..2000));
    let tally = judged(100, &stream);
    assert_eq!(tally.faults, faults(3, 0, 0, 0));
    assert_eq!(
        tally.told,
        [Fault::Gap {
            at: 110,
            missing: 3
        }]
    );
}

#[test]
fn a_gap_may_be_farther_than_what_is_nearby() {
    let stream = messages((100..110).chain(5_000_000..5_000_100));
    assert_eq!(judged(100, &stream).faults, faults(4_999_890, 0, 0, 0));
}

#[test]
fn what_comes_again_is_a_duplicate_and_nothing_else() {
    let stream = messages((100..120).chain(110..140));
    assert_eq!(judged(100, &stream).faults, faults(0, 10, 0, 0));
    assert_eq!(timed(&stream).faults, faults(0, 10, 0, 0));
    // A server that begins again from far behind.
    let stream = messages((1..8000).chain(10..8100));
    assert_eq!(judged(1, &stream).faults, faults(0, 7990, 0, 0));
}

#[test]
fn what_comes_late_is_a_reorder_and_no_gap() {
    let stream = messages((100..110).chain([112, 110, 111]).chain(113..130));
    let tally = judged(100, &stream);
    assert_eq!(tally.faults, faults(0, 0, 2, 0));
    assert_eq!(timed(&stream).faults, faults(0, 0, 2, 0));
    let late = Fault::Reorder {
        at: 111,
        of: Some(110),
    };
    assert_eq!(tally.told[1], late);
    assert_eq!(late.to_string(), "message 111: it is number 110, and late");
}

#[test]
fn a_changed_byte_is_corrupt_and_nothing_else() {
    for byte in [0, 3, 5, 8, 12] {
        let mut stream = messages(20_000..20_100);
        stream[50][byte] ^= 0x40;
        assert_eq!(
            judged(20_000, &stream).faults,
            faults(0, 0, 0, 1),
            "byte {byte}"
        );
    }
}

#[test]
fn what_was_put_in_is_corrupt_and_nothing_else() {
    let mut stream = messages(20_000..20_100);
    stream.insert(50, b"what is this".to_vec());
    assert_eq!(judged(20_000, &stream).faults, faults(0, 0, 0, 1));
}

#[test]
fn another_seed_is_all_corrupt() {
    let mut other = Day::new(SEED + 1).from(20_000);
    let stream: Vec<_> = (0..3000).map(|_| other.next().to_vec()).collect();
    let tally = judged(20_000, &stream);
    assert_eq!(tally.faults, faults(0, 0, 0, 3000));
    assert!(tally.told.len() < 100);
}

#[test]
fn a_stream_with_other_numbers_than_its_login_said_is_no_clean_one() {
    // The server said 100, and sent from 40 on.
    assert_eq!(judged(100, &messages(40..200)).faults, faults(0, 60, 0, 0));
}

#[test]
fn one_damaged_time_does_not_make_all_that_follows_late() {
    let mut stream = messages(20_000..21_000);
    stream[50][5] = 0xff;
    let tally = timed(&stream);
    assert_eq!(tally.faults, faults(0, 0, 16, 0), "and not 949");
}

#[test]
fn messages_of_another_protocol_have_no_time() {
    let stream = [b"hello".to_vec(), b"hello".to_vec()];
    assert!(timed(&stream).faults.is_clean());
}

#[test]
fn a_number_that_no_stream_reaches_is_no_overflow() {
    for first in [0, Day::FARTHEST, u64::MAX] {
        let mut judge = AgainstSeed::new(SEED, first);
        let mut tally = Tally::default();
        judge.judge(b"what is this", first, &mut tally);
        assert_eq!(tally.faults, faults(0, 0, 0, 1));
    }
    let mut tally = Tally::default();
    for _ in 0..2 {
        tally.count(Fault::Gap {
            at: 1,
            missing: u64::MAX,
        });
    }
    assert_eq!(tally.faults.gaps, u64::MAX);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any number of cuts, each far from the others: the counts are exact.
    #[test]
    fn mistakes_add_up(kinds in prop::collection::vec((0..4_u8, 1_u64..30), 1..12)) {
        let mut numbers: Vec<u64> = Vec::new();
        let mut expected = Faults::default();
        let mut changed = Vec::new();
        let mut next = 9_000;
        for (kind, size) in kinds {
            numbers.extend(next..next + 100);
            next += 100;
            match kind {
                0 => {
                    next += size;
                    expected.gaps += size;
                }
                1 => {
                    numbers.extend(next - size..next);
                    expected.duplicates += size;
                }
                2 => {
                    numbers.extend([next + 1, next]);
                    next += 2;
                    expected.reorders += 1;
                }
                _ => {
                    changed.push(numbers.len());
                    numbers.push(next);
                    next += 1;
                    expected.corrupt += 1;
                }
            }
        }
        numbers.extend(next..next + 100);
        let mut stream = messages(numbers);
        for at in changed {
            stream[at][1] ^= 0x80;
        }
        prop_assert_eq!(judged(9_000, &stream).faults, expected);
    }
}
