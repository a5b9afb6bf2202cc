//! Lines that fail, are preferred or end: which one takes over, and where.

use super::super::super::*;
use super::{MS, Rig, SECOND, all, hot};

#[test]
fn the_other_line_is_there_when_the_joined_one_fails() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.fail(first, LineFault::Closed);
    assert_eq!(rig.target(), Some(2));
    rig.numbers(second, 30..40);
    assert_eq!(rig.got(), all(30..40));
    let joined = rig.last_joined();
    assert_eq!((joined.why, joined.is_verified), (Why::Failover, true));
    assert_eq!(joined.took.total(), Duration::ZERO);
    // And another is looked for: not the one that just failed, until it rested.
    assert_eq!(rig.wanted(), Some(vec![2, 1]));
}

#[test]
fn the_consumer_waits_for_another_line_that_is_late_and_no_longer() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.numbers(first, 30..100);
    rig.got();
    rig.fail(first, LineFault::Closed);
    assert_eq!(rig.target(), None);
    rig.pass(100 * MS);
    rig.numbers(second, 30..99);
    assert_eq!((rig.target(), rig.got()), (None, all(0..0)));
    rig.numbers(second, 99..110);
    assert_eq!((rig.target(), rig.got()), (Some(2), all(100..110)));
    assert_eq!(rig.last_joined().took.catch_up, 100 * MS);
}

#[test]
fn another_line_is_preferred_and_nothing_is_interrupted() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.join.prefer_another(rig.now);
    rig.act();
    // Whoever dials may choose whatever it likes, what stands by included.
    assert_eq!(rig.wanted(), Some(vec![]));
    let dialled = rig.dial(2);
    assert!(rig.closed.contains(&dialled));
    assert_eq!(rig.target(), Some(2));
    assert_eq!(rig.last_joined().why, Why::Preferred);
    assert_eq!(rig.last_joined().took.total(), Duration::ZERO);
    assert_eq!(rig.stage(1), Some("standby"));
    rig.numbers(first, 30..35);
    rig.numbers(second, 30..40);
    assert_eq!(rig.got(), all(30..40));
    assert_eq!(rig.wanted(), None);
}

#[test]
fn a_third_target_that_is_preferred_takes_over_once_it_stands_by() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.join.prefer_another(rig.now);
    let third = rig.take_dial_of(3);
    rig.accept(third, "S", 14);
    rig.numbers(third, 14..25);
    assert_eq!(rig.target(), Some(1));
    rig.numbers(third, 25..30);
    assert_eq!(
        (rig.target(), rig.stage(1), rig.stage(2)),
        (Some(3), Some("standby"), None)
    );
    assert_eq!(rig.sent(second).last().unwrap(), "O");
    rig.numbers(first, 30..31);
    rig.numbers(third, 30..32);
    assert_eq!(rig.got(), all(30..32));
}

#[test]
fn the_end_of_the_session_is_told_when_both_lines_say_so() {
    for joined_is_first in [true, false] {
        let (mut rig, first, second) = Rig::with_two(hot(), 30);
        let order = if joined_is_first {
            [first, second]
        } else {
            [second, first]
        };
        rig.says(order[0], &Packet::EndOfSession);
        assert_eq!(rig.told(), Vec::<String>::new());
        rig.says(order[1], &Packet::EndOfSession);
        if rig.wanted().is_some() {
            rig.nobody();
        }
        assert_eq!(rig.told(), ["Z"]);
        assert_eq!(rig.end, Some(End::EndOfSession));
        assert_eq!(rig.faults(), Vec::<&str>::new());
    }
}

#[test]
fn an_end_that_one_line_tells_too_early_is_its_failure() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.says(first, &Packet::EndOfSession);
    rig.numbers(second, 30..31);
    assert_eq!((rig.target(), rig.got()), (Some(2), all(30..31)));
    assert_eq!(rig.last_joined().why, Why::FalseEnd);
    assert_eq!(rig.faults(), ["ended_early"]);

    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.says(second, &Packet::EndOfSession);
    rig.numbers(first, 30..31);
    assert_eq!((rig.target(), rig.got()), (Some(1), all(30..31)));
    assert_eq!(rig.faults(), ["ended_early"]);
}

#[test]
fn a_target_that_an_operator_took_out_is_left() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.join.leave_target(TargetId(2), rig.now);
    rig.act();
    assert!(rig.closed.contains(&second));
    assert_eq!(rig.stage(2), None);
    rig.numbers(first, 30..31);
    assert_eq!((rig.got(), rig.wanted()), (all(30..31), Some(vec![1])));
}

#[test]
fn a_line_beside_that_fails_again_and_again_is_tried_less_and_less() {
    let (mut rig, first) = Rig::joined(hot(), 1, &["message 1"]);
    let mut dials = 0;
    while rig.since_start() < 60 * SECOND {
        if rig.wanted().is_some_and(|but| !but.contains(&2)) {
            let second = rig.open(2);
            rig.accept(second, "S", 1);
            rig.numbers(second, 1..2);
            assert_eq!(rig.stage(2), Some("standby"));
            rig.fail(second, LineFault::Closed);
            dials += 1;
        } else if rig.wanted().is_some() {
            rig.nobody();
        }
        rig.pass(10 * MS);
        rig.says(first, &Packet::ServerHeartbeat);
        rig.consumer_sends(&Packet::ClientHeartbeat);
    }
    assert!((10..120).contains(&dials), "{dials}");
    assert_eq!(rig.end, None);
}

#[test]
fn a_stopped_line_is_noticed_and_the_other_goes_on() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    let mut next = 30;
    for _ in 0..40 {
        rig.pass(100 * MS);
        rig.numbers(second, next..next + 1);
        next += 1;
    }
    assert_eq!((rig.target(), rig.faults()), (Some(2), vec!["silent"]));
    assert!(rig.closed.contains(&first));
    assert_eq!(rig.got(), all(30..next));
    let is_quiet = |it: &JoinEvent| {
        matches!(
            it,
            JoinEvent::LineQuiet {
                target: TargetId(1),
                ..
            }
        )
    };
    assert!(rig.events.iter().any(is_quiet));
}

#[test]
fn what_is_preferred_is_joined_once_it_is_proven() {
    let (mut rig, first, second) = Rig::with_one_that_has_nothing_old();
    rig.accept(second, "S", 100);
    rig.prefer(2);
    assert_eq!((rig.target(), rig.stage(2)), (Some(1), Some("standby")));
    rig.numbers(first, 100..120);
    rig.numbers(second, 100..119);
    assert_eq!(rig.target(), Some(1));
    rig.numbers(second, 119..125);
    assert_eq!((rig.target(), rig.got()), (Some(2), all(1..125)));
}

#[test]
fn what_is_preferred_and_late_is_joined_where_it_interrupts_nothing() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.numbers(first, 30..100);
    rig.prefer(2);
    rig.numbers(first, 100..110);
    assert_eq!((rig.target(), rig.got()), (Some(1), all(30..110)));
    rig.numbers(second, 30..110);
    assert_eq!((rig.target(), rig.stage(1)), (Some(2), Some("standby")));
    // The one before goes on beside it.
    rig.numbers(first, 110..115);
    assert_eq!(rig.got(), all(110..115));
}

#[test]
fn what_is_preferred_and_always_late_is_not_waited_for_without_end() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.join.prefer_another(rig.now);
    rig.numbers(first, 30..40);
    rig.act();
    rig.dial(2);
    let mut next = 40;
    for _ in 0..50 {
        rig.pass(100 * MS);
        rig.numbers(first, next..next + 1);
        rig.numbers(second, next - 10..next - 9);
        next += 1;
    }
    assert_eq!(rig.target(), Some(2));
    rig.numbers(first, next..next + 5);
    assert_eq!(rig.got(), all(30..next + 5));
}

#[test]
fn a_stopped_line_is_noticed_though_the_consumer_is_slow_again_and_again() {
    let (mut rig, _, second) = Rig::with_two(hot(), 30);
    for next in 30..70 {
        rig.pass(50 * MS);
        rig.numbers(second, next..next + 1);
        rig.join.block(true, rig.now);
        rig.pass(50 * MS);
        rig.join.block(false, rig.now);
    }
    assert_eq!((rig.target(), rig.faults()), (Some(2), vec!["silent"]));
}

#[test]
fn the_end_that_one_line_told_holds_though_the_other_dies() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.says(second, &Packet::EndOfSession);
    rig.fail(first, LineFault::Closed);
    for _ in 0..20 {
        while rig.wanted().is_some() {
            rig.nobody();
        }
        rig.pass(100 * MS);
    }
    assert_eq!(
        (rig.told(), &rig.end),
        (vec!["Z".to_owned()], &Some(End::EndOfSession))
    );
}
