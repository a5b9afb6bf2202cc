//! Two lines at once: where they stand, what becomes of one that differs, and who gets what.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::config::FAST_CHECK;
use tests::consumer::{Consumer, Login, frame};
use tests::feed;
use tests::feed::began;
use tests::process::until;
use tests::wire::End;

use crate::operators::tell;
use crate::world::{BACKUP, PRIMARY, World};

/// What makes the standby of a port hot.
pub(crate) const HOT: &str = "standby = \"hot\"\n";

/// What is shown of a consumer's line to a feed.
pub(crate) fn line(world: &World, consumer: &Consumer, feed: usize) -> Value {
    let shown = world.shown(consumer);
    let mut lines = shown["lines"].as_array().unwrap().iter();
    let name = world.name(feed);
    let found = lines.find(|line| line["endpoint"] == name);
    found.cloned().unwrap_or_default()
}

/// Waits until a consumer's line to a feed stands by, and is trusted.
pub(crate) fn stands_by(world: &World, consumer: &Consumer, feed: usize) {
    until("the line stands by", || {
        let line = line(world, consumer, feed);
        line["stage"] == "standby" && line["verified"] == true
    });
}

/// One consumer has one login at each feed.
pub(crate) fn assert_one_login_each(world: &World) {
    for feed in &world.feeds {
        let clients = feed.clients();
        assert_eq!(clients.len(), 1, "{clients:?}");
    }
}

#[test]
fn both_lines_are_logged_in_once_and_shown_with_their_places() {
    let world = World::of_twins(&[], HOT);
    let consumer = world.consumer();
    stands_by(&world, &consumer, BACKUP);
    let standby = world.events.nth("line_standby", 0);
    assert_eq!(world.feed_of(&standby["endpoint"]), BACKUP);
    assert_eq!(world.active(&consumer), PRIMARY);
    // For as long as nothing happens, that is all that does.
    consumer.await_more(2000);
    assert_one_login_each(&world);
    for feed in &world.feeds {
        assert_eq!(feed.status()["logins"], 1);
    }
    assert_eq!(world.events.named("line_standby").len(), 1);
    let before = line(&world, &consumer, BACKUP)["next"].as_u64().unwrap();
    consumer.await_more(500);
    // Nothing has happened, and yet it is known where it stands.
    let after = line(&world, &consumer, BACKUP)["next"].as_u64().unwrap();
    assert!(after > before + 200, "{before} to {after}");
    let feed = &world.status()["feed"];
    assert_eq!(
        (&feed["standby"], &feed["standing_by"], &feed["diverged"]),
        (&"hot".into(), &1.into(), &0.into())
    );
    assert_eq!(world.metric("consumers_with_standby", ""), 1.0);
    let said = tell(&world, &["status"]);
    assert!(said.contains("consumers 1, 1 with a hot standby"), "{said}");
    for feed in [PRIMARY, BACKUP] {
        let stage = ["joined", "standby"][feed];
        let wanted = format!("            {} {stage}, next ", world.name(feed));
        assert!(said.contains(&wanted), "{said}");
    }
    consumer.assert_whole();
    drop(consumer);
    for feed in &world.feeds {
        until("its line is gone", || feed.clients().is_empty());
    }
    until("it is not counted any more", || {
        world.metric("consumers_with_standby", "") == 0.0
    });
}

#[test]
fn a_line_that_is_behind_is_shown_with_its_lag_and_disturbs_nobody() {
    let world = World::of_twins(&[], HOT);
    let consumer = world.consumer();
    stands_by(&world, &consumer, BACKUP);
    let since = Instant::now();
    world.feeds[BACKUP].order("lag 700");
    until("its lag is shown", || {
        let lag = line(&world, &consumer, BACKUP)["lag"].as_u64();
        lag.is_some_and(|lag| (500..=2000).contains(&lag))
    });
    let shown = line(&world, &consumer, BACKUP);
    assert_eq!(
        (&shown["stage"], &shown["verified"]),
        (&"standby".into(), &true.into()),
        "{shown}"
    );
    let said = tell(&world, &["status"]);
    assert!(said.contains(" behind\n"), "{said}");
    // It is the active one that is behind now: the consumer has each message from the other.
    world.feeds[BACKUP].order("lag off");
    until("it has caught up", || {
        line(&world, &consumer, BACKUP)["lag"].as_u64().unwrap() < 200
    });
    world.feeds[PRIMARY].order("lag 700");
    until("its lag is shown", || {
        line(&world, &consumer, PRIMARY)["lag"].as_u64().unwrap() > 500
    });
    let next = consumer.await_more(100);
    let newest = world.feeds[BACKUP].newest();
    assert!(newest < next + 500, "{next} of {newest}");
    assert_eq!(world.active(&consumer), PRIMARY);
    assert!(world.events.named("line_lost").is_empty());
    let pause = consumer.longest_pause_since(since);
    println!("longest pause beside lines that were behind: {pause:?}");
    consumer.assert_whole();
}

/// At some forty bytes a message these are several times the least skew.
#[test]
fn a_line_too_far_behind_to_be_compared_is_not_trusted_until_it_is_back() {
    let world = World::of_twins(&["--rate=5000"], &format!("{HOT}skew = \"64KiB\""));
    let consumer = world.consumer();
    stands_by(&world, &consumer, BACKUP);
    world.feeds[BACKUP].order("lag 8000");
    let unverified = world.events.nth("line_unverified", 0);
    assert_eq!(world.feed_of(&unverified["endpoint"]), BACKUP);
    consumer.await_more(2000);
    let shown = line(&world, &consumer, BACKUP);
    assert_eq!(shown["verified"], false, "{shown}");
    assert_eq!(shown["diverged"], Value::Null, "it says nothing else");
    assert_eq!(world.metric("line_outruns_total", ""), 1.0);
    world.feeds[BACKUP].order("lag off");
    stands_by(&world, &consumer, BACKUP);
    consumer.await_more(1000);
    assert!(world.events.named("line_diverged").is_empty());
    assert!(world.events.named("line_lost").is_empty());
    consumer.assert_whole();
}

#[test]
fn operators_move_consumers_back_and_forth_without_a_pause() {
    let mut world = World::of_twins(&[], HOT);
    let consumer = world.consumer();
    stands_by(&world, &consumer, BACKUP);
    world.kill_for_a_while(PRIMARY);
    world.joined(0, "failover", BACKUP);
    stands_by(&world, &consumer, PRIMARY);
    assert_eq!(world.active(&consumer), BACKUP);
    let (since, logins) = (Instant::now(), logins(&world));
    for (nth, (order, to)) in [("failback", PRIMARY), ("failover", BACKUP)]
        .into_iter()
        .enumerate()
    {
        tell(&world, &[order, "feed"]);
        let joined = world.joined(1 + nth, "preferred", to);
        assert_eq!(world.feed_of(&joined["from"]), 1 - to);
        world.goes_on(&consumer, to);
        stands_by(&world, &consumer, 1 - to);
    }
    assert_one_login_each(&world);
    // Both were there already.
    assert_eq!(self::logins(&world), logins);
    let pause = consumer.longest_pause_since(since);
    println!("moved by an operator twice: longest pause {pause:?}");
    assert_eq!(world.events.named("line_lost").len(), 1, "that of the kill");
    consumer.assert_whole();
}

fn logins(world: &World) -> u64 {
    let logins = world
        .feeds
        .each_ref()
        .map(|it| it.status()["logins"].as_u64().unwrap());
    logins.iter().sum()
}

/// An order would be there twice if it reached both.
#[test]
fn what_has_no_number_goes_by_the_active_line_alone() {
    let world = World::of_twins(&[], HOT);
    let consumer = world.login(&Login {
        timeout: Some(5000),
        ..Login::at(0)
    });
    consumer.accepted();
    consumer.await_more(100);
    stands_by(&world, &consumer, BACKUP);
    for (feed, text) in [(BACKUP, "standby"), (PRIMARY, "active")] {
        assert_eq!(world.feeds[feed].order(&format!("unsequenced {text}")), 1);
        assert_eq!(world.feeds[feed].order(&format!("debug {text}")), 1);
    }
    let wanted = [b"Uactive".to_vec(), b"+active".to_vec()];
    until("both came", || consumer.unnumbered().len() >= 2);
    consumer.await_more(1000);
    assert_eq!(consumer.unnumbered(), wanted);
    let order = [b'o'; 40_000];
    let heard = |feed: usize| world.feeds[feed].clients()[0]["unsequenced"].as_u64();
    let before = [PRIMARY, BACKUP].map(heard);
    consumer.send(&frame(b'U', &order));
    until("it came", || heard(PRIMARY) > before[PRIMARY]);
    consumer.await_more(1000);
    assert_eq!(heard(BACKUP), before[BACKUP]);
    consumer.assert_whole();
}

#[test]
fn the_end_of_a_session_is_told_once_and_after_its_last_message() {
    let world = World::of_twins(&["--messages=12000"], HOT);
    let consumer = Consumer::at(world.address(), 1);
    let gone = consumer.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Fin, 1));
    assert_eq!((gone.next, gone.tally.messages), (Some(12_001), 12_000));
    let told = world.events.nth("end_of_session", 0);
    assert_eq!(told["sequence"], 12_001);
}

#[test]
fn an_end_that_one_line_alone_speaks_of_is_that_lines_failure() {
    for feed in [PRIMARY, BACKUP] {
        let world = World::of_twins(&[], HOT);
        let consumer = world.consumer();
        stands_by(&world, &consumer, BACKUP);
        let client = world.feeds[feed].clients()[0]["id"].clone();
        world.feeds[feed].order(&format!("end client={client}"));
        let down = world.events.nth("line_down", 0);
        assert_eq!(down["cause"], "ended_early", "{down}");
        assert_eq!(world.feed_of(&down["endpoint"]), feed);
        consumer.await_more(1000);
        consumer.assert_whole();
        assert!(world.events.named("end_of_session").is_empty());
    }
}

/// Checks ten times a second, which see a feed that is back long before a back-off is over.
const QUICK_CHECK: &str = r#"check = { interval = "100ms", fast_interval = "50ms", timeout = "95ms", rise = 1, fall = 2 }"#;

/// Waits until a feed that is dead has not been dialled for a second and a half: the longer it is dead, the
/// longer it rests.
fn await_rest(world: &World, consumer: &Consumer, feed: usize) {
    let dials = || world.status()["tiers"][feed]["endpoints"][0]["failures"].clone();
    loop {
        let before = dials();
        consumer.await_more(1500);
        if dials() == before {
            return;
        }
    }
}

#[test]
fn a_feed_that_is_back_stands_by_as_soon_as_checks_see_it() {
    let mut world = World::of_twins(&[], HOT);
    let text = world.port.config().replace(FAST_CHECK, QUICK_CHECK);
    world.port.rewrite(&text);
    assert_eq!(world.port.post("/reload").status, 200);
    let consumer = world.consumer();
    stands_by(&world, &consumer, BACKUP);
    for nth in 1..=2 {
        world.feeds[BACKUP].kill();
        world.await_state(BACKUP, "down");
        await_rest(&world, &consumer, BACKUP);
        world.feeds[BACKUP].start_again();
        world.await_state(BACKUP, "up");
        let since = Instant::now();
        world.events.nth("line_standby", nth);
        let took = since.elapsed();
        println!("stands by {took:?} after it was seen");
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
    consumer.assert_whole();
    assert_eq!(world.active(&consumer), PRIMARY);
}

/// Nobody is there to stand by, which is how a cold port is.
#[test]
fn a_port_of_one_line_is_none_the_worse_for_it() {
    let start = began(10.0);
    let flags = ["--rate=1000", start.as_str()];
    let mut world = World::before([feed!(&flags), feed!(&flags)], HOT);
    world.feeds[BACKUP].kill();
    let consumer = world.consumer();
    consumer.await_more(2000);
    consumer.assert_whole();
    assert_eq!(world.status()["feed"]["standing_by"], 0);
}

/// A reload makes standbys hot for consumers that come later.
#[test]
fn a_reload_holds_for_those_to_come() {
    let world = World::of_twins(&[], HOT);
    let old = world.consumer();
    stands_by(&world, &old, BACKUP);
    world
        .port
        .rewrite(&world.port.config().replace("\"hot\"", "\"cold\""));
    assert_eq!(world.port.post("/reload").status, 200);
    let new = world.consumer();
    new.await_more(1000);
    assert_eq!(world.shown(&new)["lines"].as_array().unwrap().len(), 1);
    stands_by(&world, &old, BACKUP);
    for consumer in [&old, &new] {
        consumer.assert_whole();
    }
}
