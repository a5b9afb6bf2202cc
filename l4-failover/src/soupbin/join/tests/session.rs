//! Rule 2: the session, and the place in it.

use super::super::options::BLIND;
use super::super::*;
use super::rig::{Rig, SECOND, a_login};
use crate::soupbin::packet::Reject;

#[test]
fn the_first_answer_fixes_the_session_of_a_login_that_names_none() {
    let mut rig = Rig::new(JoinOptions::default());
    let session = SessionId::BLANK;
    rig.log_in(LoginRequest {
        session,
        ..a_login(1)
    });
    let line = rig.open(1);
    assert!(rig.login_of(line).session.is_blank());
    rig.accept(line, "FEED1", 1);
    assert_eq!(rig.told(), ["A FEED1 1"]);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    assert_eq!(rig.login_of(other).session.as_str(), "FEED1");
}

#[test]
fn the_first_answer_fixes_the_place_of_a_login_at_zero() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(0));
    let line = rig.open(1);
    assert_eq!(rig.login_of(line).sequence, 0);
    rig.accept(line, "S", 5000);
    assert_eq!(rig.told(), ["A S 5000"]);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    assert_eq!(rig.login_of(other).sequence, 5000 - BLIND);
}

/// A server that numbers by what it was asked for, though it is not there yet, is not asked for that.
#[test]
fn a_consumer_that_has_nothing_is_not_renumbered_by_a_line_that_is_behind() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(0));
    let line = rig.open(1);
    rig.accept(line, "S", 3);
    assert_eq!(rig.told(), ["A S 3"]);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    assert_eq!(rig.login_of(other).sequence, 1);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    assert_eq!(rig.target(), None);
    rig.messages(other, &["two", "three"]);
    assert_eq!(rig.target(), Some(2));
    assert_eq!(rig.told(), ["S three"]);
    assert!(!rig.last_joined().is_verified);
}

#[test]
fn without_a_name_one_line_is_asked_at_a_time() {
    let mut rig = Rig::new(JoinOptions::default());
    let session = SessionId::BLANK;
    rig.log_in(LoginRequest {
        session,
        ..a_login(1)
    });
    let first = rig.open(1);
    rig.until(SECOND * 3 / 2);
    assert_eq!(rig.closed, []);
    let second = rig.open(2);
    assert_eq!(rig.closed, [first]);
    assert_eq!(rig.faults(), ["no_answer"]);
    // The third has half of what is left.
    rig.until(SECOND * 9 / 4);
    let third = rig.open(3);
    assert_eq!(rig.closed, [first, second]);
    rig.accept(third, "S", 1);
    assert_eq!(rig.target(), Some(3));
}

#[test]
fn with_a_name_lines_are_asked_beside_each_other() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    let slow = rig.open(1);
    rig.until(SECOND / 2);
    let _other = rig.open(2);
    assert_eq!(rig.closed, []);
    rig.accept(slow, "S", 1);
    assert_eq!(rig.target(), Some(1));
}

#[test]
fn what_a_dead_line_said_of_a_session_is_forgotten() {
    let mut rig = Rig::new(JoinOptions::default());
    let session = SessionId::BLANK;
    rig.log_in(LoginRequest {
        session,
        ..a_login(5)
    });
    let line = rig.open(1);
    rig.accept(line, "OLD", 3);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.accept(other, "NEW", 5);
    assert_eq!(rig.told(), ["A NEW 5"]);
}

#[test]
fn another_session_than_the_one_that_is_asked_for_is_no_answer() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    let line = rig.open(1);
    rig.accept(line, "OTHER", 1);
    assert_eq!(rig.faults(), ["other_session"]);
    let other = rig.open(2);
    rig.reject(other, Reject::SessionUnavailable);
    rig.nobody();
    assert_eq!(rig.told(), ["J S"]);
}
