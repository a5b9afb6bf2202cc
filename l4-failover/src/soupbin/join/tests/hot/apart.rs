//! Lines that differ, or are too far apart to be compared.

use super::super::super::*;
use super::{Rig, SECOND, all, hot, short, strict};

#[test]
fn a_line_with_another_message_is_out_and_the_consumer_goes_on() {
    for is_joined in [true, false] {
        let (mut rig, first, second) = Rig::with_two(hot(), 30);
        let (wrong, right, target) = if is_joined {
            (first, second, 1)
        } else {
            (second, first, 2)
        };
        rig.numbers(right, 30..40);
        rig.numbers(wrong, 30..33);
        rig.messages(wrong, &["another message"]);
        let sequence = 33;
        let target_id = TargetId(target);
        assert!(rig.events.contains(&JoinEvent::Diverged {
            target: target_id,
            sequence
        }));
        assert_eq!(rig.join.status(rig.now).diverged, [(target_id, 33)]);
        assert_eq!(rig.faults(), ["mismatch"]);
        rig.numbers(right, 40..50);
        assert_eq!(rig.got(), all(30..50));
        assert_eq!(rig.target(), Some(3 - target));
        // It stays out for as long as nobody says otherwise.
        rig.nobody();
        for _ in 0..100 {
            rig.pass(SECOND);
            assert!(rig.wanted().is_none_or(|but| but.contains(&target)));
            rig.says(right, &Packet::ServerHeartbeat);
            rig.consumer_sends(&Packet::ClientHeartbeat);
            if rig.wanted().is_some() {
                rig.nobody();
            }
        }
        rig.join.forgive_diverged(rig.now);
        rig.act();
        assert!(!rig.wanted().unwrap().contains(&target));
        assert_eq!(rig.join.status(rig.now).diverged, []);
    }
}

#[test]
fn a_mismatch_cuts_the_consumer_where_that_is_wanted() {
    let (mut rig, first, second) = Rig::with_two(strict(), 30);
    rig.numbers(first, 30..40);
    rig.messages(second, &["another message"]);
    assert_eq!(rig.end, Some(End::Mismatch { sequence: 30 }));
}

#[test]
fn a_candidate_that_numbers_by_what_it_is_asked_for_has_not_diverged() {
    let (mut rig, first) = Rig::joined(hot(), 1, &[]);
    rig.numbers(first, 1..1000);
    let second = rig.open(2);
    // It stands at 500, and echoes what it was asked for.
    assert_eq!(rig.login_of(second).sequence, 984);
    rig.accept(second, "S", 984);
    rig.numbers(second, 500..501);
    assert_eq!(rig.faults(), ["mismatch"]);
    assert_eq!(rig.join.status(rig.now).diverged, []);
    rig.nobody();
    rig.pass(SECOND);
    assert_eq!(rig.wanted(), Some(vec![1]));
}

#[test]
fn a_line_that_stepped_back_and_differs_has_diverged() {
    let (mut rig, first, second) = Rig::with_two(strict(), 30);
    rig.prefer(2);
    rig.numbers(second, 30..31);
    rig.messages(first, &["another message"]);
    assert_eq!(rig.end, Some(End::Mismatch { sequence: 30 }));
}

#[test]
fn a_line_that_is_too_far_behind_must_show_anew_that_it_is_the_same() {
    let (mut rig, first, second) = Rig::with_two(short(), 30);
    rig.numbers(first, 30..10_000);
    rig.numbers(second, 30..40);
    let (target, at, next) = (TargetId(2), 30, 10_000);
    assert!(
        rig.events
            .contains(&JoinEvent::Unverified { target, at, next })
    );
    assert_eq!(rig.stage(2), Some("behind"));
    // It catches up, and is compared with what is kept.
    rig.numbers(second, 40..9_999);
    assert_eq!(rig.stage(2), Some("standby"));
    rig.numbers(second, 9_999..10_010);
    assert_eq!(rig.got(), all(30..10_010));
    assert_eq!(rig.end, None);
}

#[test]
fn one_that_does_not_catch_up_is_ended_and_tried_again() {
    let (mut rig, first, second) = Rig::with_two(short(), 30);
    rig.numbers(first, 30..10_000);
    rig.numbers(second, 30..40);
    for _ in 0..6 {
        rig.pass(SECOND);
        rig.says(first, &Packet::ServerHeartbeat);
        rig.says(second, &Packet::ServerHeartbeat);
    }
    assert_eq!(rig.faults(), ["behind"]);
    assert!(rig.closed.contains(&second));
}

#[test]
fn a_joined_line_that_is_too_far_behind_gives_way() {
    let (mut rig, first, second) = Rig::with_two(short(), 30);
    rig.numbers(second, 30..10_000);
    rig.numbers(first, 30..40);
    assert_eq!((rig.target(), rig.faults()), (Some(2), vec!["behind"]));
    rig.numbers(second, 10_000..10_010);
    assert_eq!(rig.got(), all(30..10_010));
}
