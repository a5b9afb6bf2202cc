//! Rule 6: rejects.

use super::super::*;
use super::rig::{MS, Rig, SECOND, a_login};
use crate::soupbin::packet::{Credentials, Reject};

#[test]
fn at_the_first_login_not_authorised_is_passed_on_at_once() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    let line = rig.open(1);
    rig.reject(line, Reject::NotAuthorized);
    assert_eq!(rig.told(), ["J A"]);
    assert_eq!(rig.end, Some(End::Rejected(Reject::NotAuthorized)));
}

#[test]
fn session_unavailable_is_passed_on_only_when_every_line_said_so() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    let line = rig.open(1);
    rig.reject(line, Reject::SessionUnavailable);
    assert_eq!(rig.told(), Vec::<String>::new());
    let other = rig.open(2);
    rig.reject(other, Reject::SessionUnavailable);
    assert_eq!((rig.told(), rig.wanted()), (vec![], Some(vec![1, 2])));
    rig.nobody();
    assert_eq!(rig.told(), ["J S"]);
    assert_eq!(rig.end, Some(End::Rejected(Reject::SessionUnavailable)));
}

#[test]
fn a_line_that_cannot_be_reached_has_not_said_so() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    let line = rig.open(1);
    rig.reject(line, Reject::SessionUnavailable);
    rig.refuse(2);
    rig.nobody();
    assert_eq!((rig.told(), rig.end.clone()), (vec![], None));
    rig.until(SECOND);
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    assert_eq!(rig.told(), ["A S 1"]);
}

#[test]
fn in_a_failover_a_reject_condemns_that_line_alone() {
    for reject in [Reject::NotAuthorized, Reject::SessionUnavailable] {
        let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
        rig.fail(line, LineFault::Closed);
        let bad = rig.open(2);
        rig.reject(bad, reject);
        let good = rig.open(3);
        rig.accept(good, "S", 1);
        rig.messages(good, &["one"]);
        assert_eq!(
            (rig.target(), rig.told()),
            (Some(3), vec!["A S 1".into(), "S one".into()])
        );
    }
}

#[test]
fn one_that_said_not_authorised_is_tried_again_after_thirty_seconds() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.join.prefer_another(rig.now);
    let other = rig.take_dial_of(2);
    rig.reject(other, Reject::NotAuthorized);
    for _ in 0..29 {
        rig.pass(SECOND);
        rig.says(line, &Packet::ServerHeartbeat);
        rig.consumer_sends(&Packet::ClientHeartbeat);
    }
    rig.pass(999 * MS);
    assert_eq!(rig.wanted(), None);
    rig.pass(MS);
    assert_eq!(rig.wanted(), Some(vec![]));
}

#[test]
fn all_lines_say_in_mid_stream_that_there_is_no_such_session() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.told();
    rig.fail(line, LineFault::Closed);
    let other = rig.open(2);
    rig.reject(other, Reject::SessionUnavailable);
    rig.nobody();
    assert_eq!(rig.end, None, "the first may have it still");
    rig.pass(100 * MS);
    while rig.end.is_none() {
        match rig.wanted() {
            Some(but) if !but.contains(&1) => {
                let line = rig.open(1);
                rig.reject(line, Reject::SessionUnavailable);
            }
            Some(_) => rig.nobody(),
            None => rig.pass(MS),
        }
    }
    assert_eq!(
        (rig.end.clone(), rig.told()),
        (Some(End::SessionGone), vec![])
    );
    assert!(End::SessionGone.is_orderly());
    assert!(rig.since_start() < SECOND);
}

#[test]
fn what_is_malformed_before_the_login_is_not_answered() {
    for bytes in [b"\0\0".as_slice(), b"\0\x01x", b"\0\x01R", b"\0\x02LL"] {
        let mut rig = Rig::new(JoinOptions::default());
        rig.consumer_bytes(bytes);
        assert_eq!(rig.all_told(), Vec::<String>::new());
        let end = rig.end.expect("the connection ends");
        assert!(matches!(end, End::Malformed(_) | End::Protocol(_)), "{end}");
    }
}

#[test]
fn a_login_that_was_not_the_consumers_own_says_nothing_of_the_consumer() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    let options = LineOptions {
        credentials: Some(Credentials::new("BACKUP", "wrong").unwrap()),
        ..LineOptions::default()
    };
    let line = rig.open_with(1, options);
    rig.reject(line, Reject::NotAuthorized);
    assert_eq!((rig.told(), rig.end.clone()), (vec![], None));
    let other = rig.open(2);
    rig.accept(other, "S", 1);
    assert_eq!(rig.told(), ["A S 1"]);
}

#[test]
fn what_will_be_refused_before_a_login_is_not_waited_for() {
    for (header, end) in [
        (
            &b"\xff\xffL"[..],
            "the consumer sent L (login request) with a length of 65535, where 47 (versions 3.00 \
             and 4.00) or 52 (4.10) belongs",
        ),
        (
            b"\x01\0U",
            "the consumer sent U (unsequenced data) before the login",
        ),
        (b"\x10\0+", "the consumer sent + (debug) before the login"),
    ] {
        let mut rig = Rig::new(JoinOptions::default());
        rig.consumer_bytes(header);
        assert_eq!(rig.end.map(|end| end.to_string()).as_deref(), Some(end));
    }
    let mut rig = Rig::new(JoinOptions::default());
    rig.consumer_bytes(b"\0\x2fL");
    assert_eq!(rig.end, None);
}
