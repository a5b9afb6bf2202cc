//! Packets without a number, and the ways in which a consumer leaves.

use std::io::Write;

use tests::consumer::{Login, frame};
use tests::process::until;
use tests::wire::{End, read_to_end, send};

use crate::world::{PRIMARY, World};

#[test]
fn what_has_no_number_goes_to_whom_it_may() {
    let world = World::of_twins(&[], "");
    let old = world.consumer();
    let new = world.login(&Login {
        timeout: Some(5000),
        ..Login::at(1)
    });
    new.await_more(10);
    // More than is read at once.
    let long = "x".repeat(60_000);
    for order in ["unsequenced hello", &format!("debug {long}")] {
        assert_eq!(world.feeds[PRIMARY].order(order), 2);
    }
    let debug = [b"+", long.as_bytes()].concat();
    let wanted = vec![b"Uhello".to_vec(), debug.clone()];
    until("both came", || new.unnumbered().len() == 2);
    assert_eq!(new.unnumbered(), wanted);
    // 47 bytes may be a client of version 3.00, which does not know `U`.
    until("it came", || !old.unnumbered().is_empty());
    assert_eq!(old.unnumbered(), [debug]);
    for consumer in [&old, &new] {
        consumer.await_more(100);
        consumer.assert_whole();
    }
}

#[test]
fn what_a_consumer_sends_reaches_the_joined_line_once_and_is_dropped_without_one() {
    let mut world = World::of_twins(&[], "max_outage = \"1s\"");
    let consumer = world.consumer();
    let order = frame(b'U', &[b'o'; 40_000]);
    consumer.send(&order);
    consumer.await_more(100);
    consumer.assert_whole();
    assert_eq!(world.metric("unsequenced_dropped_total", ""), 0.0);
    world.feeds.iter_mut().for_each(tests::feed::Feed::kill);
    world.events.nth("line_lost", 0);
    consumer.send(&order);
    let dropped = world.events.nth("unsequenced_dropped", 0);
    assert_eq!(dropped["reason"], "1, while no line was joined");
    assert_eq!(world.metric("unsequenced_dropped_total", ""), 1.0);
    assert_eq!(consumer.gone().end, End::Reset);
}

#[test]
fn a_consumer_that_leaves_takes_its_lines_along() {
    let world = World::of_twins(&[], "");
    let consumer = world.consumer();
    assert_eq!(world.feeds[PRIMARY].clients().len(), 1);
    consumer.send(&frame(b'O', b""));
    let gone = consumer.gone();
    assert_eq!((gone.end, gone.ends_of_session), (End::Fin, 0));
    assert_eq!(world.ended(), ("done".to_owned(), "logout".to_owned()));
    let feed = &world.feeds[PRIMARY];
    until("its line is gone", || feed.clients().is_empty());

    let mut other = send(world.address(), &Login::at(1).bytes());
    until("it is in", || feed.clients().len() == 1);
    other.write_all(&frame(b'R', b"")).unwrap();
    other.shutdown(std::net::Shutdown::Write).unwrap();
    read_to_end(&mut other);
    until("its line is gone", || feed.clients().is_empty());
    assert_eq!(world.status()["feed"]["consumers"], 0);
}
