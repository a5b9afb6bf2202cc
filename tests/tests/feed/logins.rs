//! What a consumer's login is answered.

use std::time::{Duration, Instant};

use tests::consumer::{Consumer, Login};
use tests::feed::Feed;
use tests::process::until;
use tests::wire::End;

use crate::world::{BACKUP, PRIMARY, World};

/// The login is rejected so, and the connection ends with FIN; within this time.
fn rejected(consumer: &Consumer, reason: char) -> Duration {
    let since = Instant::now();
    let gone = consumer.gone();
    assert_eq!((gone.rejected, gone.end), (Some(reason), End::Fin));
    assert!(gone.heartbeats.is_empty() && gone.tally.messages == 0);
    since.elapsed()
}

#[test]
fn who_is_not_let_in_hears_it() {
    let world = World::of_twins(&[], "");
    world.feeds[PRIMARY].order("reject A");
    rejected(&world.login(&Login::at(1)), 'A');
    let ended = ("upstream".to_owned(), "not_authorized".to_owned());
    assert_eq!(world.ended(), ended);
    assert_eq!(world.feeds[BACKUP].status()["logins"], 0);
}

#[test]
fn a_session_is_not_available_once_every_line_says_so() {
    let world = World::of_twins(&[], "login_wait = \"20s\"");
    world.feeds[PRIMARY].order("reject S");
    let consumer = Consumer::at(world.address(), 5);
    consumer.await_message(100);
    assert_eq!(world.active(&consumer), BACKUP);
    drop(consumer);
    world.feeds[BACKUP].order("reject S");
    let took = rejected(&world.login(&Login::at(1)), 'S');
    assert!(took < Duration::from_secs(10), "{took:?}");
    let login = Login {
        session: "OTHER".to_owned(),
        ..Login::at(1)
    };
    for feed in &world.feeds {
        feed.order("reject off");
    }
    rejected(&world.login(&login), 'S');
}

#[test]
fn with_nothing_up_a_login_is_answered_when_its_time_is_over() {
    let mut world = World::of_twins(&[], "login_wait = \"1500ms\"");
    world.feeds.iter_mut().for_each(Feed::kill);
    let took = rejected(&world.login(&Login::at(1)), 'S');
    assert!(took > Duration::from_millis(1300), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(world.ended(), ("upstream".to_owned(), "no_line".to_owned()));
}

#[test]
fn a_login_that_came_too_early_waits_for_a_feed() {
    let mut world = World::of_twins(&[], "login_wait = \"20s\"");
    world.feeds.iter_mut().for_each(Feed::kill);
    let consumer = world.login(&Login::at(7));
    until("its login is waited with", || {
        !world.shown(&consumer)["lines"]
            .as_array()
            .unwrap()
            .is_empty()
    });
    assert!(!consumer.is_answered());
    world.feeds[BACKUP].start_again();
    assert_eq!(consumer.accepted(), ("FEED000001".to_owned(), 7));
    consumer.await_message(1000);
    consumer.assert_whole();
}

#[test]
fn a_login_a_little_beyond_the_end_is_held_and_never_renumbered() {
    let world = World::of_twins(&[], "login_wait = \"20s\"");
    let wanted = world.feeds[PRIMARY].newest() + 2000;
    let consumer = world.login(&Login::at(wanted));
    assert_eq!(consumer.accepted().1, wanted);
    consumer.await_message(wanted + 100);
    consumer.assert_whole();
}

#[test]
fn a_login_far_beyond_the_end_is_rejected() {
    for answer in ["clamp", "reject"] {
        let beyond = format!("--beyond-end={answer}");
        let world = World::of_twins(&[&beyond], "login_wait = \"500ms\"");
        let wanted = world.feeds[PRIMARY].newest() + 1_000_000;
        rejected(&world.login(&Login::at(wanted)), 'S');
    }
}

/// The feed's own count is wrong for such a consumer: no line that counts right may carry it on.
#[test]
fn a_line_that_echoes_a_number_it_does_not_have_is_never_spliced_to_another() {
    let world = World::of_twins(&["--beyond-end=echo"], "max_outage = \"1s\"");
    let wanted = world.feeds[PRIMARY].newest() + 300;
    let consumer = world.login(&Login::at(wanted));
    assert_eq!(consumer.accepted().1, wanted);
    until("it gets messages", || consumer.tally().messages > 100);
    world.feeds[PRIMARY].order("cut");
    until("the line is lost", || {
        !world.events.named("line_lost").is_empty()
    });
    until("the consumer is cut", || {
        world.status()["feed"]["consumers"] == 0
    });
    assert!(world.events.named("line_joined").is_empty());
    assert_eq!(world.ended(), ("upstream".to_owned(), "outage".to_owned()));
}

#[test]
fn consumers_at_different_places_are_carried_each_on_its_own() {
    let mut world = World::of_twins(&[], "");
    let first = Consumer::at(world.address(), 1);
    let middle = Consumer::at(world.address(), 5000);
    let newest = world.consumer();
    let long = world.login(&Login {
        timeout: Some(5000),
        session: "FEED000001".to_owned(),
        ..Login::at(9000)
    });
    let all = [&first, &middle, &newest, &long];
    all.iter().for_each(|it| drop(it.accepted()));
    for consumer in all {
        consumer.await_more(100);
    }
    world.feeds[PRIMARY].kill();
    for consumer in all {
        consumer.await_more(500);
        consumer.assert_whole();
        assert_eq!(world.active(consumer), BACKUP);
    }
    assert_eq!(world.joins("failover"), 4.0);
    assert_eq!(first.tally().messages + 1, first.next());
    assert_eq!(world.feeds[BACKUP].clients().len(), 4);
}
