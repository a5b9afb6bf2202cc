//! What operators do to a port, and what it does by itself, while a consumer is carried.

use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tests::consumer::Consumer;
use tests::failover_program;
use tests::process::{run, until};
use tests::wire::End;

use crate::world::{BACKUP, PRIMARY, World};

/// Has `l4-failover` tell the port something; what it said.
pub(crate) fn tell(world: &World, words: &[&str]) -> String {
    let admin = world.port.address("admin").to_string();
    let mut command = Command::new(failover_program!());
    let output = run(command.args(words).args(["--admin", &admin]));
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(output.status.success(), "{words:?}: {said}");
    said
}

/// The `nth` move, which is one of preference: the line before was kept until the other was joined.
fn moved(world: &World, consumer: &Consumer, nth: usize, to: usize) -> Value {
    let joined = world.joined(nth, "preferred", to);
    assert_eq!(world.feed_of(&joined["from"]), 1 - to);
    assert_eq!(joined["verified"], true);
    world.goes_on(consumer, to);
    assert!(world.events.named("line_lost").is_empty());
    let left = &world.feeds[1 - to];
    until("the other line is left", || left.clients().is_empty());
    joined
}

#[test]
fn operators_move_consumers_without_a_gap() {
    let world = World::of_twins(&[], "");
    let consumer = world.consumer();
    let primary = world.name(PRIMARY);
    tell(&world, &["failover", "feed"]);
    moved(&world, &consumer, 0, BACKUP);
    tell(&world, &["failback", "feed"]);
    moved(&world, &consumer, 1, PRIMARY);
    tell(
        &world,
        &[
            "maintenance",
            "feed",
            &primary,
            "on",
            "--reason",
            "a new disk",
        ],
    );
    moved(&world, &consumer, 2, BACKUP);
    tell(&world, &["maintenance", "feed", &primary, "off"]);
    tell(&world, &["failback", "feed"]);
    moved(&world, &consumer, 3, PRIMARY);
    assert_eq!(world.joins("preferred"), 4.0);
    let shown = tell(&world, &["status"]);
    assert!(shown.contains("\n  consumers 1\n"), "{shown}");
}

/// The line that there is stays, for as long as the other cannot be joined.
#[test]
fn a_move_to_a_line_that_cannot_be_joined_does_nothing() {
    let world = World::new([&[], &["--seed=8"]], "");
    let consumer = world.consumer();
    tell(&world, &["failover", "feed"]);
    let down = world.events.nth("line_down", 0);
    assert_eq!(down["cause"], "mismatch");
    consumer.await_more(500);
    consumer.assert_whole();
    assert_eq!(world.active(&consumer), PRIMARY);
    assert!(world.events.named("line_joined").is_empty());
    // Called back, it is not looked for any more.
    tell(&world, &["failback", "feed"]);
    consumer.await_more(500);
    consumer.assert_whole();
}

fn primary_back(world: &mut World, consumer: &Consumer) {
    world.kill_for_a_while(PRIMARY);
    world.joined(0, "failover", BACKUP);
    consumer.await_more(100);
}

#[test]
fn nobody_returns_by_himself_unless_that_is_wanted() {
    let mut world = World::of_twins(&[], "hold_down = \"0s\"");
    let consumer = world.consumer();
    primary_back(&mut world, &consumer);
    consumer.await_more(2000);
    assert_eq!(world.active(&consumer), BACKUP);
    assert_eq!(world.events.named("line_joined").len(), 1);
    assert_eq!(world.status()["active_tier"], 1);
    tell(&world, &["failback", "feed"]);
    world.joined(1, "preferred", PRIMARY);
    world.goes_on(&consumer, PRIMARY);
}

#[test]
fn with_auto_consumers_return_after_the_hold_down() {
    let keys = "failback = \"auto\"\nhold_down = \"1s\"";
    let mut world = World::of_twins(&[], keys);
    let consumer = world.consumer();
    primary_back(&mut world, &consumer);
    let since = Instant::now();
    world.joined(1, "preferred", PRIMARY);
    println!("returned after {:?}", since.elapsed());
    world.goes_on(&consumer, PRIMARY);
    assert_eq!(world.events.named("line_lost").len(), 1);
}

#[test]
fn a_reload_disturbs_nobody_and_holds_for_those_to_come() {
    let mut world = World::of_twins(&[], "max_outage = \"20s\"");
    let consumer = world.consumer();
    let generation = "l4_failover_generation";
    for outage in ["19s", "1s"] {
        let before = world.port.metric(generation);
        let text = world.port.config();
        let line = text
            .lines()
            .find(|it| it.starts_with("max_outage"))
            .unwrap();
        let text = text.replace(line, &format!("max_outage = \"{outage}\""));
        world.port.rewrite(&text);
        world.port.signal(Signal::HUP);
        world.port.metric_until(generation, |now| now > before);
        consumer.await_more(200);
    }
    consumer.assert_whole();
    assert!(world.events.named("line_lost").is_empty());
    // Those to come are cut after a second; the one before is carried by a feed that comes back.
    let late = world.consumer();
    world.feeds[BACKUP].kill();
    world.feeds[PRIMARY].kill();
    let gone = late.gone();
    assert_eq!(gone.end, End::Reset);
    world.feeds[BACKUP].start_again();
    consumer.await_more(500);
    consumer.assert_whole();
}

#[test]
fn a_drain_leaves_consumers_until_the_deadline_and_never_says_the_session_is_over() {
    let mut world = World::of_twins(&[], "");
    let text = world.port.config();
    let text = text.replace("announce = \"0s\"", "announce = \"0s\"\ndeadline = \"2s\"");
    world.port = tests::failover!(text);
    let consumer = world.consumer();
    let since = Instant::now();
    assert_eq!(world.port.post("/drain").status, 202);
    consumer.await_more(1000);
    consumer.assert_whole();
    let gone = consumer.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Reset, 0));
    let took = gone.at - since;
    assert!(
        took > Duration::from_millis(1900) && took < Duration::from_secs(4),
        "{took:?}"
    );
    assert!(world.port.wait().success());
    assert_eq!(world.ended().0, "drain");
}

/// A line alone was lost: the pool has nowhere to move, and its consumer has.
#[test]
fn a_consumer_whose_line_alone_was_lost_returns_when_told() {
    let world = World::of_twins(&[], "");
    let consumer = world.consumer();
    world.feeds[PRIMARY].order("cut");
    world.joined(0, "failover", BACKUP);
    assert_eq!(world.status()["active_tier"], 0);
    consumer.await_more(1000);
    assert_eq!(world.active(&consumer), BACKUP);
    tell(&world, &["failback", "feed"]);
    world.joined(1, "preferred", PRIMARY);
    world.goes_on(&consumer, PRIMARY);
}

#[test]
fn a_consumer_whose_line_alone_was_lost_returns_by_itself_with_auto() {
    let keys = "failback = \"auto\"\nhold_down = \"1s\"";
    let world = World::of_twins(&[], keys);
    let consumer = world.consumer();
    world.feeds[PRIMARY].order("cut");
    world.joined(0, "failover", BACKUP);
    world.joined(1, "preferred", PRIMARY);
    world.goes_on(&consumer, PRIMARY);
}

/// Called back to a primary that is still dead, consumers go there once it lives.
#[test]
fn a_failback_by_force_is_remembered_until_the_primary_is_there() {
    let mut world = World::of_twins(&[], "");
    let consumer = world.consumer();
    world.feeds[PRIMARY].kill();
    world.events.nth("line_joined", 0);
    world.await_state(PRIMARY, "down");
    tell(&world, &["failback", "feed", "--force"]);
    consumer.await_more(500);
    consumer.assert_whole();
    assert_eq!(world.active(&consumer), BACKUP);
    world.feeds[PRIMARY].start_again();
    world.await_state(PRIMARY, "up");
    world.joined(1, "preferred", PRIMARY);
    world.goes_on(&consumer, PRIMARY);
}

#[test]
fn a_failback_during_an_outage_is_remembered_too() {
    let mut world = World::of_twins(&[], "max_outage = \"20s\"");
    let consumer = world.consumer();
    world.feeds[PRIMARY].kill();
    world.events.nth("line_joined", 0);
    world.await_state(PRIMARY, "down");
    world.feeds[BACKUP].kill();
    world.events.nth("line_lost", 1);
    tell(&world, &["failback", "feed", "--force"]);
    world.feeds[BACKUP].start_again();
    let joined = world.events.nth("line_joined", 1);
    assert_eq!(world.feed_of(&joined["endpoint"]), BACKUP);
    world.feeds[PRIMARY].start_again();
    world.joined(2, "preferred", PRIMARY);
    world.goes_on(&consumer, PRIMARY);
}

/// The endpoint is taken out of the file while a consumer is on it.
#[test]
fn a_reload_that_replaces_the_primary_carries_its_consumers_over() {
    let world = World::of_twins(&[], "");
    let consumer = world.consumer();
    let text = world.port.config();
    let (primary, backup) = (world.name(PRIMARY), world.name(BACKUP));
    let text = text.replace(
        &format!("primary = [\"{primary}\"]"),
        &format!("primary = [\"{backup}\"]"),
    );
    let text = text.replace(&format!("backup = [\"{backup}\"]"), "backup = []");
    world.port.rewrite(&text);
    assert_eq!(world.port.post("/reload").status, 200);
    world.joined(0, "preferred", BACKUP);
    consumer.await_more(500);
    consumer.assert_whole();
    let left = &world.feeds[PRIMARY];
    until("the old line is left", || left.clients().is_empty());
}

#[test]
fn consumers_are_carried_while_the_port_drains() {
    let mut world = World::of_twins(&[], "");
    let text = world.port.config();
    let text = text.replace("announce = \"0s\"", "announce = \"0s\"\ndeadline = \"10m\"");
    world.port = tests::failover!(text);
    let consumer = world.consumer();
    assert_eq!(world.port.post("/drain").status, 202);
    world.feeds[PRIMARY].kill();
    consumer.await_more(1000);
    consumer.assert_whole();
    drop(consumer);
    assert!(world.port.wait().success());
}

/// The endpoints are those of the pool, which a reload changes at once; how to speak to them follows.
#[test]
fn a_reload_says_how_to_speak_to_lines_to_those_who_are_there_too() {
    let files = tempfile::tempdir().unwrap();
    let password = files.path().join("password");
    std::fs::write(&password, "secret\n").unwrap();
    let file = format!("--password-file={}", password.display());
    let world = World::new([&[], &["--username=BACKUP", &file]], "");
    let consumer = world.consumer();
    let backup = world.name(BACKUP);
    let table = format!(
        "[{{ address = \"{backup}\", username = \"BACKUP\", password_file = {password:?} }}]"
    );
    let text = world.port.config();
    let changed = text.replace(&format!("[\"{backup}\"]"), &table);
    assert_ne!(changed, text);
    world.port.rewrite(&changed);
    assert_eq!(world.port.post("/reload").status, 200);
    let mut world = world;
    world.feeds[PRIMARY].kill();
    world.joined(0, "failover", BACKUP);
    world.goes_on(&consumer, BACKUP);
}

/// A line that was lost alone leaves the pool where it is, and its consumer elsewhere.
#[test]
fn an_operator_is_told_of_consumers_that_are_led_back() {
    let world = World::of_twins(&[], "");
    let consumer = world.consumer();
    let primary = world.name(PRIMARY);
    let unmoved = format!("feed: nothing had to move, {primary} is active");
    assert_eq!(tell(&world, &["failback", "feed"]).trim_end(), unmoved);
    world.feeds[PRIMARY].order("reset");
    world.events.nth("line_joined", 0);
    assert_eq!(world.active(&consumer), BACKUP);
    assert_eq!(world.status()["active_tier"], 0);
    assert_eq!(
        tell(&world, &["failback", "feed"]).trim_end(),
        format!("{unmoved}; 1 consumer is on another line, and is led there")
    );
    world.joined(1, "preferred", PRIMARY);
    world.goes_on(&consumer, PRIMARY);
}

/// What an operator decided holds for the consumers of the next process, too.
#[test]
fn a_restart_remembers_where_an_operator_put_consumers() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("feed.state");
    let keys = format!("state_file = {file:?}");
    let mut world = World::of_twins(&[], &keys);
    let consumer = world.consumer();
    tell(&world, &["failover", "feed"]);
    moved(&world, &consumer, 0, BACKUP);
    drop(consumer);
    assert!(world.port.stop().success());
    let World { feeds, .. } = world;
    let world = World::before(feeds, &keys);
    let consumer = world.consumer();
    assert_eq!(world.active(&consumer), BACKUP);
    assert_eq!(world.status()["held"], true);
    tell(&world, &["failback", "feed"]);
    moved(&world, &consumer, 0, PRIMARY);
}

/// With `when_none_healthy = "refuse"` no line is tried that checks have given up, and a consumer that
/// is there waits for one that they have not.
#[test]
fn a_consumer_waits_until_checks_say_that_a_line_is_back() {
    let keys = "when_none_healthy = \"refuse\"\nmax_outage = \"1min\"";
    let mut world = World::of_twins(&[], keys);
    let consumer = world.consumer();
    for feed in [BACKUP, PRIMARY] {
        world.feeds[feed].kill();
        world.await_state(feed, "down");
    }
    let failures = world.status()["tiers"][1]["endpoints"][0]["failures"].clone();
    until("the consumer waits", || {
        world.status()["feed"]["waiting"] == 1
    });
    world.feeds[BACKUP].start_again();
    world.await_state(BACKUP, "up");
    let joined = world.events.nth("line_joined", 0);
    assert_eq!(world.feed_of(&joined["endpoint"]), BACKUP);
    consumer.await_more(100);
    consumer.assert_whole();
    // Checks found out; nobody who waited did.
    assert_eq!(
        world.status()["tiers"][1]["endpoints"][0]["failures"],
        failures
    );
}
