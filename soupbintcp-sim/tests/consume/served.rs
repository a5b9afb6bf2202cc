//! The consumer at the server that belongs to it.

use std::future::pending;
use std::time::{Duration, SystemTime};

use l4_failover::soupbin::packet::Credentials;
use soupbintcp_sim::consumer::{self, Options, Scheduled};
use soupbintcp_sim::server::{self, Rate, Schedule, Server};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_served_is_clean() {
    let rate = 20_000.try_into().unwrap();
    // So late that the login comes before.
    let start = SystemTime::now() + Duration::from_secs(1);
    let server = Server::bind(server::Options {
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        rate: Rate::PerSecond(rate),
        start: Some(start),
        messages: Some(10_000),
        ..server::Options::default()
    });
    let server = server.unwrap();
    let address = server.addresses()[0].to_string();
    let serving = tokio::spawn(server.serve(pending()));
    let credentials = Credentials::new("user", "secret").unwrap();
    let schedule = Schedule::new(rate, None);
    let options = Options {
        seed: Some(7),
        scheduled: Some(Scheduled { start, schedule }),
        ..Options::new(address, credentials)
    };
    let report = consumer::run(options, pending()).await.unwrap();
    serving.abort();
    assert!(report.is_clean(), "{report} {:?}", report.told);
    assert_eq!(
        (report.messages, report.first, report.last),
        (10_000, Some(1), Some(10_000))
    );
    assert_eq!(report.latency.unwrap().len(), 10_000);
}
