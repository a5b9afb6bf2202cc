//! Rule 7: heartbeats and silence.

use super::super::*;
use super::rig::{MS, Rig, SECOND, a_login};

#[test]
fn heartbeats_are_hop_by_hop() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.all_told();
    rig.says(line, &Packet::ServerHeartbeat);
    rig.consumer_sends(&Packet::ClientHeartbeat);
    assert_eq!(rig.all_told(), Vec::<String>::new());
    assert_eq!(rig.sent(line), ["L user pass S 1"]);
    rig.until(999 * MS);
    assert_eq!((rig.all_told().len(), rig.sent(line).len()), (0, 1));
    rig.until(1000 * MS);
    assert_eq!(rig.all_told(), ["H"]);
    assert_eq!(rig.sent(line).last().unwrap(), "R");
}

#[test]
fn the_cadence_goes_on_through_a_failover() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.all_told();
    rig.until(700 * MS);
    rig.fail(line, LineFault::Closed);
    rig.until(1000 * MS);
    assert_eq!(rig.all_told(), ["H"]);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.until(1999 * MS);
    assert_eq!(rig.all_told(), Vec::<String>::new());
    rig.until(2000 * MS);
    assert_eq!(rig.all_told(), ["H"]);
}

#[test]
fn a_consumer_of_47_bytes_may_be_silent_for_thirty_seconds() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &[]);
    for _ in 0..29 {
        rig.pass(SECOND);
        rig.says(line, &Packet::ServerHeartbeat);
    }
    rig.pass(999 * MS);
    assert_eq!(rig.end, None);
    rig.pass(MS);
    assert_eq!(rig.end, Some(End::Silent));
}

#[test]
fn a_consumer_of_52_bytes_names_its_own_time() {
    let mut rig = Rig::new(JoinOptions::default());
    let heartbeat_timeout = Some(1500 * MS);
    rig.log_in(LoginRequest {
        heartbeat_timeout,
        ..a_login(1)
    });
    let line = rig.open(1);
    assert_eq!(
        rig.login_of(line).heartbeat_timeout,
        None,
        "47 bytes to the line"
    );
    rig.accept(line, "S", 1);
    rig.until(1499 * MS);
    assert_eq!(rig.end, None);
    rig.until(1500 * MS);
    assert_eq!(rig.end, Some(End::Silent));
}

#[test]
fn a_line_is_warned_of_at_half_its_silence_and_failed_at_all_of_it() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    let quiet = |rig: &Rig| {
        let is_quiet = |it: &&JoinEvent| matches!(it, JoinEvent::LineQuiet { .. });
        rig.events.iter().filter(is_quiet).count()
    };
    rig.until(1499 * MS);
    assert_eq!(quiet(&rig), 0);
    rig.until(1500 * MS);
    let (target, silent_for) = (TargetId(1), 1500 * MS);
    assert_eq!(
        rig.events.last(),
        Some(&JoinEvent::LineQuiet { target, silent_for })
    );
    rig.until(2999 * MS);
    assert_eq!((quiet(&rig), rig.target()), (1, Some(1)), "said once");
    rig.until(3000 * MS);
    assert_eq!((rig.faults(), rig.target()), (vec!["silent"], None));
    assert_eq!(rig.closed, [line]);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    rig.messages(other, &["one"]);
    assert_eq!(rig.last_joined().took.detect, 3 * SECOND);
}

#[test]
fn any_byte_is_a_sign_of_life() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.until(2900 * MS);
    rig.join.from_line(line, b"\0", rig.now);
    rig.until(5899 * MS);
    assert_eq!(rig.target(), Some(1));
    rig.join.from_line(line, b"", rig.now);
    rig.until(5900 * MS);
    assert_eq!(rig.target(), None, "and none is none");
}

#[test]
fn a_line_that_never_answers_is_given_up_whatever_it_says() {
    let mut rig = Rig::joined(JoinOptions::default(), 1, &["one"]).0;
    rig.join.prefer_another(rig.now);
    let line = rig.take_dial_of(2);
    for _ in 0..3 {
        assert_eq!(rig.faults(), Vec::<&str>::new());
        rig.pass(SECOND);
        rig.says(line, &Packet::Debug(b"welcome"));
    }
    assert!(rig.faults().contains(&"no_answer"));
}

#[test]
fn a_line_that_is_not_read_is_not_silent() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.join.block(true, rig.now);
    assert!(!rig.join.wants(line));
    rig.pass(20 * SECOND);
    assert_eq!(rig.target(), Some(1));
    rig.join.block(false, rig.now);
    assert!(rig.join.wants(line));
    rig.pass(2999 * MS);
    assert_eq!(rig.target(), Some(1));
    rig.pass(MS);
    assert_eq!(rig.target(), None);
}

#[test]
fn a_consumer_that_takes_nothing_does_not_keep_a_line_from_coming() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.join.block(true, rig.now);
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    assert!(rig.join.wants(other));
    rig.accept(other, "S", 1);
    assert!(rig.join.wants(other));
    rig.messages(other, &["one"]);
    assert_eq!(rig.target(), Some(2));
    assert!(!rig.join.wants(other));
}

/// What the parts of the time say: where it went.
#[test]
fn the_time_of_a_failover_is_told_in_its_parts() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.pass(100 * MS);
    rig.fail(line, LineFault::Closed);
    let other = rig.dial(2);
    rig.pass(20 * MS);
    rig.join.connected(other, rig.now);
    rig.act();
    rig.pass(30 * MS);
    rig.accept(other, "S", 1);
    rig.pass(40 * MS);
    rig.messages(other, &["one"]);
    let took = rig.last_joined().took;
    let parts = [took.detect, took.connect, took.login, took.catch_up];
    assert_eq!(parts, [100 * MS, 20 * MS, 30 * MS, 40 * MS]);
}
