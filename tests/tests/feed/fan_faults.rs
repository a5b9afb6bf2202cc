//! What goes wrong with a login that serves many, and its end.

use std::time::{Duration, Instant};

use tests::consumer::{Consumer, Login};
use tests::feed::Feed;
use tests::process::until;
use tests::wire::End;

use crate::fan::Fan;
use crate::world::{BACKUP, PRIMARY};

#[test]
fn the_end_of_a_session_is_told_to_each_after_its_last_message() {
    // Begun ten seconds ago, at 1000 a second.
    let fan = Fan::new(&["--messages=13000"], "").begun();
    let places = [1, 5000, 9000];
    let consumers = places.map(|place| Consumer::at(fan.world.address(), place));
    for (place, consumer) in places.into_iter().zip(&consumers) {
        let gone = consumer.gone();
        assert_eq!((gone.end, gone.ends_of_session), (End::Fin, 1));
        assert_eq!(gone.next, Some(13_001));
        assert_eq!(gone.tally.messages, 13_001 - place);
    }
    let late = fan.world.login(&Login {
        session: "FEED000001".to_owned(),
        ..Login::at(12_000)
    });
    let late = late.gone();
    assert_eq!((late.rejected, late.end), (Some('S'), End::Fin));
    assert!(fan.login()["history"].is_null());
}

#[test]
fn with_nothing_up_consumers_are_kept_for_a_while_and_then_cut_and_what_is_held_is_kept() {
    let mut fan = Fan::new(&[], "max_outage = \"3s\"").begun();
    let consumers = [fan.world.consumer(), fan.world.consumer()];
    fan.world.feeds.iter_mut().for_each(Feed::kill);
    let since = Instant::now();
    let mut place = 0;
    for consumer in &consumers {
        let gone = consumer.gone();
        assert_eq!((gone.end, gone.ends_of_session), (End::Reset, 0));
        assert!(gone.at - since > Duration::from_secs(2));
        let beats = gone.heartbeats.iter().filter(|at| **at > since);
        assert!(beats.count() >= 2);
        place = gone.next.unwrap();
    }
    assert_eq!(
        fan.world.ended(),
        ("upstream".to_owned(), "outage".to_owned())
    );
    fan.world.feeds[BACKUP].start_again();
    until("there is a session again", || {
        fan.login()["history"].is_object()
    });
    let history = fan.login()["history"].clone();
    assert_eq!(history["first"], 1, "{history}");
    for place in [place, 1] {
        let back = Consumer::at(fan.world.address(), place);
        back.await_message(fan.world.feeds[BACKUP].newest());
        back.assert_whole();
    }
    // Asked for the last of what is held, and nothing else.
    let clients = fan.world.feeds[BACKUP].clients();
    assert_eq!(clients.len(), 1, "{clients:?}");
    assert_eq!(clients[0]["requested"], place - 16, "{clients:?}");
}

#[test]
fn without_a_session_a_login_is_answered_when_its_time_is_over_or_there_is_one() {
    let mut fan = Fan::new(&[], "login_wait = \"2s\"").begun();
    fan.world.feeds.iter_mut().for_each(Feed::kill);
    until("the session is gone", || fan.login()["history"].is_null());
    let since = Instant::now();
    let gone = fan.world.login(&Login::at(1)).gone();
    assert_eq!((gone.rejected, gone.end), (Some('S'), End::Fin));
    assert!(since.elapsed() > Duration::from_millis(1800));
    fan.world.feeds[PRIMARY].start_again();
    until("there is a session again", || {
        fan.login()["history"].is_object()
    });
    let back = Consumer::at(fan.world.address(), 1);
    back.await_more(100);
    back.assert_whole();
}

#[test]
fn a_new_session_begins_anew() {
    let fan = Fan::new(&[], "").begun();
    let consumer = fan.world.consumer();
    for feed in [BACKUP, PRIMARY] {
        fan.world.feeds[feed].order("session NEXTDAY");
    }
    let gone = consumer.gone();
    assert_eq!(gone.ends_of_session, 0);
    until("the new session is there", || {
        fan.login()["session"] == "NEXTDAY"
    });
    let next = fan.world.login(&Login::at(1));
    assert_eq!(next.accepted(), ("NEXTDAY".to_owned(), 1));
    next.await_more(100);
    let old = fan.world.login(&Login {
        session: "FEED000001".to_owned(),
        ..Login::at(1)
    });
    assert_eq!(old.gone().rejected, Some('S'));
}
