//! Rules 9 and 12: messages without a number, text, credentials, leaving.

use super::super::*;
use super::rig::{MS, Rig, SECOND, a_login};
use crate::soupbin::packet::Credentials;

fn subscribing() -> JoinOptions {
    JoinOptions {
        unsequenced: Unsequenced::Subscribe,
        ..JoinOptions::default()
    }
}

#[test]
fn what_a_consumer_sends_goes_to_the_joined_line_once() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.consumer_sends(&Packet::Unsequenced(b"order"));
    assert_eq!(rig.sent(line)[1..], ["U order"]);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    assert_eq!(rig.sent(other).len(), 1, "the login alone");
}

#[test]
fn with_no_line_it_is_dropped_and_that_is_an_event() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.fail(line, LineFault::Closed);
    rig.consumer_sends(&Packet::Unsequenced(b"order"));
    assert_eq!(
        rig.events.last(),
        Some(&JoinEvent::UnsequencedDropped { messages: 1 })
    );
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    assert_eq!(rig.sent(other).len(), 1);
}

#[test]
fn of_many_that_are_dropped_the_first_is_told_and_then_the_sum() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.fail(line, LineFault::Closed);
    for _ in 0..1000 {
        rig.consumer_sends(&Packet::Unsequenced(b"order"));
    }
    let told = |rig: &Rig| {
        let events = rig.events.iter();
        let told = events.filter_map(|event| match event {
            JoinEvent::UnsequencedDropped { messages } => Some(*messages),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(&rig), [1]);
    rig.until(1000 * MS);
    assert_eq!(told(&rig), [1, 999]);
    rig.consumer_sends(&Packet::Unsequenced(b"order"));
    rig.consumer_sends(&Packet::Logout);
    assert_eq!(told(&rig), [1, 999, 1]);
}

#[test]
fn a_subscription_is_sent_to_each_new_line_before_it_joins() {
    let (mut rig, line) = Rig::joined(subscribing(), 1, &["one"]);
    rig.until(1999 * MS);
    rig.consumer_sends(&Packet::Unsequenced(b"subscribe"));
    rig.says(line, &Packet::ServerHeartbeat);
    rig.until(2000 * MS);
    rig.consumer_sends(&Packet::Unsequenced(b"later"));
    assert_eq!(rig.sent(line)[1..], ["R", "U subscribe", "U later"]);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    assert_eq!(rig.target(), None);
    assert_eq!(rig.sent(other)[1..], ["U subscribe"]);
}

#[test]
fn what_is_subscribed_to_while_a_line_comes_goes_there_too() {
    let (mut rig, line) = Rig::joined(subscribing(), 1, &["one"]);
    rig.consumer_sends(&Packet::Unsequenced(b"first"));
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.consumer_sends(&Packet::Unsequenced(b"second"));
    rig.messages(other, &["one"]);
    assert_eq!(rig.sent(other)[1..], ["U first", "U second"]);
}

#[test]
fn what_is_subscribed_to_before_the_answer_goes_to_the_line_that_answers() {
    let mut rig = Rig::new(subscribing());
    rig.log_in(a_login(1));
    rig.consumer_sends(&Packet::Unsequenced(b"subscribe"));
    let line = rig.open(1);
    rig.accept(line, "S", 1);
    assert_eq!(rig.sent(line)[1..], ["U subscribe"]);
}

#[test]
fn a_subscription_is_bounded() {
    let (mut rig, line) = Rig::joined(subscribing(), 1, &["one"]);
    for _ in 0..300 {
        rig.consumer_sends(&Packet::Unsequenced(b"more"));
    }
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    assert_eq!(rig.sent(other).len(), 1 + 256);
    let (mut rig, line) = Rig::joined(subscribing(), 1, &["one"]);
    for _ in 0..10 {
        rig.consumer_sends(&Packet::Unsequenced(&[b'x'; 10_000]));
    }
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    assert_eq!(rig.sent(other).len(), 1 + 6);
}

#[test]
fn a_servers_messages_go_to_consumers_that_may_have_them() {
    let server_unsequenced = JoinOptions {
        server_unsequenced: true,
        ..JoinOptions::default()
    };
    for (options, heartbeat_timeout, is_told) in [
        (JoinOptions::default(), None, false),
        (JoinOptions::default(), Some(15 * SECOND), true),
        (server_unsequenced, None, true),
    ] {
        let mut rig = Rig::new(options);
        rig.log_in(LoginRequest {
            heartbeat_timeout,
            ..a_login(1)
        });
        let line = rig.open(1);
        rig.accept(line, "S", 1);
        rig.says(line, &Packet::Unsequenced(b"x"));
        assert_eq!(rig.told().contains(&"U x".to_owned()), is_told);
    }
}

#[test]
fn messages_without_a_number_and_text_come_from_the_joined_line_only() {
    let mut rig = Rig::new(JoinOptions::default());
    let heartbeat_timeout = Some(15 * SECOND);
    rig.log_in(LoginRequest {
        heartbeat_timeout,
        ..a_login(1)
    });
    let line = rig.open(1);
    rig.says(line, &Packet::Debug(b"before"));
    rig.accept(line, "S", 1);
    rig.messages(line, &["one"]);
    rig.says(line, &Packet::Debug(b"text"));
    assert_eq!(rig.told(), ["A S 1", "S one", "+ text"]);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.says(other, &Packet::Debug(b"no"));
    rig.says(other, &Packet::Unsequenced(b"no"));
    assert_eq!(rig.told(), Vec::<String>::new());
    rig.messages(other, &["one"]);
    rig.says(other, &Packet::Unsequenced(b"yes"));
    assert_eq!(rig.told(), ["U yes"]);
}

#[test]
fn a_consumers_text_goes_nowhere() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.consumer_sends(&Packet::Debug(b"text"));
    assert_eq!(rig.sent(line).len(), 1);
}

#[test]
fn credentials_pass_through_unless_a_target_has_its_own() {
    let own = Credentials::new("desk", "secret").unwrap();
    for (credentials, expected) in [(None, a_login(1).credentials), (Some(own), own)] {
        let mut rig = Rig::new(JoinOptions::default());
        rig.log_in(a_login(1));
        let heartbeat_timeout = credentials.map(|_| 5 * SECOND);
        let options = LineOptions {
            credentials,
            heartbeat_timeout,
            ..LineOptions::default()
        };
        let line = rig.open_with(1, options);
        let login = rig.login_of(line);
        assert_eq!(
            (login.credentials, login.heartbeat_timeout),
            (expected, heartbeat_timeout)
        );
    }
}

#[test]
fn a_consumer_that_leaves_takes_its_lines_with_it() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.join.prefer_another(rig.now);
    let other = rig.take_dial_of(2);
    rig.consumer_sends(&Packet::Logout);
    assert_eq!(rig.end, Some(End::Logout));
    assert_eq!(rig.sent(line).last().unwrap(), "O");
    assert_eq!(rig.sent(other).len(), 1, "that one was not logged in");
    rig.closed.sort();
    assert_eq!(rig.closed, [line, other]);
}

#[test]
fn a_better_line_is_joined_before_the_one_that_there_is_is_left() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.join.prefer_another(rig.now);
    let other = rig.take_dial_of(2);
    rig.messages(line, &["two"]);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    rig.messages(line, &["three"]);
    assert_eq!(rig.target(), Some(1));
    rig.messages(other, &["two", "three", "four"]);
    assert_eq!(rig.told(), ["A S 1", "S one", "S two", "S three", "S four"]);
    assert_eq!(
        (rig.target(), rig.last_joined().why),
        (Some(2), Why::Preferred)
    );
    assert_eq!(rig.sent(line).last().unwrap(), "O");
}

/// It stays preferred, is tried again after a rest, and not more is said than once.
#[test]
fn a_better_line_that_fails_is_tried_again_and_the_other_kept() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.join.prefer_another(rig.now);
    rig.act();
    let (mut tried, mut wanted) = (0, 0);
    for _ in 0..60 {
        while rig.wanted().is_some() {
            // The target that failed is not left out, or the other would be taken for it.
            assert_eq!(rig.wanted(), Some(vec![]));
            let other = rig.open(2);
            rig.accept(other, "S", 1);
            rig.messages(other, &["ONE"]);
            tried += 1;
        }
        wanted += 1;
        rig.pass(SECOND);
        rig.says(line, &Packet::ServerHeartbeat);
        rig.consumer_sends(&Packet::ClientHeartbeat);
    }
    assert!((10..40).contains(&tried), "{tried} of {wanted}");
    assert_eq!((rig.target(), rig.faults()), (Some(1), vec!["mismatch"]));
    let ups = rig
        .events
        .iter()
        .filter(|it| matches!(it, JoinEvent::LineUp { .. }));
    assert_eq!(ups.count(), 2, "of the first line and the other");
}

#[test]
fn what_is_preferred_may_be_what_there_is() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.join.prefer_another(rig.now);
    rig.act();
    assert_eq!(rig.wanted(), Some(vec![]));
    let dialled = rig.dial(1);
    assert_eq!((rig.closed.clone(), rig.wanted()), (vec![dialled], None));
    rig.messages(line, &["two"]);
    assert_eq!(rig.target(), Some(1));
}
