//! Commands, and what survives a restart.

use std::time::{Duration, SystemTime};

use l4_failover::choice::{Policy, State};
use l4_failover::{CommandError, Happened, Pool, PoolOptions, Upkeep};

use super::server::{Server, pair, soon};

#[tokio::test]
async fn decisions_survive_a_restart() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pair.state");
    let build = || {
        let builder = pair(&primary.address, &backup.address, Policy::default());
        builder.state_file(&file).build().unwrap()
    };
    let pool = build();
    pool.failover().await.unwrap();
    for reason in ["a new fan", "a new disk"] {
        let out = pool.maintenance(&primary.address, Some(reason));
        out.await.unwrap();
    }
    drop(pool);
    let pool = build();
    let status = pool.status();
    assert_eq!((status.active, status.is_held), (1, true));
    let out = &status.tiers[0].endpoints[0];
    assert_eq!(
        (out.state, out.maintenance.as_deref()),
        (State::Maintenance, Some("a new disk"))
    );
    pool.maintenance(&primary.address, None).await.unwrap();
    pool.failback(false).await.unwrap();
    drop(pool);
    let status = build().status();
    assert_eq!((status.active, status.is_held), (0, false));
    assert_eq!(status.tiers[0].endpoints[0].state, State::Up);
}

#[tokio::test]
async fn since_when_and_why_survives_a_restart() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pair.state");
    let build = || {
        let builder = pair(&primary.address, &backup.address, Policy::default());
        builder.state_file(&file).build().unwrap()
    };
    let pool = build();
    let reason = Some("a new disk");
    pool.maintenance(&primary.address, reason).await.unwrap();
    let moved = pool.status().last_move.unwrap();
    drop(pool);
    // Long ago, as far as the file knows.
    let text = std::fs::read_to_string(&file).unwrap();
    let now = format!(
        "\"{}",
        &humantime::format_rfc3339(moved.at).to_string()[..10]
    );
    assert!(text.matches(&now).count() == 2, "{text}");
    std::fs::write(&file, text.replace(&now, "\"2024-02-03")).unwrap();
    let status = build().status();
    let again = status.last_move.clone().unwrap();
    assert_eq!((again.pool, again.what), (moved.pool, moved.what));
    assert!(
        humantime::format_rfc3339(again.at)
            .to_string()
            .starts_with("2024-02-03")
    );
    let drift = |other: SystemTime| match other.duration_since(again.at) {
        Ok(later) => later,
        Err(earlier) => earlier.duration(),
    };
    let second = Duration::from_secs(1);
    assert!(drift(status.since) < second, "{:?}", status.since);
    assert!(drift(SystemTime::now() - status.active_for) < second);
    let out_for = status.tiers[0].endpoints[0].changed_for.unwrap();
    assert!(drift(SystemTime::now() - out_for) < second, "{out_for:?}");
    // And once more, by what the second wrote.
    let pool = build();
    pool.failback(true).await.unwrap();
    drop(pool);
    let status = build().status();
    assert!(status.is_forced && status.last_move.is_some_and(|it| it.at > again.at));
}

#[tokio::test]
async fn a_pool_that_is_not_started_leaves_the_file_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pair.state");
    let entries = || std::fs::read_dir(directory.path()).unwrap().count();
    let options = || {
        let builder = pair("127.0.0.1:1", "127.0.0.1:2", Policy::default());
        PoolOptions {
            state_file: Some(file.clone()),
            ..builder.build().unwrap().options()
        }
    };
    drop(Pool::new(options()).unwrap());
    assert_eq!(entries(), 0);
    std::fs::write(&file, "no state").unwrap();
    let pool = Pool::new(options()).unwrap();
    assert_eq!(entries(), 1);
    pool.start(&Upkeep::new());
    soon(async {
        while entries() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(
        std::fs::read_to_string(file.with_extension("state.unreadable")).unwrap(),
        "no state"
    );
}

#[tokio::test]
async fn a_failover_that_nobody_ordered_survives_too() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pair.state");
    let builder = pair(&primary.address, &backup.address, Policy::default());
    let pool = builder.state_file(&file).build().unwrap();
    primary.stop().await;
    soon(async {
        while !std::fs::read_to_string(&file)
            .unwrap_or_default()
            .contains(&backup.address)
        {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(pool.status().active, 1);
}

#[tokio::test]
async fn a_state_file_that_can_no_longer_be_written_is_said() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pair.state");
    let builder = pair(&primary.address, &backup.address, Policy::default());
    let pool = builder.state_file(&file).build().unwrap();
    drop(directory);
    let error = pool.failover().await.unwrap_err();
    assert!(matches!(error, CommandError::NotKept(_)), "{error}");
    let status = pool.status();
    assert_eq!(status.active, 1);
    assert!(
        status
            .state_file_error
            .unwrap()
            .contains("cannot be written")
    );
}

#[tokio::test]
async fn commands_say_what_they_did_or_why_not() {
    let (primary, backup) = (Server::start().await, Server::start().await);
    let pool = pair(&primary.address, &backup.address, Policy::default())
        .build()
        .unwrap();
    assert_eq!(pool.failback(false).await.unwrap(), None);
    let event = pool.failover().await.unwrap().unwrap();
    assert!(matches!(event.what, Happened::Moved { .. }));
    let refused = pool.failover().await.unwrap_err().to_string();
    assert!(
        refused.contains(&backup.address) && refused.contains("it stays active"),
        "{refused}"
    );
    let unknown = pool
        .maintenance("127.0.0.1:1", Some("x"))
        .await
        .unwrap_err()
        .to_string();
    let wanted = format!(
        "there is no endpoint \"127.0.0.1:1\"; there are: {}, {}",
        primary.address, backup.address
    );
    assert_eq!(unknown, wanted);
}

#[tokio::test]
async fn a_state_file_of_any_bytes_does_not_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pair.state");
    std::fs::write(&file, [0xff, 0xfe, 0]).unwrap();
    let builder = pair("127.0.0.1:1", "127.0.0.1:2", Policy::default());
    assert!(builder.state_file(&file).build().is_ok());
}
