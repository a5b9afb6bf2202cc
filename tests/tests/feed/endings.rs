//! The end of a session, and one that only one feed speaks of.

use tests::consumer::{Consumer, Login};
use tests::wire::End;

use crate::world::{BACKUP, PRIMARY, World};

#[test]
fn the_end_of_a_session_is_told_once_and_after_its_last_message() {
    // Begun ten seconds ago, at 1000 a second.
    let world = World::of_twins(&["--messages=12000"], "");
    let consumer = Consumer::at(world.address(), 1);
    let gone = consumer.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Fin, 1));
    assert_eq!((gone.next, gone.tally.messages), (Some(12_001), 12_000));
    let told = world.events.nth("end_of_session", 0);
    assert_eq!(told["sequence"], 12_001);
    assert_eq!(
        world.ended(),
        ("done".to_owned(), "end_of_session".to_owned())
    );
    // It cannot be entered again.
    let late = world.login(&Login {
        session: "FEED000001".to_owned(),
        ..Login::at(12_000)
    });
    let late = late.gone();
    assert_eq!((late.rejected, late.end), (Some('S'), End::Fin));
}

#[test]
fn an_end_that_one_feed_alone_speaks_of_is_that_feeds_failure() {
    for order in ["end client=", "end"] {
        let world = World::of_twins(&[], "");
        let consumer = world.consumer();
        let client = world.feeds[PRIMARY].clients()[0]["id"].clone();
        let order = match order.ends_with('=') {
            true => format!("{order}{client}"),
            false => order.to_owned(),
        };
        assert_eq!(world.feeds[PRIMARY].order(&order), 1);
        let joined = world.events.nth("line_joined", 0);
        assert_eq!(joined["cause"], "false_end", "{order}");
        assert_eq!(world.feed_of(&joined["endpoint"]), BACKUP);
        consumer.await_more(1000);
        consumer.assert_whole();
        assert!(world.events.named("end_of_session").is_empty());
    }
}

#[test]
fn a_session_that_no_line_knows_any_more_ends_without_a_word_of_its_end() {
    let world = World::of_twins(&[], "max_outage = \"20s\"");
    let consumer = world.consumer();
    for feed in [BACKUP, PRIMARY] {
        world.feeds[feed].order("session NEXTDAY");
    }
    let gone = consumer.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Fin, 0));
    assert_eq!(
        world.ended(),
        ("upstream".to_owned(), "session_gone".to_owned())
    );
    // The new one is there for whoever comes.
    let next = world.login(&Login::at(1));
    assert_eq!(next.accepted().0, "NEXTDAY");
}
