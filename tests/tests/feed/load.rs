//! Consumers that are far behind, slow, or many, when their feed is killed.

use tests::consumer::Consumer;
use tests::feed;
use tests::feed::{Feed, began};
use tests::figures::times;
use tests::process::until;

use crate::world::{PRIMARY, World};

/// Two feeds with millions of messages to catch up with.
fn long_begun() -> [Feed; 2] {
    let start = began(5000.0);
    [(); 2].map(|()| feed!(&["--rate=2000", "--silence=3s", &start]))
}

/// At full speed: large writes are cut anywhere, in the middle of frames too.
#[test]
fn a_consumer_that_catches_up_is_carried_over_every_kill() {
    let mut world = World::before(long_begun(), "");
    let consumer = Consumer::at(world.address(), 1);
    let kills = times("FEED_CATCH_UPS", 5);
    for nth in 0..kills {
        let next = consumer.await_more(u64::from(20_000 + 997 * nth));
        let victim = world.active(&consumer);
        world.feeds[victim].kill();
        let joined = world.events.nth("line_joined", nth as usize);
        assert!(joined["sequence"].as_u64().unwrap() >= next);
        assert_eq!(joined["verified"], true);
        world.feeds[victim].start_again();
        consumer.await_more(1000);
    }
    consumer.assert_whole();
    println!("{kills} kills while catching up: {:?}", consumer.tally());
}

/// What waits for a slow consumer is not lost with the line that it came from.
#[test]
fn a_consumer_that_stands_still_is_carried_too() {
    let mut world = World::before(long_begun(), "silence = \"2s\"\nstall = \"20s\"");
    let slow = Consumer::at(world.address(), 1);
    slow.await_more(1000);
    slow.read_nothing();
    let full = std::cell::Cell::new(0);
    let looked = std::cell::Cell::new(std::time::Instant::now());
    until("its line stands still", || {
        let next = world.shown(&slow)["next"].as_u64().unwrap();
        if full.replace(next) != next {
            looked.set(std::time::Instant::now());
        }
        looked.get().elapsed() > std::time::Duration::from_secs(3)
    });
    // Nobody blames a line that nobody reads.
    assert!(world.events.named("line_lost").is_empty());
    world.feeds[PRIMARY].kill();
    slow.read_on();
    world.events.nth("line_joined", 0);
    slow.await_message(full.get() + 10_000);
    slow.assert_whole();
}

#[test]
fn many_consumers_are_carried_at_once() {
    let mut world = World::of_twins(&[], "");
    let many = times("FEED_CONSUMERS", 30);
    let consumers: Vec<Consumer> = (0..many)
        .map(|nth| Consumer::at(world.address(), u64::from(1 + 300 * nth % 9000)))
        .collect();
    for consumer in &consumers {
        consumer.await_more(100);
    }
    world.feeds[PRIMARY].kill();
    // What one has yet to get of the dead line may be more than it waits for here.
    until("all were carried", || {
        world.joins("failover") == f64::from(many)
    });
    for consumer in &consumers {
        consumer.await_more(500);
        consumer.assert_whole();
    }
    assert_eq!(world.metric("consumers_waiting", ""), 0.0);
    let waited: Vec<_> = (0..many as usize)
        .map(|nth| world.events.nth("line_joined", nth))
        .collect();
    let mut named: Vec<_> = waited.iter().map(|it| it["consumer"].to_string()).collect();
    named.sort();
    named.dedup();
    assert_eq!(named.len(), consumers.len());
}
