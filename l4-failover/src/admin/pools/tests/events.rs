//! Streams of events: order, filters, reloads, bounds, and their end.

use std::time::Duration;

use tokio::io::AsyncReadExt;

use super::super::NamedPool;
use super::{PATIENCE, Server, fields, pair, soon};
use crate::Pool;

async fn told(events: &mut super::Following) -> String {
    let event = events.event().await.unwrap();
    let word = |key: &str| event[key].as_str().unwrap_or("-").to_owned();
    let words = ["pool", "event", "cause", "endpoint", "from", "to", "reason"].map(word);
    words.join(" ")
}

#[tokio::test]
async fn events_come_in_order_with_cause_and_reason() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut events = server.follow("").await;
    pool.failover().await.unwrap();
    pool.failback(false).await.unwrap();
    let out = pool.maintenance("127.0.0.1:9000", Some("a new disk")).await;
    assert!(out.unwrap().is_some());
    for expected in [
        "feed failover operator - 127.0.0.1:9000 127.0.0.1:9001 -",
        "feed failback operator - 127.0.0.1:9001 127.0.0.1:9000 -",
        "feed endpoint - 127.0.0.1:9000 up maintenance a new disk",
    ] {
        assert_eq!(told(&mut events).await, expected);
    }
    let moved = events.event().await.unwrap();
    assert_eq!(
        fields(&moved),
        "cause event from from_tier kind pool since_last_seconds time to to_tier"
    );
    assert_eq!(moved["cause"], "maintenance");
    assert_eq!(
        (&moved["from_tier"], &moved["to_tier"]),
        (&0.into(), &1.into())
    );
    assert!(moved["since_last_seconds"].as_f64().unwrap() < PATIENCE.as_secs_f64());
    assert_eq!(moved["kind"], "port");
    assert!(humantime::parse_rfc3339(moved["time"].as_str().unwrap()).is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_reload_brings_new_pools_and_takes_old_ones() {
    let (old, stays, new) = (pair("old"), pair("stays"), pair("new"));
    let named = |pool: &Pool| NamedPool::new(pool.clone(), "port");
    let server = Server::start(vec![named(&old), named(&stays)]);
    let mut events = server.follow("").await;
    server.pools.replace(vec![named(&stays), named(&new)]);
    drop(old);
    // At once, before the stream has had a chance to look.
    new.failover().await.unwrap();
    assert!(told(&mut events).await.starts_with("new failover"));
    stays.failover().await.unwrap();
    assert!(told(&mut events).await.starts_with("stays failover"));
    // What stayed is not heard twice.
    new.failback(false).await.unwrap();
    assert!(told(&mut events).await.starts_with("new failback"));
    server.stop().await;
}

#[tokio::test]
async fn a_name_chooses_also_among_pools_to_come() {
    let (feed, other) = (pair("feed"), pair("other"));
    let named = |pool: &Pool| NamedPool::new(pool.clone(), "port");
    let server = Server::start(vec![named(&feed), named(&other)]);
    let mut events = server.follow("?pool=feed").await;
    other.failover().await.unwrap();
    feed.failover().await.unwrap();
    assert!(told(&mut events).await.starts_with("feed failover"));
    let again = pair("feed");
    server.pools.replace(vec![named(&again), named(&other)]);
    other.failback(false).await.unwrap();
    again.failover().await.unwrap();
    assert!(told(&mut events).await.starts_with("feed failover"));
    server.stop().await;
}

#[tokio::test]
async fn a_stop_ends_streams_at_once() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut events = server.follow("").await;
    pool.failover().await.unwrap();
    assert!(events.event().await.is_some());
    let begun = tokio::time::Instant::now();
    server.stop().await;
    // Requests in progress have five seconds; a stream needs none of them.
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(events.event().await, None);
}

#[tokio::test]
async fn a_slow_listener_is_told_how_many_it_missed() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut events = server.follow("").await;
    // Without a pause in which the stream, on the same thread, could keep up.
    let turns = async {
        for _ in 0..600 {
            pool.failover().await.unwrap();
            pool.failback(false).await.unwrap();
        }
    };
    tokio::task::unconstrained(turns).await;
    let missed = events.event().await.unwrap();
    assert_eq!(
        (&missed["event"], &missed["missed"]),
        (&"missed".into(), &176.into())
    );
    assert!(
        told(&mut events)
            .await
            .starts_with("feed failover operator")
    );
    server.stop().await;
}

#[tokio::test]
async fn listeners_are_bounded_and_leave_places_to_others() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let first = server.follow("").await;
    let mut second = server.follow("").await;
    let (status, refused) = server.ask("GET /events").await;
    assert_eq!(status, 503);
    let sentence = refused["error"].as_str().unwrap();
    assert!(
        sentence.starts_with("2 listeners follow the events"),
        "{sentence}"
    );
    drop(first);
    soon(async {
        loop {
            let mut stream = server.send("GET /events", "", "").await;
            let mut head = [0; 12];
            stream.read_exact(&mut head).await.unwrap();
            if head == *b"HTTP/1.1 200" {
                break;
            }
        }
    })
    .await;
    pool.failover().await.unwrap();
    assert!(second.event().await.is_some());
    server.stop().await;
}

#[tokio::test]
async fn silent_clients_take_no_place_from_a_stream() {
    let pool = pair("feed");
    let server = Server::over(&pool);
    let mut events = server.follow("").await;
    let mut silent = Vec::new();
    // As many as there are places: the stream, which came first, has waited longest.
    for _ in 0..70 {
        silent.push(
            tokio::net::TcpStream::connect(&server.address)
                .await
                .unwrap(),
        );
        assert_eq!(server.ask("GET /clusters").await.0, 200);
    }
    pool.failover().await.unwrap();
    assert!(told(&mut events).await.starts_with("feed failover"));
    server.stop().await;
}

#[tokio::test]
async fn a_stream_without_events_shows_that_it_is_alive() {
    let named = NamedPool::new(pair("feed"), "port");
    let server = Server::start_with(vec![named], 1, Duration::from_millis(20));
    let mut events = server.follow("").await;
    for _ in 0..2 {
        while !events.line().await.unwrap().starts_with(':') {}
    }
    server.stop().await;
}
