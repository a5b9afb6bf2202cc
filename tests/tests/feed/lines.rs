//! How a joined line may fail, and what is wrong with the one that might carry on.

use std::io::Write;
use std::time::{Duration, Instant};

use soupbintcp_sim::day::Day;
use tests::consumer::{Consumer, SEED, frame};
use tests::events::Events;
use tests::feed::{Feed, began};
use tests::process::until;
use tests::wire::{Backend, End, read_exactly};
use tests::{failover, feed};

use crate::operators::tell;
use crate::world::{BACKUP, COMPARED, PRIMARY, World, config};

#[test]
fn every_way_to_end_a_line_is_survived_mid_frame_too() {
    let world = World::of_twins(&[], "");
    let consumer = world.consumer();
    for (nth, order) in ["cut", "cut reset", "reset", "close"].iter().enumerate() {
        let victim = world.active(&consumer);
        assert_eq!(world.feeds[victim].order(order), 1, "{order}");
        let joined = world.events.nth("line_joined", nth);
        assert_eq!(world.feed_of(&joined["endpoint"]), 1 - victim, "{order}");
        assert_eq!(joined["verified"], true, "{order}");
        // A line that lives for less than a quarter of a second is held to have died of being joined.
        consumer.await_more(400);
    }
    consumer.assert_whole();
    let lost = world.events.named("line_lost");
    let causes: Vec<_> = lost
        .iter()
        .map(|it| it["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes, ["closed", "broken", "broken", "closed"]);
}

/// However it answers a login that goes beyond what it has.
#[test]
fn a_backup_that_is_behind_is_waited_for() {
    for answer in ["clamp", "echo", "reject"] {
        let backup = format!("--beyond-end={answer}");
        let mut world = World::new([&[], &[&backup]], "");
        world.feeds[BACKUP].order("lag 700ms");
        let consumer = world.consumer();
        let next = consumer.await_more(1);
        world.feeds[PRIMARY].kill();
        let joined = world.events.nth("line_joined", 0);
        let sequence = joined["sequence"].as_u64().unwrap();
        assert!(sequence >= next && joined["verified"] == true, "{joined}");
        let waited = consumer.waited_for(sequence);
        println!("behind by 700ms, {answer}: {waited:?}");
        assert!(waited > Duration::from_millis(600), "{answer}: {waited:?}");
        consumer.await_more(50);
        consumer.assert_whole();
    }
}

/// What a consumer saw whom nobody could carry on: heartbeats, and then a reset, within the time.
fn cut_by_an_outage(world: &World, consumer: &Consumer, began: Instant, max_outage: Duration) {
    let gone = consumer.gone();
    let last = consumer.last_message().unwrap();
    assert_eq!((gone.end, gone.ends_of_session), (End::Reset, 0));
    let lasted = gone.at - began.max(last);
    assert!(
        lasted > max_outage - Duration::from_millis(100),
        "{lasted:?}"
    );
    assert!(lasted < max_outage + Duration::from_secs(2), "{lasted:?}");
    let said: Vec<&Instant> = gone.heartbeats.iter().filter(|at| **at > last).collect();
    // One each second, but for the one that the cut may come before.
    assert!(said.len() as u64 >= (max_outage - Duration::from_millis(500)).as_secs());
    let pairs = said.windows(2).map(|pair| *pair[1] - *pair[0]);
    pairs.for_each(|apart| assert!(apart < Duration::from_secs(2), "{apart:?}"));
    assert!(gone.is_whole, "half a frame");
    let ended = ("upstream".to_owned(), "outage".to_owned());
    assert_eq!(world.ended(), ended);
    assert_eq!(world.metric("consumers_waiting", ""), 0.0);
}

/// Kills the primary where the backup must never be joined, for this reason.
fn never_joined(mut world: World, fault: &str) {
    const MAX_OUTAGE: Duration = Duration::from_millis(2500);
    let consumer = world.consumer();
    let began = Instant::now();
    world.feeds[PRIMARY].kill();
    let down = world.events.nth("line_down", 0);
    assert_eq!(down["cause"], fault, "{down}");
    assert_eq!(world.feed_of(&down["endpoint"]), BACKUP);
    let shown = world.shown(&consumer);
    let lines = shown["lines"].as_array().unwrap();
    let backup = lines.iter().find(|it| it["endpoint"] == world.name(BACKUP));
    assert_eq!(backup.unwrap()["fault"], fault, "{shown}");
    assert!(shown["line"].is_null() && shown["waiting_seconds"].is_f64());
    assert_eq!(world.metric("consumers_waiting", ""), 1.0);
    let said = tell(&world, &["status"]);
    let backup = format!("{} failed for 1: ", world.name(BACKUP));
    assert!(said.contains("consumers 1, 1 without a line"), "{said}");
    assert!(said.contains(&backup), "{said}");
    cut_by_an_outage(&world, &consumer, began, MAX_OUTAGE);
    assert!(world.events.named("line_joined").is_empty());
    // Each of the lines, though the first alone is news; and it is not forgotten with the consumer.
    let count = world.metric("line_failures_total", &format!("fault=\"{fault}\""));
    assert!(count >= 1.0);
    let downs = world.events.named("line_down");
    let told = downs.iter().filter(|it| it["cause"] == fault);
    assert_eq!(told.count(), 1);
    let feed = &world.status()["feed"];
    assert_eq!(feed["consumers"], 0);
    let unfit = &feed["unfit"][0];
    assert_eq!(world.feed_of(&unfit["endpoint"]), BACKUP);
    assert_eq!(
        (&unfit["fault"], unfit["lines"].as_f64()),
        (&fault.into(), Some(count))
    );
    let said = tell(&world, &["status"]);
    let backup = format!("{} cannot be joined, for ", world.name(BACKUP));
    assert!(said.contains(&backup), "{said}");
}

/// A server that looks at the session that a login names.
#[test]
fn a_line_that_rejects_the_session_is_never_joined() {
    let world = World::new([&[], &["--session=OTHER"]], "max_outage = \"2500ms\"");
    never_joined(world, "session_unavailable");
}

/// One that does not, and goes on with its own.
#[test]
fn a_line_of_another_session_is_never_joined() {
    let (mut feed, other) = (feed!(&["--rate=1000"]), Backend::default());
    let endpoints = [feed.address(), other.address()];
    let port = failover!(config(&endpoints, "max_outage = \"1s\"", ""));
    let events = Events::of(&port);
    let consumer = Consumer::at(port.address("feed"), 1);
    consumer.await_more(2 * COMPARED);
    feed.kill();
    let mut line = other.accept_asking(b"\0\x2fL");
    let mut login = read_exactly(&mut line, 46);
    assert_eq!(&login[16..26], b"FEED000001");
    // The number that is asked for is there, and so are its messages.
    login.splice(16..26, *b"     OTHER");
    line.write_all(&frame(b'A', &login[16..])).unwrap();
    let wanted: u64 = std::str::from_utf8(&login[26..])
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let day = Day::new(SEED);
    for number in wanted..wanted + 100 {
        // It may have been closed already.
        let _ = line.write_all(&frame(b'S', &day.message(number)));
    }
    let down = events.nth("line_down", 0);
    assert_eq!(down["cause"], "other_session");
    assert_eq!(down["reason"], "it carries another session, \"OTHER\"");
    let (gone, joined) = (consumer.gone(), events.named("line_joined"));
    assert_eq!((gone.end, joined.len()), (End::Reset, 0));
    let series = "l4_failover_line_failures_total{fault=\"other_session\",port=\"feed\"}";
    assert!(port.metric(series) >= 1.0);
}

#[test]
fn a_line_whose_bytes_differ_is_never_joined() {
    let world = World::new([&[], &["--seed=8"]], "max_outage = \"2500ms\"");
    never_joined(world, "mismatch");
}

#[test]
fn a_line_that_lets_nobody_in_is_never_joined() {
    let world = World::of_twins(&[], "max_outage = \"2500ms\"");
    world.feeds[BACKUP].order("reject A");
    never_joined(world, "not_authorized");
}

#[test]
fn a_line_that_does_not_have_the_session_now_is_never_joined() {
    let world = World::of_twins(&[], "max_outage = \"2500ms\"");
    world.feeds[BACKUP].order("reject S");
    never_joined(world, "session_unavailable");
}

#[test]
fn consumers_of_two_dead_feeds_get_heartbeats_and_are_cut_in_time() {
    let mut world = World::of_twins(&[], "max_outage = \"3s\"");
    let consumer = world.consumer();
    let began = Instant::now();
    world.feeds[BACKUP].kill();
    world.feeds[PRIMARY].kill();
    cut_by_an_outage(&world, &consumer, began, Duration::from_secs(3));
}

#[test]
fn two_dead_feeds_of_which_one_comes_back_in_time_are_survived() {
    let mut world = World::of_twins(&[], "");
    let consumer = world.consumer();
    world.feeds[BACKUP].kill();
    world.feeds[PRIMARY].kill();
    world.events.nth("line_lost", 0);
    world.feeds[BACKUP].start_again();
    let joined = world.events.nth("line_joined", 0);
    assert_eq!(world.feed_of(&joined["endpoint"]), BACKUP);
    consumer.await_more(50);
    consumer.assert_whole();
}

/// One that sends heartbeats is a line that lives, however quiet the market is.
#[test]
fn a_quiet_feed_is_kept_and_a_mute_one_is_not() {
    let world = World::of_twins(&[], "silence = \"2s\"");
    let consumer = world.consumer();
    world.feeds[PRIMARY].order("pause");
    let paused = Instant::now();
    until("it is quiet for longer than a line may be silent", || {
        paused.elapsed() > Duration::from_millis(3500)
    });
    consumer.assert_whole();
    assert_eq!(world.active(&consumer), PRIMARY);
    assert!(world.events.named("line_lost").is_empty());
    world.feeds[PRIMARY].order("resume");
    consumer.await_more(1000);

    world.feeds[PRIMARY].order("pause\nheartbeats off");
    let lost = world.events.nth("line_lost", 0);
    assert_eq!(lost["cause"], "silent");
    assert_eq!(
        world.feed_of(&world.events.nth("line_joined", 0)["endpoint"]),
        BACKUP
    );
    consumer.await_more(1000);
    consumer.assert_whole();
}

/// A wrong message is passed on as it is, for nobody knows better; the next line finds it out, and
/// is not put behind it.
#[test]
fn a_message_that_was_wrong_is_found_out_by_the_next_line() {
    // Slow enough that nothing else is compared by then.
    let mut world = World::of_twins(&["--rate=20"], "max_outage = \"1s\"");
    let consumer = world.consumer();
    let wrong = consumer.next() + 10;
    world.feeds[PRIMARY].order(&format!("corrupt {wrong}"));
    consumer.await_message(wrong + 1);
    assert_eq!(consumer.tally().corruptions, 1);
    world.feeds[PRIMARY].kill();
    let down = world.events.nth("line_down", 0);
    assert_eq!(down["cause"], "mismatch");
    let sentence = format!("its message {wrong} is not the one that the consumer has");
    assert_eq!(down["reason"], sentence);
    until("the consumer is cut", || {
        world.status()["feed"]["consumers"] == 0
    });
    assert!(world.events.named("line_joined").is_empty());
}

/// Each of two backups is unfit in its way; the third carries on.
#[test]
fn unfit_lines_are_passed_over() {
    let start = began(10.0);
    let flags = ["--rate=1000", start.as_str()];
    let with = |more: &'static str| feed!(&[&flags[..], &[more]].concat());
    let mut feeds = [
        feed!(&flags),
        with("--seed=8"),
        with("--session=OTHER"),
        feed!(&flags),
    ];
    let port = failover!(config(&feeds.each_ref().map(Feed::address), "", ""));
    let events = Events::of(&port);
    let consumer = Consumer::at(port.address("feed"), 1);
    consumer.await_more(2 * COMPARED);
    feeds[0].kill();
    let joined = events.nth("line_joined", 0);
    assert_eq!(joined["endpoint"], feeds[3].address().to_string());
    let down = events.named("line_down");
    let causes: Vec<_> = down
        .iter()
        .map(|it| it["cause"].as_str().unwrap())
        .collect();
    assert_eq!(causes, ["mismatch", "session_unavailable"]);
    consumer.await_more(500);
    consumer.assert_whole();
}

/// Nothing can be compared before the first message: the same session is enough there.
#[test]
fn a_session_that_has_not_begun_is_carried_from_its_first_message() {
    let start = began(-4.0);
    let flags = ["--rate=1000", start.as_str()];
    let mut world = World::before([feed!(&flags), feed!(&flags)], "");
    let consumer = Consumer::at(world.address(), 1);
    world.feeds[PRIMARY].kill();
    let joined = world.events.nth("line_joined", 0);
    assert_eq!(
        (&joined["sequence"], &joined["verified"]),
        (&1.into(), &false.into())
    );
    consumer.await_message(100);
    world.feeds[PRIMARY].start_again();
    world.await_state(PRIMARY, "up");
    world.feeds[BACKUP].kill();
    let joined = world.events.nth("line_joined", 1);
    assert_eq!(joined["verified"], true);
    consumer.await_more(500);
    consumer.assert_whole();
}

#[test]
fn a_consumer_that_an_operator_ends_is_reset_alone() {
    let world = World::of_twins(&[], "");
    let (ended, other) = (world.consumer(), world.consumer());
    let id = world.shown(&ended)["id"].as_str().unwrap().to_owned();
    let answer = world.port.post(&format!("/connections/{id}/end"));
    assert_eq!(answer.status, 202, "{}", answer.body);
    let gone = ended.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Reset, 0));
    assert_eq!(world.ended().0, "operator");
    other.await_more(100);
    other.assert_whole();
    let feed = &world.feeds[PRIMARY];
    until("its line is gone", || feed.clients().len() == 1);
}

/// A feed drops whom it does not hear from; of two versions one says how long that may be.
#[test]
fn a_feed_hears_from_its_lines() {
    let mut world = World::of_twins(&["--silence=2s"], "");
    let text = world.port.config();
    let primary = world.name(PRIMARY);
    let target = format!("{{ address = \"{primary}\", version = \"4.1\" }}");
    let text = text.replace(&format!("[\"{primary}\"]"), &format!("[{target}]"));
    world.port = failover!(text);
    world.events = Events::of(&world.port);
    let consumer = world.consumer();
    let client = world.feeds[PRIMARY].clients().remove(0);
    assert_eq!(client["heartbeat_timeout_ms"], 15_000);
    world.feeds[PRIMARY].order("cut");
    world.events.nth("line_joined", 0);
    let client = world.feeds[BACKUP].clients().remove(0);
    assert!(client["heartbeat_timeout_ms"].is_null());
    // Longer than that feed waits.
    consumer.await_more(4500);
    consumer.assert_whole();
    assert_eq!(world.events.named("line_lost").len(), 1);
}
