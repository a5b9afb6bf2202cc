//! What is done again and again, and how long it takes.

#![allow(clippy::print_stdout, reason = "figures are for people")]

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// How often to do it: as a variable of the environment says, or else few times.
pub fn times(variable: &str, otherwise: u32) -> u32 {
    let given = std::env::var(variable).ok();
    given.map_or(otherwise, |times| times.parse().expect("a number"))
}

/// Waits until some moment within `interval`, which is that of checks: faults keep to no rhythm.
pub fn random_phase(interval: Duration) {
    let micros = u64::try_from(interval.as_micros()).unwrap();
    let random = RandomState::new().hash_one(0);
    std::thread::sleep(Duration::from_micros(random % micros));
}

/// Prints how long things took; the longest.
pub fn figures(what: &str, mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    let at = |share: f64| took[((took.len() - 1) as f64 * share).round() as usize];
    let (p50, p99, max) = (at(0.5), at(0.99), at(1.0));
    println!(
        "{what}: {} times; p50 {p50:?}, p99 {p99:?}, max {max:?}",
        took.len()
    );
    max
}
