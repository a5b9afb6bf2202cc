//! Figures of `serve`. They want an optimised build and a quiet machine:
//! `cargo test --release -p soupbintcp-sim --test serve_speed -- --ignored --nocapture --test-threads 1`
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod feed;

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use feed::{Feed, scheduled, unbounded};
use rustix::time::{ClockId, clock_gettime};
use soupbintcp_sim::server::Options;

/// Reads for so long and throws away.
fn drain(feed: &Feed, time: Duration) -> f64 {
    let mut client = feed.login(1);
    let mut buffer = vec![0; 1 << 20];
    let began = Instant::now();
    let before = feed.handle.status().messages;
    while began.elapsed() < time {
        assert!(client.stream.read(&mut buffer).unwrap() > 0);
    }
    (feed.handle.status().messages - before) as f64 / began.elapsed().as_secs_f64()
}

#[test]
#[ignore = "a measurement, which wants a release build and a quiet machine"]
fn messages_per_second_at_saturation() {
    let feed = Feed::start(unbounded());
    println!(
        "one client: {:.0} messages/s",
        drain(&feed, Duration::from_secs(3))
    );
    let rates = thread::scope(|scope| {
        let drains = [0; 4].map(|_| scope.spawn(|| drain(&feed, Duration::from_secs(3))));
        drains.map(|it| it.join().unwrap())
    });
    // Each saw what all got together.
    println!(
        "four clients at the same place: {:.0} messages/s together",
        rates[0]
    );
}

#[test]
#[ignore = "a measurement, which wants a release build and a quiet machine"]
fn lateness_and_processor_time_by_rate() {
    for rate in ["100", "10000", "100000", "500000"] {
        let feed = Feed::start(Options {
            ..scheduled(rate, Duration::ZERO)
        });
        let (time, began) = (clock_gettime(ClockId::ProcessCPUTime), Instant::now());
        drain(&feed, Duration::from_secs(3));
        let used = clock_gettime(ClockId::ProcessCPUTime);
        let used = (used.tv_sec - time.tv_sec) as f64 + (used.tv_nsec - time.tv_nsec) as f64 / 1e9;
        let share = 100.0 * used / began.elapsed().as_secs_f64();
        let lateness = feed.handle.status().lateness;
        println!("{rate}/s: {lateness:?}; with its client {share:.0} % of a core");
    }
}
