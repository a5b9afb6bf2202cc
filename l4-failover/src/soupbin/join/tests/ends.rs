//! Rule 8: the end of a session.

use super::super::*;
use super::rig::{MS, Rig, SECOND};
use crate::soupbin::packet::Reject;

/// A consumer at message 2, whose line said that the session is over.
fn said_to_be_over() -> Rig {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.told();
    rig.says(line, &Packet::EndOfSession);
    rig
}

#[test]
fn it_is_told_at_once_where_no_other_line_is() {
    let mut rig = said_to_be_over();
    assert_eq!(rig.wanted(), Some(vec![1]));
    rig.nobody();
    assert_eq!(
        (rig.told(), rig.end.clone()),
        (vec!["Z".to_owned()], Some(End::EndOfSession))
    );
    assert!(End::EndOfSession.is_orderly());
    assert!(rig.events.contains(&JoinEvent::EndOfSession { next: 2 }));
}

#[test]
fn it_is_held_for_a_second_while_another_line_stands_where_the_consumer_does() {
    let mut rig = said_to_be_over();
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    assert_eq!(rig.target(), None);
    rig.until(999 * MS);
    assert_eq!((rig.told(), rig.end.clone()), (vec![], None));
    rig.until(1000 * MS);
    assert_eq!(
        (rig.told(), rig.end),
        (vec!["Z".to_owned()], Some(End::EndOfSession))
    );
}

#[test]
fn it_is_held_for_a_second_while_another_cannot_be_reached() {
    let mut rig = said_to_be_over();
    rig.refuse(2);
    rig.nobody();
    rig.until(999 * MS);
    assert_eq!(rig.end, None);
    rig.until(1000 * MS);
    assert_eq!(rig.told(), ["Z"]);
}

#[test]
fn it_is_the_lines_failure_where_another_goes_beyond() {
    let mut rig = said_to_be_over();
    rig.until(900 * MS);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one", "two", "three"]);
    assert_eq!(rig.told(), ["S two", "S three"]);
    assert_eq!(rig.faults(), ["ended_early"]);
    let joined = rig.last_joined();
    assert_eq!(
        (joined.from, joined.why),
        (Some(TargetId(1)), Why::FalseEnd)
    );
    rig.until(3 * SECOND);
    assert_eq!(rig.end, None);
}

#[test]
fn it_is_the_lines_failure_where_another_begins_beyond() {
    let mut rig = said_to_be_over();
    let other = rig.open(2);
    rig.accept(other, "S", 7);
    assert_eq!(rig.faults(), ["ended_early"]);
    rig.until(1500 * MS);
    assert_eq!((rig.told(), rig.end.clone()), (vec![], None));
    // That one lacks what the consumer waits for, and so a line that has it is waited for.
    rig.nobody();
    rig.until(3 * SECOND);
    let good = rig.open(3);
    rig.accept(good, "S", 1);
    rig.messages(good, &["one", "two"]);
    assert_eq!(rig.told(), ["S two"]);
}

#[test]
fn one_that_waits_is_joined_when_a_third_shows_that_it_is_not_over() {
    let mut rig = said_to_be_over();
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    let third = rig.open(3);
    rig.accept(third, "S", 7);
    assert_eq!(rig.target(), Some(2));
}

#[test]
fn it_is_told_at_once_when_all_say_the_same() {
    let mut rig = said_to_be_over();
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    rig.says(other, &Packet::EndOfSession);
    let third = rig.open(3);
    rig.reject(third, Reject::SessionUnavailable);
    rig.nobody();
    assert_eq!(rig.told(), ["Z"]);
}

#[test]
fn one_that_ends_before_the_consumers_next_message_failed() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one", "two"]);
    rig.told();
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    rig.says(other, &Packet::EndOfSession);
    assert_eq!(rig.faults(), ["closed", "ended_early"]);
    assert_eq!((rig.told(), rig.end), (vec![], None));
}

#[test]
fn a_line_that_is_joined_at_the_end_may_say_so() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.told();
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    rig.says(other, &Packet::EndOfSession);
    rig.nobody();
    rig.pass(SECOND);
    assert_eq!(rig.told(), ["Z"]);
}
