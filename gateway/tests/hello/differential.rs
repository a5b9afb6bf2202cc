//! Thousands of mutated hellos, read by us and by rustls.

use std::collections::HashMap;
use std::env;
use std::panic;

use crate::mutate::{Parts, Random, change, damage, in_records};
use crate::oracle::{Stricter, Verdict, compare};
use crate::recorded::Recorded;

/// Takes three seconds. `HELLO_MUTATIONS` sets another number.
const MUTATIONS: usize = 20_000;

fn mutations() -> usize {
    let number = env::var("HELLO_MUTATIONS").ok();
    number.map_or(MUTATIONS, |number| number.parse().expect("a number"))
}

fn mutated(seeds: &[Parts], random: &mut Random) -> Vec<u8> {
    let mut parts = seeds[random.below(seeds.len())].clone();
    for _ in 0..random.below(4) {
        change(&mut parts, random);
    }
    let message = parts.message();
    let sizes = [1 + random.below(64), 1 + random.below(2 * message.len())];
    let sizes = if random.below(2) == 0 {
        &sizes[1..]
    } else {
        &sizes
    };
    let mut flight = in_records(&message, sizes);
    if random.below(3) == 0 {
        damage(&mut flight, random);
    }
    flight
}

#[test]
fn recorded_hellos_are_accepted_by_both() {
    for recorded in Recorded::all() {
        assert_eq!(
            compare(&recorded.flight),
            Verdict::Accepted,
            "{}",
            recorded.file
        );
    }
}

#[test]
fn mutated_hellos_are_read_as_rustls_reads_them() {
    let seeds: Vec<Parts> = Recorded::all().iter().map(Parts::of).collect();
    let mut random = Random(1);
    let mut verdicts: HashMap<Verdict, usize> = HashMap::new();
    for number in 0..mutations() {
        let flight = mutated(&seeds, &mut random);
        let verdict = panic::catch_unwind(|| compare(&flight));
        let verdict = verdict.unwrap_or_else(|_| panic!("mutation {number}: {flight:02x?}"));
        *verdicts.entry(verdict).or_default() += 1;
    }
    println!("{verdicts:?}");
    for (verdict, least) in [
        (Verdict::Accepted, 1000),
        (Verdict::Refused, 1000),
        (Verdict::OnlyOurs, 100),
        (Verdict::OnlyTheirs(Stricter::Length), 10),
        (Verdict::OnlyTheirs(Stricter::RecordLength), 1),
        (Verdict::OnlyTheirs(Stricter::Extensions), 10),
        (Verdict::OnlyTheirs(Stricter::ServerNames), 10),
    ] {
        let seen = verdicts.get(&verdict).copied().unwrap_or_default();
        assert!(
            seen >= least,
            "{verdict:?} {seen} times, of which {least} were expected"
        );
    }
}
