//! Rule 4: logins beyond the end, and before the beginning.

use super::super::*;
use super::rig::{MS, Rig, SECOND, a_login};
use crate::soupbin::packet::Reject;

fn logging_in(sequence: u64) -> Rig {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(sequence));
    rig
}

#[test]
fn one_that_stands_before_is_held_and_then_the_session_is_not_available() {
    let mut rig = logging_in(10);
    let line = rig.open(1);
    rig.accept(line, "S", 7);
    rig.until(SECOND);
    rig.messages(line, &["seven", "eight"]);
    rig.until(2999 * MS);
    assert_eq!((rig.told(), rig.wanted()), (vec![], None));
    rig.until(3000 * MS);
    assert_eq!(rig.told(), ["J S"]);
    let (requested, next) = (10, 9);
    assert_eq!(rig.end, Some(End::BeyondEnd { requested, next }));
}

#[test]
fn one_that_comes_to_the_number_in_time_is_joined_there_and_never_renumbered() {
    let mut rig = logging_in(9);
    let line = rig.open(1);
    rig.accept(line, "S", 7);
    rig.messages(line, &["seven"]);
    assert_eq!(rig.told(), Vec::<String>::new());
    rig.until(2900 * MS);
    rig.messages(line, &["eight", "nine"]);
    assert_eq!(rig.told(), ["A S 9", "S nine"]);
    // What came before is what others are known by.
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    assert_eq!(rig.login_of(other).sequence, 7);
    rig.accept(other, "S", 7);
    rig.messages(other, &["seven", "eight", "NINE"]);
    assert_eq!(rig.faults().last(), Some(&"mismatch"));
}

#[test]
fn what_one_line_sent_before_is_not_compared_with_what_another_has() {
    let mut rig = logging_in(9);
    let line = rig.open(1);
    rig.accept(line, "S", 5);
    rig.messages(line, &["five"]);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 9);
    rig.messages(other, &["nine"]);
    rig.fail(other, LineFault::Closed);
    let third = rig.open(3);
    assert_eq!(rig.login_of(third).sequence, 9);
    rig.accept(third, "S", 9);
    rig.messages(third, &["nine", "ten"]);
    assert_eq!(rig.told(), ["A S 9", "S nine", "S ten"]);
}

#[test]
fn while_one_is_held_no_other_is_asked_that_may_know_no_better() {
    let mut rig = logging_in(9);
    let line = rig.open(1);
    rig.until(SECOND / 2);
    let other = rig.dial(2);
    rig.accept(line, "S", 5);
    assert_eq!(rig.closed, [other]);
    assert_eq!(rig.wanted(), None);
    rig.until(SECOND);
    assert_eq!(rig.wanted(), None);
}

#[test]
fn one_that_begins_later_is_passed_on_once_every_line_does() {
    let mut rig = logging_in(3);
    let line = rig.open(1);
    rig.accept(line, "S", 20);
    assert_eq!(rig.told(), Vec::<String>::new());
    rig.until(500 * MS);
    let other = rig.open(2);
    rig.accept(other, "S", 10);
    rig.until(1000 * MS);
    rig.nobody();
    assert_eq!(rig.told(), ["A S 10"]);
    let (requested, accepted) = (3, 10);
    assert!(rig.events.contains(&JoinEvent::Truncated {
        requested,
        accepted
    }));
    assert_eq!((rig.target(), rig.closed), (Some(2), vec![line]));
}

#[test]
fn one_that_begins_later_waits_for_one_that_does_not() {
    let mut rig = logging_in(3);
    let line = rig.open(1);
    rig.accept(line, "S", 20);
    let other = rig.open(2);
    rig.until(2900 * MS);
    rig.accept(other, "S", 3);
    assert_eq!(rig.told(), ["A S 3"]);
    assert!(rig.closed.contains(&line));
}

#[test]
fn one_that_begins_later_is_passed_on_when_the_time_is_over() {
    let mut rig = logging_in(3);
    let line = rig.open(1);
    rig.accept(line, "S", 20);
    let mute = rig.open(2);
    rig.until(3000 * MS);
    assert_eq!(rig.told(), ["A S 20"]);
    assert!(rig.closed.contains(&mute) && !rig.closed.contains(&line));
}

#[test]
fn one_that_begins_later_and_one_that_rejects_are_all() {
    let mut rig = logging_in(3);
    let line = rig.open(1);
    rig.accept(line, "S", 20);
    let other = rig.open(2);
    rig.reject(other, Reject::SessionUnavailable);
    rig.nobody();
    assert_eq!(rig.told(), ["A S 20"]);
}

#[test]
fn one_that_is_at_the_number_is_not_verified() {
    let mut rig = logging_in(3);
    let line = rig.open(1);
    rig.accept(line, "S", 3);
    assert_eq!(rig.told(), ["A S 3"]);
    assert!(!rig.last_joined().is_verified);
    assert!(!rig.join.status(rig.now).is_verified);
}

#[test]
fn where_one_begins_later_another_that_cannot_be_reached_has_been_tried() {
    let mut rig = logging_in(5);
    let line = rig.open(1);
    rig.accept(line, "S", 9);
    rig.refuse(2);
    assert_eq!(rig.told(), Vec::<String>::new());
    rig.nobody();
    assert_eq!(rig.told(), ["A S 9"]);
    assert!(rig.events.contains(&JoinEvent::Truncated {
        requested: 5,
        accepted: 9
    }));
}
