//! Checks of real endpoints: what they find, what they say, and how they take their leave.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod http;
mod peer;
mod soupbin;
mod tcp;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use l4_failover::probe::{Checker, Probe, Subject, Verdict};
use l4_failover::{Addresses, Target};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Nothing here takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A subject whose checks have all the time in the world.
fn subject(address: SocketAddr, probe: Probe) -> Subject {
    let target: Target = address.to_string().parse().unwrap();
    Subject {
        addresses: Arc::new(Addresses::new(&target)),
        target,
        probe,
        tls: None,
        port: None,
        proxy: false,
        interval: 2 * PATIENCE,
        fast_interval: PATIENCE,
        timeout: PATIENCE,
    }
}

/// What a check of `subject` finds.
async fn check(subject: Subject) -> Verdict {
    let (verdicts, mut heard) = mpsc::unbounded_channel();
    let watch = Checker::new().watch(subject, move |verdict| {
        _ = verdicts.send(verdict.clone());
    });
    watch.now();
    timeout(PATIENCE, heard.recv()).await.unwrap().unwrap()
}

/// Why a check of `subject` fails.
async fn failure(subject: Subject) -> String {
    check(subject).await.result.unwrap_err().to_string()
}
