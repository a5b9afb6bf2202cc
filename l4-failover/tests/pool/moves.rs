//! When a pool moves, and what it tells.

use std::time::Duration;

use l4_failover::admin::pools::EventJson;
use l4_failover::choice::{Cause, Failback, MoveKind, Policy, Sessions, State};
use l4_failover::{Cut, Happened, Pool};

use super::server::{Server, moved, pair, soon};

fn quick() -> Policy {
    Policy {
        hold_down: Duration::from_millis(200),
        ..Policy::default()
    }
}

#[tokio::test]
async fn it_leaves_a_dead_primary_and_returns_after_the_hold_down() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = pair(&primary.address, &backup.address, quick())
        .build()
        .unwrap();
    let mut events = pool.events();
    let address = primary.stop().await;
    assert_eq!(moved(&mut events, MoveKind::Failover).await, 1);
    let connected = soon(pool.connect()).await.unwrap();
    assert!(!connected.is_spilled && connected.failed.is_empty());
    let status = pool.status();
    assert_eq!((status.active, status.moves), (1, 1));
    let down = &status.tiers[0].endpoints[0];
    assert_eq!(down.state, State::Down);
    let said = down.last_check.clone().unwrap().result.unwrap_err();
    assert_eq!(&*said, "connection refused");

    let _primary = Server::at(&address).await;
    assert_eq!(moved(&mut events, MoveKind::Failback).await, 0);
    assert_eq!(pool.moves(MoveKind::Failback, Cause::Recovered), 1);
    let up_for = pool.status().tiers[0].endpoints[0].changed_for.unwrap();
    assert!(up_for >= Duration::from_millis(200), "{up_for:?}");
}

#[tokio::test]
async fn what_checks_say_of_one_in_maintenance_is_an_event_of_its_own() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = pair(&primary.address, &backup.address, quick())
        .build()
        .unwrap();
    let out = pool.maintenance(&backup.address, Some("a new disk"));
    out.await.unwrap();
    let mut events = pool.events();
    let address = backup.stop().await;
    let Happened::Out {
        endpoint,
        is_healthy,
        reason,
    } = soon(events.next()).await.unwrap().what
    else {
        panic!("it is out");
    };
    assert_eq!((&*endpoint, is_healthy), (&*address, false));
    assert_eq!(reason.as_deref(), Some("connection refused"));
    let _backup = Server::at(&address).await;
    let event = EventJson::of(&soon(events.next()).await.unwrap(), "port");
    assert_eq!(
        (event.event.as_str(), event.endpoint, event.healthy),
        ("endpoint", Some(address), Some(true))
    );
    // Whoever reads no more than these takes it for what it is.
    let out = Some("maintenance".to_owned());
    assert_eq!((&event.from, &event.to), (&out, &out));
    assert_eq!(
        pool.status().tiers[1].endpoints[0].state,
        State::Maintenance
    );
}

#[tokio::test]
async fn events_say_what_and_why() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = pair(&primary.address, &backup.address, quick())
        .build()
        .unwrap();
    let mut events = pool.events();
    let address = primary.stop().await;
    let down = soon(events.next()).await.unwrap();
    let Happened::Endpoint {
        endpoint,
        from,
        to,
        reason,
    } = down.what
    else {
        panic!("{down:?}");
    };
    assert_eq!((&*endpoint, from, to), (&*address, State::Up, State::Down));
    assert!(reason.unwrap().contains("refused"));
    let event = soon(events.next()).await.unwrap();
    let Happened::Moved {
        kind,
        cause,
        from,
        to,
        reason,
        ..
    } = event.what
    else {
        panic!("{event:?}");
    };
    assert_eq!((kind, cause), (MoveKind::Failover, Cause::Unhealthy));
    assert_eq!(
        (from.tier, from.to_string(), to.to_string()),
        (0, address, backup.address.clone())
    );
    assert!(reason.unwrap().contains("refused"));
    drop(pool);
    assert_eq!(soon(events.next()).await, None);
}

#[tokio::test]
async fn a_reload_keeps_who_is_active_and_sessions_of_what_went_away() {
    let (primary, backup, other) = (
        Server::start().await,
        Server::start().await,
        Server::start().await,
    );
    let pool = pair(&primary.address, &backup.address, Policy::default())
        .build()
        .unwrap();
    pool.failover().await.unwrap();
    let session = soon(pool.connect()).await.unwrap();
    assert_eq!(session.address.to_string(), backup.address);

    let mut options = pool.options();
    let at = |server: &Server| l4_failover::EndpointOptions::at(server.address.parse().unwrap());
    options.tiers.push(vec![at(&other)]);
    pool.reload(options.clone()).unwrap();
    let status = pool.status();
    assert_eq!(
        (status.active, status.is_held, status.tiers.len()),
        (1, true, 3)
    );
    assert_eq!(status.tiers[1].endpoints[0].connections, 1);

    let mut events = pool.events();
    options.tiers.remove(1);
    pool.reload(options.clone()).unwrap();
    let event = soon(events.next()).await.unwrap();
    let Happened::Moved {
        cause, from, to, ..
    } = event.what
    else {
        panic!("{event:?}");
    };
    assert_eq!(
        (cause, from.to_string(), to.tier),
        (Cause::Reload, backup.address.clone(), 1)
    );
    // The session of the endpoint that went away goes on.
    let cut = tokio::time::timeout(Duration::from_millis(100), session.endpoint.cut()).await;
    assert!(cut.is_err());

    options.tiers.clear();
    assert!(pool.reload(options).is_err());
    assert_eq!(pool.status().tiers.len(), 2);
}

#[tokio::test]
async fn a_changed_endpoint_keeps_its_sessions_and_its_counts() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let policy = Policy {
        on_failover: Sessions::Close,
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, policy)
        .build()
        .unwrap();
    let session = soon(pool.connect()).await.unwrap();
    let mut options = pool.options();
    options.tiers[0][0].weight = 2;
    options.tiers[0][0].max_connections = Some(1);
    pool.reload(options).unwrap();
    let status = pool.status().tiers[0].endpoints[0].clone();
    assert_eq!((status.connections, status.connects), (1, 1));
    let full = soon(pool.connect()).await.unwrap_err();
    assert!(
        full.to_string().contains("the 1 sessions that it may have"),
        "{full}"
    );
    pool.failover().await.unwrap();
    soon(session.endpoint.cut()).await;
}

#[tokio::test]
async fn a_move_that_a_reload_makes_ends_sessions_as_any_other() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let manual = Policy {
        failback: Failback::Manual,
        hold_down: Duration::ZERO,
        on_failback: Sessions::Close,
        ..Policy::default()
    };
    let pool = pair(&primary.address, &backup.address, manual)
        .build()
        .unwrap();
    let mut events = pool.events();
    let address = primary.stop().await;
    moved(&mut events, MoveKind::Failover).await;
    let _primary = Server::at(&address).await;
    until_up(&mut events, &address).await;
    let session = soon(pool.connect()).await.unwrap();
    assert_eq!(session.address.to_string(), backup.address);
    let mut options = pool.options();
    options.policy.failback = Failback::Auto;
    pool.reload(options).unwrap();
    assert_eq!(pool.status().active, 0);
    assert_eq!(soon(session.endpoint.cut()).await, Cut::Failback);
}

async fn until_up(events: &mut l4_failover::Events, address: &str) {
    soon(async {
        loop {
            let event = events.next().await.expect("the pool is there");
            match event.what {
                Happened::Endpoint { endpoint, to, .. }
                    if *endpoint == *address && to == State::Up =>
                {
                    return;
                }
                _ => {}
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_name_is_looked_up_by_the_dial_that_needs_it_first_and_stays_known() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("localhost:{}", listener.local_addr().unwrap().port());
    let pool = Pool::builder().primary(&at).build().unwrap();
    soon(pool.connect()).await.unwrap();
    let mut options = pool.options();
    options.tiers[0][0].weight = 2;
    pool.reload(options).unwrap();
    soon(pool.connect()).await.unwrap();
}
