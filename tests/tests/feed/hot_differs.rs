//! Two lines that do not say the same: which one is out, and what the consumer has.

use serde_json::Value;
use tests::consumer::Consumer;
use tests::feed;
use tests::feed::began;
use tests::process::until;
use tests::wire::End;

use crate::hot::{HOT, line, stands_by};
use crate::operators::tell;
use crate::world::{BACKUP, PRIMARY, World};

/// A consumer that gets all from the first message on.
fn from_the_first(world: &World) -> Consumer {
    let consumer = Consumer::at(world.address(), 1);
    consumer.await_more(100);
    consumer
}

/// Both are logged in before there is a message, and then each says something else.
#[test]
fn a_line_that_says_something_else_is_out_and_the_consumer_goes_on() {
    let start = began(-3.0);
    let flags = ["--rate=1000", start.as_str()];
    let feeds = [feed!(&flags), feed!(&[&flags[..], &["--seed=8"]].concat())];
    // So late that the consumer has had the true ones before.
    feeds[BACKUP].order("lag 200");
    let world = World::before(feeds, HOT);
    let consumer = Consumer::at(world.address(), 1);
    let standby = world.events.nth("line_standby", 0);
    assert_eq!(
        (&standby["sequence"], &standby["verified"]),
        (&1.into(), &false.into())
    );
    let diverged = world.events.nth("line_diverged", 0);
    assert_eq!(world.feed_of(&diverged["endpoint"]), BACKUP);
    assert_eq!(diverged["sequence"], 1);
    consumer.await_message(1000);
    consumer.assert_whole();
    assert_eq!(world.active(&consumer), PRIMARY);
    let shown = line(&world, &consumer, BACKUP);
    assert_eq!(
        (&shown["stage"], &shown["diverged"]),
        (&"diverged".into(), &1.into()),
        "{shown}"
    );
    assert_eq!(world.status()["feed"]["diverged"], 1);
    assert_eq!(world.metric("line_divergences_total", ""), 1.0);
    let said = tell(&world, &["status"]);
    let wanted = format!("{} diverged at message 1\n", world.name(BACKUP));
    assert!(said.contains(&wanted), "{said}");
    // It is not asked again.
    assert!(world.feeds[BACKUP].clients().is_empty());
    assert_eq!(world.feeds[BACKUP].status()["logins"], 1);
}

/// The endpoint that answers, and whose lines cannot be joined.
fn unfit(world: &World) -> Value {
    world.status()["feed"]["unfit"][0].clone()
}

/// A login into the middle may be answered by a number that is not its own: such a line is not trusted,
/// and tried again, less and less often.
#[test]
fn a_line_that_is_another_feed_s_never_stands_by() {
    let mut world = World::new([&[], &["--seed=8"]], HOT);
    // A line that comes before there is anything to compare stands by, in silence.
    world.feeds[BACKUP].kill();
    let consumer = world.consumer();
    world.feeds[BACKUP].start_again();
    until("it is known", || unfit(&world)["fault"] == "mismatch");
    consumer.await_more(2000);
    consumer.assert_whole();
    assert!(world.events.named("line_standby").is_empty());
    assert!(world.events.named("line_lost").is_empty());
    assert_eq!(world.active(&consumer), PRIMARY);
    assert_eq!(world.feed_of(&unfit(&world)["endpoint"]), BACKUP);
    assert!(world.feeds[BACKUP].status()["logins"].as_u64().unwrap() < 15);
}

/// Messages that there are when a world begins: ten seconds' worth, at a thousand a second.
const BEGUN: u64 = 10_000;

/// Has the backup say something else in one message, which is still to come; its number.
fn corrupt_one(world: &World, consumer: &Consumer, feed: usize) -> u64 {
    stands_by(world, consumer, BACKUP);
    // What there was before it came is sent at once, and may be under way already.
    consumer.await_message(BEGUN);
    let number = consumer.next() + 2000;
    world.feeds[feed].order(&format!("corrupt {number}"));
    number
}

#[test]
fn a_line_that_diverges_in_the_middle_is_out_until_an_operator_says_otherwise() {
    let world = World::of_twins(&[], HOT);
    let consumer = from_the_first(&world);
    // So late that the consumer has had the true one long before.
    stands_by(&world, &consumer, BACKUP);
    world.feeds[BACKUP].order("lag 500");
    let number = corrupt_one(&world, &consumer, BACKUP);
    let diverged = world.events.nth("line_diverged", 0);
    assert_eq!(diverged["sequence"], number);
    assert_eq!(world.feed_of(&diverged["endpoint"]), BACKUP);
    consumer.await_message(number + 1000);
    assert_eq!(line(&world, &consumer, BACKUP)["diverged"], number);
    assert!(world.feeds[BACKUP].clients().is_empty());
    consumer.assert_whole();
    // An operator knows that it is well again.
    world.feeds[BACKUP].order(&format!("mend {number}"));
    world.feeds[BACKUP].order("lag off");
    tell(&world, &["failover", "feed"]);
    world.joined(0, "preferred", BACKUP);
    world.goes_on(&consumer, BACKUP);
    stands_by(&world, &consumer, PRIMARY);
    consumer.assert_whole();
}

#[test]
fn with_on_mismatch_close_the_consumer_is_cut() {
    let world = World::of_twins(&[], &format!("{HOT}on_mismatch = \"close\""));
    let consumer = from_the_first(&world);
    stands_by(&world, &consumer, BACKUP);
    world.feeds[BACKUP].order("lag 500");
    let number = corrupt_one(&world, &consumer, BACKUP);
    let gone = consumer.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Reset, 0));
    assert!(gone.next.unwrap() > number, "{gone:?}");
    let diverged = world.events.nth("line_diverged", 0);
    assert_eq!(diverged["sequence"], number);
    assert_eq!(
        world.ended(),
        ("upstream".to_owned(), "mismatch".to_owned())
    );
}
