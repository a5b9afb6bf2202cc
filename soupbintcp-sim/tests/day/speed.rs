//! How long things take.

use std::time::{Duration, Instant};

use soupbintcp_sim::day::Day;

/// The shortest of some runs: what the work takes when nobody disturbs it.
pub(crate) fn fastest(runs: usize, mut work: impl FnMut()) -> Duration {
    let times = (0..runs).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    });
    times.min().unwrap()
}

/// `cargo test --release -p soupbintcp-sim --test day -- --ignored --nocapture speed`
#[test]
#[ignore = "a measurement, which wants a release build and a quiet machine"]
fn messages_per_second() {
    const MESSAGES: u64 = 5_000_000;
    let day = Day::new(7);
    let mut sum = 0_u64;
    let took = fastest(3, || {
        let mut stream = day.from(100_000);
        for _ in 0..MESSAGES {
            sum = sum.wrapping_add(u64::from(stream.next()[0]));
        }
    });
    let rate = MESSAGES as f64 / took.as_secs_f64();
    println!("{:.1} million messages/s ({sum})", rate / 1e6);
    let first = fastest(20, || drop(day.message(1_000_000_000)));
    println!("first message at 10^9 after {first:?}");
    assert!(rate > 5e6);
}
