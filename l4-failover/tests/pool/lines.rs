//! Endpoints leased one at a time, and recalls.

use std::sync::Arc;
use std::time::Duration;

use l4_failover::choice::{Cause, Policy, State};
use l4_failover::probe::{CheckOptions, Probe};
use l4_failover::{AttemptError, Pool};

use super::server::{Server, often, pair, soon};

const LIMIT: Duration = Duration::from_secs(10);

/// A pool of these that only ever finds out by dials.
fn unchecked(primary: &str, backup: &str) -> Pool {
    let check = CheckOptions {
        probe: Some(Probe::None),
        ..often()
    };
    let pair = pair(primary, backup, Policy::default()).check(check);
    pair.build().unwrap()
}

#[tokio::test]
async fn a_lease_is_a_session_of_its_endpoint_until_it_is_dropped() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = unchecked(&primary.address, &backup.address);
    let lease = pool.lease(None, &[]).unwrap();
    assert_eq!(**lease.endpoint().name(), *primary.address);
    assert!(!lease.is_spilled() && pool.is_active(lease.endpoint()));
    let (_stream, address) = soon(lease.open(LIMIT)).await.unwrap();
    assert_eq!(address.to_string(), primary.address);
    let endpoint = Arc::clone(lease.endpoint());
    assert_eq!((endpoint.active(), endpoint.connects()), (1, 1));
    drop(lease);
    assert_eq!(endpoint.active(), 0);
}

#[tokio::test]
async fn those_that_were_tried_are_left_out_until_nobody_is_left() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = unchecked(&primary.address, &backup.address);
    let first = pool.lease(None, &[]).unwrap();
    let tried = [Arc::clone(first.endpoint())];
    let second = pool.lease(None, &tried).unwrap();
    assert_eq!(**second.endpoint().name(), *backup.address);
    assert!(second.is_spilled() && !pool.is_active(second.endpoint()));
    assert_eq!(pool.spilled(), 0, "nobody is there yet");
    soon(second.open(LIMIT)).await.unwrap();
    assert_eq!(pool.spilled(), 1);
    let tried = [first, second].map(|lease| Arc::clone(lease.endpoint()));
    assert!(pool.lease(None, &tried).is_none());
}

#[tokio::test]
async fn refusals_count_as_those_of_dials() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let gone = primary.stop().await;
    let pool = unchecked(&gone, &backup.address);
    // Several within a fast interval are one.
    let until_moved = async {
        while pool.status().active == 0 {
            let lease = pool.lease(None, &[]).unwrap();
            let error = lease.open(LIMIT).await.unwrap_err();
            assert!(matches!(error, AttemptError::Connect(_)), "{error}");
            assert!(lease.endpoint().last_failure().unwrap().contains("refused"));
        }
    };
    soon(until_moved).await;
    assert!(pool.endpoints()[0].failures() >= 3);
    let lease = pool.lease(None, &[]).unwrap();
    assert!(!lease.is_spilled());
    assert_eq!(**lease.endpoint().name(), *backup.address);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_not_active() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = unchecked(&primary.address, &backup.address);
    let lease = pool.lease(None, &[]).unwrap();
    let mut options = pool.options();
    options.tiers.remove(0);
    pool.reload(options).unwrap();
    assert!(!pool.is_active(lease.endpoint()));
}

#[tokio::test]
async fn every_move_is_a_recall_and_an_operator_s_failback_where_nothing_moves() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = unchecked(&primary.address, &backup.address);
    let mut recalls = pool.recalls();
    assert_eq!(pool.failback(false).await.unwrap(), None);
    let recall = soon(recalls.next()).await.unwrap();
    assert_eq!(
        (recall.cause, recall.is_ordered),
        (Some(Cause::Operator), true)
    );
    let out = pool.maintenance(&primary.address, Some("a new fan"));
    assert!(out.await.unwrap().is_some());
    let recall = soon(recalls.next()).await.unwrap();
    assert_eq!(
        (recall.cause, recall.is_ordered),
        (Some(Cause::Maintenance), false)
    );
    assert!(recall.returned.is_empty());
    pool.maintenance(&primary.address, None).await.unwrap();
    // An order is not forgotten for what comes after it.
    pool.failback(false).await.unwrap();
    let out = pool.maintenance(&primary.address, Some("a new disk"));
    out.await.unwrap();
    let recall = soon(recalls.next()).await.unwrap();
    assert_eq!(
        (recall.cause, recall.is_ordered),
        (Some(Cause::Maintenance), true)
    );
    // It was back for a moment.
    assert_eq!(**recall.returned[0].name(), *primary.address);
    pool.failover().await.unwrap_err();
    drop(pool);
    let last = soon(recalls.next()).await;
    assert!(last.is_none(), "a refused command is none: {last:?}");
}

#[tokio::test]
async fn an_endpoint_that_comes_up_again_is_told_to_whoever_waits_for_one() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let address = backup.stop().await;
    let pool = pair(&primary.address, &address, Policy::default());
    let pool = pool.build().unwrap();
    let mut events = pool.events();
    soon(async {
        while pool.status().tiers[1].endpoints[0].state != State::Down {
            events.next().await;
        }
    })
    .await;
    let mut recalls = pool.recalls();
    let _backup = Server::at(&address).await;
    let recall = soon(recalls.next()).await.unwrap();
    assert_eq!((recall.cause, recall.is_ordered), (None, false));
    let returned: Vec<_> = recall.returned.iter().map(|it| &**it.name()).collect();
    assert_eq!(returned, [address]);
}
