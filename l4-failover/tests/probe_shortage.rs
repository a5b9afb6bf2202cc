//! A process that has run out of descriptors blames no endpoint. Alone in its process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use l4_failover::probe::{Checker, Probe, Subject};
use l4_failover::{Addresses, Target};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(60);
const FAST: Duration = Duration::from_millis(10);

fn allow_descriptors(current: Option<u64>) {
    let limit = Rlimit {
        current,
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

#[tokio::test]
async fn without_descriptors_there_is_no_verdict() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target: Target = listener.local_addr().unwrap().to_string().parse().unwrap();
    let subject = Subject {
        addresses: Arc::new(Addresses::new(&target)),
        target,
        probe: Probe::Tcp,
        tls: None,
        port: None,
        proxy: false,
        interval: FAST,
        fast_interval: FAST,
        timeout: PATIENCE,
    };
    let enough = getrlimit(Resource::Nofile).current;
    let checker = Checker::new();
    let (verdicts, mut heard) = mpsc::unbounded_channel();
    let tell = move |verdict: &l4_failover::probe::Verdict| {
        _ = verdicts.send(verdict.result.clone());
    };

    allow_descriptors(Some(3));
    let _watch = checker.watch(subject, tell);
    // Several intervals long nothing is heard, and none of it later.
    assert!(timeout(20 * FAST, heard.recv()).await.is_err());
    allow_descriptors(enough);
    let first = timeout(PATIENCE, heard.recv()).await.unwrap().unwrap();
    assert_eq!(first, Ok(()));
}
