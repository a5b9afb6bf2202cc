//! Rule 5: nothing is up.

use super::super::*;
use super::rig::{MS, Rig, SECOND, a_login};

#[test]
fn at_login_nothing_is_sent_until_the_wait_is_over_and_then_a_reject() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    rig.refuse(1);
    rig.nobody();
    rig.until(2999 * MS);
    assert_eq!(rig.all_told(), Vec::<String>::new());
    rig.until(3000 * MS);
    assert_eq!(
        (rig.all_told(), rig.end),
        (vec!["J S".to_owned()], Some(End::NoLine))
    );
    assert!(End::NoLine.is_orderly());
}

#[test]
fn a_line_that_comes_up_within_the_wait_answers() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    rig.refuse(1);
    rig.nobody();
    rig.until(2900 * MS);
    let line = rig.open(1);
    rig.accept(line, "S", 1);
    assert_eq!(rig.told(), ["A S 1"]);
}

#[test]
fn in_mid_stream_heartbeats_go_on_and_then_the_connection_is_cut() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.told();
    rig.fail(line, LineFault::Closed);
    rig.until(4999 * MS);
    assert_eq!(rig.all_told(), ["H", "H", "H", "H"]);
    assert_eq!(rig.end, None);
    rig.until(5000 * MS);
    assert_eq!(rig.end, Some(End::Outage { next: 2 }));
    assert!(!End::Outage { next: 2 }.is_orderly());
    let told = rig.all_told();
    assert!(!told.contains(&"Z".to_owned()), "{told:?}");
}

/// Lines that are joined, bring nothing and die are one outage: the times without a line add up.
#[test]
fn lines_that_bring_nothing_do_not_end_an_outage() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.fail(line, LineFault::Closed);
    let mut lines = 0;
    while rig.end.is_none() {
        if rig.wanted().is_some_and(|but| !but.contains(&2)) {
            let line = rig.open(2);
            rig.accept(line, "S", 1);
            rig.messages(line, &["one"]);
            assert_eq!(rig.target(), Some(2));
            rig.fail(line, LineFault::Closed);
            lines += 1;
        } else if rig.wanted().is_some() {
            rig.nobody();
        }
        rig.pass(10 * MS);
    }
    assert_eq!(rig.end, Some(End::Outage { next: 2 }));
    assert_eq!(rig.since_start().as_millis() / 100, 50);
    assert!(
        (10..60).contains(&lines),
        "with a rest between them: {lines}"
    );
}

/// A quiet market is no outage.
#[test]
fn a_line_that_lived_on_heartbeats_ended_the_outage() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.fail(line, LineFault::Closed);
    let mut line = rig.open(2);
    for round in 0..4_u32 {
        rig.accept(line, "S", 1);
        rig.messages(line, &["one"]);
        for _ in 0..8 {
            rig.pass(SECOND);
            rig.says(line, &Packet::ServerHeartbeat);
            rig.consumer_sends(&Packet::ClientHeartbeat);
        }
        rig.fail(line, LineFault::Closed);
        assert_eq!(rig.end, None, "{round}");
        line = rig.open(3 + round);
    }
}

#[test]
fn a_line_that_is_joined_and_mute_did_not_end_the_outage() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.fail(line, LineFault::Closed);
    for target in 2..4 {
        assert_eq!(rig.end, None);
        let line = rig.open(target);
        rig.accept(line, "S", 1);
        rig.messages(line, &["one"]);
        rig.pass(3 * SECOND);
    }
    assert_eq!(rig.end, Some(End::Outage { next: 2 }));
    assert_eq!(
        rig.since_start(),
        6 * SECOND,
        "when the second was found to be mute"
    );
}

#[test]
fn the_end_that_whoever_owns_it_says_is_no_end_of_session() {
    let (mut rig, line) = Rig::joined(JoinOptions::default(), 1, &["one"]);
    rig.told();
    rig.join.end(End::Closed);
    rig.act();
    assert_eq!(rig.all_told(), Vec::<String>::new());
    assert_eq!(rig.sent(line).last().unwrap(), "O");
    assert_eq!((rig.closed.clone(), rig.join.due()), (vec![line], None));
}

/// A dial of which nobody said where it leads does not go round and round.
#[test]
fn a_dial_that_fails_without_a_target_is_not_repeated_at_once() {
    let mut rig = Rig::new(JoinOptions::default());
    rig.log_in(a_login(1));
    let mut dials = 0;
    while rig.end.is_none() {
        dials += u32::from(rig.fail_unknown());
        rig.pass(MS);
    }
    assert!((5..=13).contains(&dials), "{dials}");
}
