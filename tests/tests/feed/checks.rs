//! Checks that log in, and lines that have credentials of their own.

use std::fs;

use rustix::process::Signal;
use tempfile::TempDir;
use tests::config::feed;
use tests::consumer::{Consumer, Login};
use tests::events::Events;
use tests::failover;
use tests::feed::Feed;
use tests::wire::End;

use crate::world::{BACKUP, PRIMARY, World};

/// Two feeds that let in `FEED01` alone, and a port that logs in and checks as that one.
fn guarded() -> (World, TempDir) {
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("password");
    fs::write(&file, "S3CRET\n").unwrap();
    let password = format!("--password-file={}", file.display());
    let mut world = World::of_twins(&["--username=FEED01", &password], "");
    let own = format!("username = \"FEED01\", password_file = {file:?}");
    let targets = world
        .feeds
        .each_ref()
        .map(|feed| format!("{{ address = \"{}\", {own} }}", feed.address()));
    let keys = format!(
        "protocol = \"soupbintcp\"\ncheck = {{ type = \"soupbintcp\", {own}, interval = \"400ms\", \
         fast_interval = \"100ms\", timeout = \"390ms\", rise = 1, fall = 2 }}"
    );
    let text = feed(&world.feeds.each_ref().map(Feed::address), &keys, "");
    let [primary, backup] = world
        .feeds
        .each_ref()
        .map(|feed| format!("[\"{}\"]", feed.address()));
    let text = text.replace(&primary, &format!("[{}]", targets[PRIMARY]));
    let text = text.replace(&backup, &format!("[{}]", targets[BACKUP]));
    world.port = failover!(text);
    world.events = Events::of(&world.port);
    (world, files)
}

#[test]
fn lines_log_in_with_their_own_credentials_whatever_a_consumer_says() {
    let (mut world, _files) = guarded();
    let direct = Consumer::login(world.feeds[PRIMARY].address(), &Login::at(1)).gone();
    assert_eq!((direct.rejected, direct.end), (Some('A'), End::Fin));
    let consumer = world.consumer();
    world.feeds[PRIMARY].kill();
    world.events.nth("line_joined", 0);
    consumer.await_more(100);
    consumer.assert_whole();
    let clients = world.feeds[BACKUP].clients();
    let name = clients[0]["username"].as_str().unwrap();
    assert!(name.trim().eq_ignore_ascii_case("FEED01"), "{name}");
    let log = world.port.lines().concat();
    assert!(!log.contains("S3CRET") && !log.contains("PASSWORD"));
}

#[test]
fn a_feed_that_lets_nobody_in_counts_as_down_and_carries_on_whom_it_has() {
    let (world, _files) = guarded();
    let consumer = world.consumer();
    world.feeds[PRIMARY].order("reject A");
    world.await_state(PRIMARY, "down");
    assert_eq!(world.status()["active_tier"], 1);
    // A line that lives is its own check.
    consumer.await_more(500);
    assert_eq!(world.active(&consumer), PRIMARY);
    let late = world.consumer();
    assert_eq!(world.active(&late), BACKUP);
    world.feeds[PRIMARY].order("reject off");
    world.await_state(PRIMARY, "up");
    for one in [consumer, late] {
        one.await_more(100);
        one.assert_whole();
    }
    assert!(world.events.named("line_joined").is_empty());
}

/// Whose connections the kernel still accepts.
#[test]
fn a_stopped_feed_counts_as_down() {
    let (world, _files) = guarded();
    let consumer = world.consumer();
    world.feeds[BACKUP].signal(Signal::STOP);
    world.await_state(BACKUP, "down");
    world.feeds[BACKUP].signal(Signal::CONT);
    world.await_state(BACKUP, "up");
    consumer.assert_whole();
}
