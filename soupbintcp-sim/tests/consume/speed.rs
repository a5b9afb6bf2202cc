//! How fast the consumer takes and judges messages.

use std::future::pending;
use std::time::Instant;

use l4_failover::soupbin::packet::Credentials;
use soupbintcp_sim::consumer::{self, Options};

use crate::server::{Act, SEED, serve};

/// `cargo test --release -p soupbintcp-sim --test consume -- --ignored --nocapture speed`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, which wants a release build and a quiet machine"]
async fn messages_per_second() {
    const MESSAGES: u64 = 3_000_000;
    for seed in [Some(SEED), None] {
        // Made before the clock starts: this measures the consumer.
        let mut made = Vec::new();
        let day = soupbintcp_sim::day::Day::new(SEED);
        let mut messages = day.from(1);
        for _ in 0..MESSAGES {
            let packet = l4_failover::soupbin::packet::Packet::Sequenced(messages.next());
            packet.encode(&mut made).unwrap();
        }
        let script = vec![Act::Accept(None), Act::Raw(made), Act::End];
        let (address, _server) = serve(vec![script]).await;
        let credentials = Credentials::new("", "").unwrap();
        let options = Options {
            seed,
            ..Options::new(address.to_string(), credentials)
        };
        let begun = Instant::now();
        let report = consumer::run(options, pending()).await.unwrap();
        let rate = MESSAGES as f64 / begun.elapsed().as_secs_f64();
        assert!(report.is_clean(), "{report}");
        println!("seed {seed:?}: {:.2} million messages/s", rate / 1e6);
        assert!(rate > 1e6);
    }
}
