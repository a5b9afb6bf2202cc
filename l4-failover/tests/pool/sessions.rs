//! What becomes of sessions when what they are on is left.

use std::time::{Duration, Instant};

use l4_failover::choice::{MoveKind, Policy, Sessions};
use l4_failover::{Connected, Cut, EndpointOptions, Pool, Retired};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::server::{Server, first, moved, pair, soon};

/// Tells when each session is cut, and why.
fn watch(sessions: Vec<Connected>) -> mpsc::UnboundedReceiver<(Cut, Instant)> {
    let (tell, told) = mpsc::unbounded_channel();
    for session in sessions {
        let tell = tell.clone();
        tokio::spawn(async move {
            let why = session.endpoint.cut().await;
            let _ = tell.send((why, Instant::now()));
        });
    }
    told
}

async fn three(pool: &Pool) -> Vec<Connected> {
    let mut sessions = Vec::new();
    for _ in 0..3 {
        sessions.push(soon(pool.connect()).await.unwrap());
    }
    sessions
}

#[tokio::test]
async fn close_ends_all_at_once_on_failover() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_failover: Sessions::Close,
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    let mut told = watch(three(&pool).await);
    pool.failover().await.unwrap();
    for _ in 0..3 {
        assert_eq!(first(&mut told).await.0, Cut::Failover);
    }
    // Those that come now are on the backup, and stay.
    let session = soon(pool.connect()).await.unwrap();
    pool.failback(false).await.unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(100), session.endpoint.cut()).await;
    assert!(cut.is_err());
}

#[tokio::test]
async fn drain_spreads_the_ends_over_its_time() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_failback: Sessions::Drain,
        drain_timeout: Duration::from_millis(600),
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    pool.failover().await.unwrap();
    let mut told = watch(three(&pool).await);
    let began = Instant::now();
    pool.failback(false).await.unwrap();
    let mut at = Vec::new();
    for _ in 0..3 {
        let (why, when) = first(&mut told).await;
        assert_eq!(why, Cut::Failback);
        at.push(when - began);
    }
    for (nth, at) in (1..).zip(at) {
        assert!(at >= Duration::from_millis(nth * 200 - 5), "{nth}: {at:?}");
    }
}

#[tokio::test]
async fn sessions_of_an_endpoint_that_went_down_end_though_the_tier_stays() {
    let (one, other, backup) = (
        Server::start().await,
        Server::start().await,
        Server::start().await,
    );
    let policy = Policy {
        on_endpoint_down: Sessions::Close,
        ..Policy::default()
    };
    let builder = pair(&one.address, &backup.address, policy).primary(&other.address);
    let pool = builder.build().unwrap();
    let sessions = three(&pool).await;
    let on_one = sessions
        .iter()
        .filter(|it| it.address.to_string() == one.address)
        .count();
    assert!((1..3).contains(&on_one));
    let mut told = watch(sessions);
    one.stop().await;
    for _ in 0..on_one {
        assert_eq!(first(&mut told).await.0, Cut::EndpointDown);
    }
    assert!(told.try_recv().is_err());
    assert_eq!(pool.status().active, 0);
}

#[tokio::test]
async fn keep_keeps_them() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = pair(&primary.address, &backup.address, Policy::default())
        .build()
        .unwrap();
    let mut events = pool.events();
    let mut told = watch(three(&pool).await);
    primary.stop().await;
    moved(&mut events, MoveKind::Failover).await;
    assert!(told.try_recv().is_err());
    assert_eq!(pool.status().tiers[0].endpoints[0].connections, 3);
}

#[tokio::test]
async fn a_session_that_is_told_before_it_listens_hears_it() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_failover: Sessions::Close,
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    let session = soon(pool.connect()).await.unwrap();
    pool.failover().await.unwrap();
    assert_eq!(soon(session.endpoint.cut()).await, Cut::Failover);
}

#[tokio::test]
async fn many_sessions_are_drained_in_the_time_given() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let within = Duration::from_millis(200);
    let policy = Policy {
        on_failover: Sessions::Drain,
        drain_timeout: within,
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    let mut sessions = Vec::new();
    for _ in 0..1000 {
        sessions.push(soon(pool.connect()).await.unwrap());
        // Checks, which may take 19 ms, and who accepts are on the same thread.
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    pool.failover().await.unwrap();
    for session in &sessions {
        soon(session.endpoint.cut()).await;
    }
    // A wait per session, each a millisecond too long, would take a second more.
    let took = began.elapsed();
    assert!(took >= within && took < 4 * within, "{took:?}");
}

#[tokio::test]
async fn a_drain_stops_when_what_was_left_is_in_use_again() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_failover: Sessions::Drain,
        drain_timeout: Duration::from_millis(200),
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    let session = soon(pool.connect()).await.unwrap();
    pool.failover().await.unwrap();
    pool.failback(false).await.unwrap();
    let cut = tokio::time::timeout(Duration::from_millis(600), session.endpoint.cut()).await;
    assert!(cut.is_err());
}

#[tokio::test]
async fn sessions_end_that_are_on_an_endpoint_which_dies_in_maintenance() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_endpoint_down: Sessions::Close,
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    let session = soon(pool.connect()).await.unwrap();
    let address = primary.address.clone();
    pool.maintenance(&address, Some("a new disk"))
        .await
        .unwrap();
    primary.stop().await;
    assert_eq!(soon(session.endpoint.cut()).await, Cut::EndpointDown);
}

#[tokio::test]
async fn while_new_sessions_return_by_share_the_old_ones_stay() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let ramp = Duration::from_millis(300);
    let policy = Policy {
        on_failback: Sessions::Close,
        failback_ramp: Some(ramp),
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    pool.failover().await.unwrap();
    let session = soon(pool.connect()).await.unwrap();
    let began = Instant::now();
    pool.failback(false).await.unwrap();
    assert_eq!(soon(session.endpoint.cut()).await, Cut::Failback);
    assert!(began.elapsed() >= ramp, "{:?}", began.elapsed());
}

/// The pool of `pool`'s options with these endpoints in its first tier.
fn made_of(pool: &Pool, endpoints: &[(&str, Option<u64>)]) -> l4_failover::PoolOptions {
    let endpoint = |(address, max): &(&str, Option<u64>)| EndpointOptions {
        max_connections: *max,
        ..EndpointOptions::at(address.parse().unwrap())
    };
    let mut options = pool.options();
    options.tiers = vec![endpoints.iter().map(endpoint).collect()];
    options
}

#[tokio::test]
async fn an_endpoint_that_comes_back_has_its_old_sessions() {
    let (one, other) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_endpoint_down: Sessions::Close,
        ..Policy::default()
    };
    let pool = pair(&one.address, &other.address, policy).build().unwrap();
    let both = [(&*one.address, Some(1)), (&*other.address, Some(1))];
    pool.reload(made_of(&pool, &both[..1])).unwrap();
    let mut cut = watch(vec![pool.connect().await.unwrap()]);
    pool.reload(made_of(&pool, &both[1..])).unwrap();
    // Twice, as it may be: it is remembered for as long as the session goes on.
    pool.reload(made_of(&pool, &both[1..])).unwrap();
    pool.reload(made_of(&pool, &both)).unwrap();
    let status = pool.status();
    let connections = |nth: usize| status.tiers[0].endpoints[nth].connections;
    assert_eq!((connections(0), connections(1)), (1, 0));
    let second = pool.connect().await.unwrap();
    assert_eq!(**second.endpoint.name(), *other.address);
    pool.connect().await.unwrap_err();
    one.stop().await;
    assert_eq!(first(&mut cut).await.0, Cut::EndpointDown);
    drop(second);
}

#[tokio::test]
async fn a_pool_that_comes_back_has_its_old_sessions() {
    let server = Server::start().await;
    let pool = pair(&server.address, "127.0.0.1:1", Policy::default());
    let pool = pool.build().unwrap();
    let options = made_of(&pool, &[(&*server.address, Some(1))]);
    pool.reload(options.clone()).unwrap();
    let session = pool.connect().await.unwrap();
    let mut retired = Retired::default();
    retired.settle(|_| false, [("pair", pool.retire())]);
    drop(pool);
    // Another reload, and nobody back yet.
    retired.settle(|_| false, []);
    let pool = Pool::after(options, retired.find(&"pair").unwrap()).unwrap();
    assert_eq!(pool.status().tiers[0].endpoints[0].connections, 1);
    pool.connect().await.unwrap_err();
    retired.settle(|name| *name == "pair", []);
    assert!(retired.find(&"pair").is_none());
    drop(session);
    pool.connect().await.unwrap();
    // Nothing is left of one without sessions or decisions.
    retired.settle(|_| false, [("pair", pool.retire())]);
    assert!(retired.find(&"pair").is_none());
}

#[tokio::test]
async fn a_pool_that_was_taken_out_decides_nothing_any_more() {
    let (one, other) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_failback: Sessions::Close,
        ..Policy::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("state");
    let builder = pair(&one.address, &other.address, policy);
    let pool = builder.state_file(&file).build().unwrap();
    pool.failover().await.unwrap();
    let session = pool.connect().await.unwrap();
    let kept = std::fs::read(&file).unwrap();
    let past = pool.retire();
    let after = Pool::after(pool.options(), &past).unwrap();
    // Whatever the old one still hears of: it neither cuts nor writes.
    pool.failback(false).await.unwrap();
    let cut = timeout(Duration::from_millis(50), session.endpoint.cut());
    assert!(cut.await.is_err());
    assert_eq!(std::fs::read(&file).unwrap(), kept);
    assert_eq!(after.status().active, 1);
    drop(session);
}
