//! Rule 3: which line is joined.

use super::super::*;
use super::rig::{MS, Rig, SECOND};
use crate::soupbin::packet::Reject;

const FIVE: [&str; 5] = ["one", "two", "three", "four", "five"];

/// A consumer that has five messages and no line.
fn without_a_line(options: JoinOptions) -> Rig {
    let (mut rig, line) = Rig::joined(options, 1, &FIVE);
    rig.told();
    rig.fail(line, LineFault::Closed);
    rig
}

fn joining_unverified() -> JoinOptions {
    JoinOptions {
        on_unverified: OnUnverified::Join,
        ..JoinOptions::default()
    }
}

#[test]
fn it_is_asked_for_what_the_consumer_has() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    assert_eq!(rig.login_of(line).sequence, 1);
    rig.accept(line, "S", 1);
    rig.messages(line, &FIVE[..4]);
    assert_eq!(rig.target(), None);
    rig.messages(line, &["five", "six"]);
    assert_eq!(rig.target(), Some(2));
    assert_eq!(rig.told(), ["S six"]);
    let joined = rig.last_joined();
    assert_eq!((joined.from, joined.to), (Some(TargetId(1)), TargetId(2)));
    assert_eq!(
        (joined.compared, joined.discarded, joined.why),
        (5, 0, Why::Failover)
    );
    assert!(!joined.is_verified, "fewer than sixteen");
}

#[test]
fn one_that_is_accepted_later_is_compared_from_there() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    rig.accept(line, "S", 4);
    rig.messages(line, &["four", "five"]);
    assert_eq!((rig.target(), rig.last_joined().compared), (Some(2), 2));
}

#[test]
fn one_that_is_accepted_earlier_is_passed_over_first() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 3, &["three"]);
    rig.fail(line, LineFault::Closed);
    let line = rig.open(2);
    assert_eq!(rig.login_of(line).sequence, 3);
    rig.accept(line, "S", 1);
    rig.messages(line, &["whatever", "these are", "three"]);
    let joined = rig.last_joined();
    assert_eq!((joined.discarded, joined.compared), (2, 1));
}

#[test]
fn one_with_other_bytes_is_not_joined() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    rig.accept(line, "S", 1);
    rig.messages(line, &["one", "two", "THREE", "four", "five", "six"]);
    assert_eq!(
        (rig.target(), rig.faults()),
        (None, vec!["closed", "mismatch"])
    );
    assert_eq!(rig.told(), Vec::<String>::new());
    let fault = LineFault::Mismatch { sequence: 3 };
    assert!(
        rig.join
            .status(rig.now)
            .faults
            .contains(&(TargetId(2), fault))
    );
}

#[test]
fn one_of_another_session_is_not_joined() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    rig.accept(line, "T", 6);
    assert_eq!(rig.faults(), ["closed", "other_session"]);
    let found = "T".parse().unwrap();
    let fault = LineFault::OtherSession { found };
    assert!(
        rig.join
            .status(rig.now)
            .faults
            .contains(&(TargetId(2), fault))
    );
}

#[test]
fn one_that_repeats_nothing_is_refused() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    rig.accept(line, "S", 6);
    assert_eq!(rig.faults(), ["closed", "unverified"]);
}

#[test]
fn one_that_repeats_nothing_is_joined_if_that_is_allowed() {
    let mut rig = without_a_line(joining_unverified());
    let line = rig.open(2);
    rig.accept(line, "S", 6);
    rig.messages(line, &["six"]);
    assert_eq!(rig.told(), ["S six"]);
    assert!(!rig.join.status(rig.now).is_verified);
}

#[test]
fn one_that_knows_only_the_next_number_is_asked_for_that_if_it_is_allowed() {
    let mut rig = without_a_line(joining_unverified());
    let line = rig.open(2);
    rig.reject(line, Reject::SessionUnavailable);
    let again = rig.open(2);
    assert_eq!(rig.login_of(again).sequence, 6);
    rig.accept(again, "S", 6);
    assert_eq!(rig.target(), Some(2));
}

#[test]
fn one_that_knows_not_even_that_is_asked_no_more_for_now() {
    let mut rig = without_a_line(joining_unverified());
    let line = rig.open(2);
    rig.reject(line, Reject::SessionUnavailable);
    let again = rig.open(2);
    rig.reject(again, Reject::SessionUnavailable);
    assert_eq!(rig.wanted(), Some(vec![1, 2]));
}

#[test]
fn one_that_rejects_what_was_is_not_asked_for_the_next_number_otherwise() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    rig.reject(line, Reject::SessionUnavailable);
    assert_eq!(rig.wanted(), Some(vec![1, 2]));
}

#[test]
fn at_the_first_message_the_session_is_enough() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &[]);
    rig.fail(line, LineFault::Closed);
    let line = rig.open(2);
    assert_eq!(rig.login_of(line).sequence, 1);
    rig.accept(line, "S", 1);
    assert_eq!(rig.target(), Some(2));
    assert!(!rig.join.status(rig.now).is_verified);
}

#[test]
fn a_gap_cuts_once_every_line_has_it() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    rig.accept(line, "S", 9);
    assert!(!rig.join.wants(line), "it is held, and not read");
    assert_eq!(rig.end, None);
    // Another may not have it.
    rig.nobody();
    rig.until(500 * MS);
    let other = rig.open(1);
    rig.accept(other, "S", 8);
    rig.nobody();
    assert_eq!(rig.end, Some(End::Gap { next: 6, first: 8 }));
    assert_eq!(rig.told(), Vec::<String>::new());
}

#[test]
fn a_gap_is_reported_if_that_is_allowed() {
    let on_gap = OnGap::Report;
    let mut rig = without_a_line(JoinOptions {
        on_gap,
        ..JoinOptions::default()
    });
    let line = rig.open(2);
    rig.accept(line, "S", 9);
    rig.nobody();
    rig.until(500 * MS);
    let other = rig.open(1);
    rig.accept(other, "S", 8);
    rig.nobody();
    assert_eq!(rig.target(), Some(1), "the one that lacks the least");
    assert!(rig.events.contains(&JoinEvent::Gap { from: 6, to: 8 }));
    rig.messages(other, &["eight"]);
    assert_eq!(rig.told(), ["S eight"]);
    assert_eq!(rig.join.status(rig.now).next, Some(9));
}

#[test]
fn a_gap_is_none_where_another_line_comes_in_time() {
    let mut rig = without_a_line(JoinOptions::default());
    let line = rig.open(2);
    rig.accept(line, "S", 9);
    rig.nobody();
    rig.until(4900 * MS);
    let other = rig.open(1);
    rig.accept(other, "S", 1);
    rig.messages(other, &FIVE);
    assert_eq!(rig.target(), Some(1));
    assert_eq!(rig.closed.last(), Some(&line));
}

#[test]
fn one_that_is_behind_has_its_time() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 3, &["three"]);
    rig.join.prefer_another(rig.now);
    let other = rig.take_dial_of(2);
    rig.accept(other, "S", 1);
    for second in 1..=4 {
        rig.until(SECOND * second);
        rig.says(line, &Packet::ServerHeartbeat);
        rig.says(other, &Packet::ServerHeartbeat);
    }
    rig.until(4999 * MS);
    assert_eq!(rig.faults(), Vec::<&str>::new());
    rig.until(5000 * MS);
    assert_eq!((rig.faults(), rig.target()), (vec!["behind"], Some(1)));
}

/// As where a server drops whoever has got its first messages.
#[test]
fn between_lines_that_die_of_being_joined_there_is_a_rest() {
    let (mut rig, first) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.fail(first, LineFault::Closed);
    let mut switches = 0;
    let began = rig.since_start();
    while rig.since_start() < began + 4 * SECOND {
        let Some(but) = rig.wanted() else {
            rig.pass(10 * MS);
            continue;
        };
        let Some(target) = [1, 2].into_iter().find(|target| !but.contains(target)) else {
            rig.nobody();
            rig.pass(10 * MS);
            continue;
        };
        let line = rig.open(target);
        let next = rig.login_of(line).sequence;
        rig.accept(line, "S", next);
        let known: Vec<String> = (0..switches + 2).map(message).collect();
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        rig.messages(line, &known[next as usize - 1..]);
        rig.fail(line, LineFault::Closed);
        switches += 1;
    }
    // Without a rest there were hundreds.
    assert!((5..40).contains(&switches), "{switches}");
}

fn message(nth: usize) -> String {
    if nth == 0 {
        "one".to_owned()
    } else {
        format!("more {nth}")
    }
}
