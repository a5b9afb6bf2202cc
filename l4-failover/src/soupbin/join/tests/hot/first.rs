//! Which line the consumer gets each message from, and what waits while it takes nothing.

use super::super::super::*;
use super::{Rig, SECOND, all, frames, hot};

#[test]
fn each_message_comes_from_whichever_line_brings_it_first() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.numbers(second, 30..40);
    rig.numbers(first, 30..35);
    assert_eq!(rig.got(), all(30..40));
    rig.numbers(first, 35..50);
    rig.numbers(second, 40..45);
    rig.numbers(second, 45..60);
    assert_eq!(rig.got(), all(40..60));
    assert_eq!(rig.target(), Some(1));
    assert!(rig.is_verified(1) && rig.is_verified(2));
    assert_eq!(rig.end, None);
}

#[test]
fn a_consumer_that_begins_with_the_first_message_gets_it_from_either_line() {
    let (mut rig, first) = Rig::joined(hot(), 1, &[]);
    let second = rig.open(2);
    rig.accept(second, "S", 1);
    assert_eq!(rig.stage(2), Some("standby"));
    rig.numbers(second, 1..20);
    assert_eq!(rig.got(), all(1..20));
    assert!(!rig.is_verified(1) && !rig.is_verified(2));
    rig.numbers(first, 1..20);
    assert!(rig.is_verified(1) && rig.is_verified(2));
    assert!(rig.join.status(rig.now).is_verified);
    assert!(rig.events.contains(&JoinEvent::Verified {
        target: TargetId(1)
    }));
}

#[test]
fn what_the_consumer_sends_goes_to_the_joined_line_alone() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.consumer_sends(&Packet::Unsequenced(b"order"));
    assert_eq!(rig.sent(first).last().unwrap(), "U order");
    assert!(!rig.sent(second).contains(&"U order".to_owned()));
    rig.says(second, &Packet::Debug(b"from the standby"));
    rig.says(first, &Packet::Debug(b"from the joined"));
    assert_eq!(rig.told(), ["+ from the joined"]);
}

#[test]
fn while_the_consumer_takes_nothing_late_lines_are_read_and_no_other() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.numbers(first, 30..40);
    rig.join.block(true, rig.now);
    assert!(!rig.join.wants(first) && rig.join.wants(second));
    rig.numbers(second, 30..40);
    assert!(!rig.join.wants(second));
    assert_eq!(
        rig.join.from_line(second, &frames(40..41), rig.now),
        Step::default()
    );
    // Not their silence.
    rig.pass(4 * SECOND);
    rig.consumer_sends(&Packet::ClientHeartbeat);
    rig.join.block(false, rig.now);
    rig.numbers(second, 40..41);
    assert_eq!(rig.got(), all(30..41));
    assert_eq!(rig.faults(), Vec::<&str>::new());
}

#[test]
fn a_consumer_that_is_blocked_is_carried_on_by_a_line_that_was_late() {
    let (mut rig, first, second) = Rig::with_two(hot(), 30);
    rig.numbers(first, 30..40);
    rig.join.block(true, rig.now);
    rig.fail(first, LineFault::Closed);
    rig.numbers(second, 30..40);
    assert_eq!(rig.target(), Some(2));
    rig.pass(10 * SECOND);
    assert_eq!(rig.end, None);
}

#[test]
fn what_has_no_number_waits_on_a_late_line_while_the_consumer_takes_nothing() {
    let options = JoinOptions {
        server_unsequenced: true,
        ..hot()
    };
    let (mut rig, first, second) = Rig::with_two(options, 30);
    rig.numbers(second, 30..40);
    rig.told();
    rig.join.block(true, rig.now);
    rig.numbers(first, 30..35);
    let unnumbered = encoded(&Packet::Unsequenced(b"news"));
    let step = rig.join.from_line(first, &unnumbered, rig.now);
    assert_eq!((step, rig.join.wants(first)), (Step::default(), false));
    rig.join.block(false, rig.now);
    assert!(rig.join.wants(first));
    rig.bytes(first, &unnumbered);
    assert_eq!(rig.told(), ["U news"]);
}

#[test]
fn on_a_quiet_feed_a_line_stands_by_though_nothing_can_be_compared() {
    let (mut rig, first) = Rig::joined(hot(), 500, &[]);
    let second = rig.open(2);
    assert_eq!(rig.login_of(second).sequence, 1);
    rig.accept(second, "S", 1);
    rig.numbers(second, 1..500);
    assert_eq!((rig.stage(2), rig.got()), (Some("standby"), all(0..0)));
    rig.fail(first, LineFault::Closed);
    assert_eq!(rig.target(), Some(2));
    rig.numbers(second, 500..510);
    assert_eq!(rig.got(), all(500..510));
}

#[test]
fn a_line_that_cannot_be_compared_stands_by_silently_until_it_can() {
    let (mut rig, first, second) = Rig::with_one_that_has_nothing_old();
    assert_eq!(rig.login_of(second).sequence, 100);
    rig.accept(second, "S", 100);
    assert_eq!(rig.stage(2), Some("standby"));
    rig.numbers(first, 100..100);
    // What it has first is not believed, and waits.
    let ahead = rig.join.from_line(second, &frames(100..110), rig.now);
    assert_eq!(ahead, Step::default());
    assert!(!rig.join.wants(second));
    rig.got();
    rig.numbers(first, 100..120);
    assert!(rig.join.wants(second));
    rig.numbers(second, 100..120);
    assert_eq!(rig.got(), all(100..120));
    assert!(rig.is_verified(2));
    rig.numbers(second, 120..130);
    assert_eq!(rig.got(), all(120..130));
}
