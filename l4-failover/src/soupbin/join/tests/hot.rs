//! A line beside the joined one.

use super::super::*;
use super::rig::{MS, Rig, SECOND};
use crate::soupbin::packet::Reject;

fn hot() -> JoinOptions {
    JoinOptions {
        standby: Standby::Hot,
        ..JoinOptions::default()
    }
}

/// The messages of these numbers, as the server sends them that every line of a test leads to.
fn messages(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("message {number}")).collect()
}

impl Rig {
    fn numbers(&mut self, line: LineId, numbers: std::ops::Range<u64>) {
        for message in messages(numbers) {
            self.says(line, &Packet::Sequenced(message.as_bytes()));
        }
    }

    /// The numbers of the messages that the consumer got since this was asked last.
    fn got(&mut self) -> Vec<u64> {
        let told = self.told();
        let number = |it: &String| it.strip_prefix("S message ")?.parse().ok();
        told.iter().filter_map(number).collect()
    }

    fn stage(&self, target: u32) -> Option<&'static str> {
        let status = self.join.status(self.now);
        let mut lines = status.lines.iter();
        let line = lines.find(|it| it.target == Some(TargetId(target)))?;
        Some(line.stage.as_str())
    }

    fn is_verified(&self, target: u32) -> bool {
        let status = self.join.status(self.now);
        let mut lines = status.lines.iter();
        lines.any(|it| it.target == Some(TargetId(target)) && it.is_verified)
    }

    /// A consumer with two live lines, to targets 1 and 2, that stand at `next`.
    fn with_two(options: JoinOptions, next: u64) -> (Self, LineId, LineId) {
        let (mut rig, first) = Self::joined(options, 1, &[]);
        rig.numbers(first, 1..next);
        let second = rig.open(2);
        let asked = rig.login_of(second).sequence;
        rig.accept(second, "S", asked);
        rig.numbers(second, asked..next);
        assert_eq!(rig.stage(2), Some("standby"));
        assert_eq!(rig.got(), (1..next).collect::<Vec<_>>());
        rig.events.clear();
        (rig, first, second)
    }
}

fn all(numbers: std::ops::Range<u64>) -> Vec<u64> {
    numbers.collect()
}

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
    let options = JoinOptions {
        on_mismatch: OnMismatch::Close,
        ..hot()
    };
    let (mut rig, first, second) = Rig::with_two(options, 30);
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
fn a_line_that_cannot_be_compared_stands_by_silently_until_it_can() {
    let (mut rig, first) = Rig::joined(hot(), 1, &[]);
    rig.numbers(first, 1..100);
    let second = rig.open(2);
    rig.reject(second, Reject::SessionUnavailable);
    let second = rig.open(2);
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

fn frames(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let messages = messages(numbers);
    let frames = messages
        .iter()
        .map(|it| encoded(&Packet::Sequenced(it.as_bytes())));
    frames.flatten().collect()
}

#[test]
fn a_line_that_is_too_far_behind_must_show_anew_that_it_is_the_same() {
    let options = JoinOptions {
        skew: 64 * 1024,
        ..hot()
    };
    let (mut rig, first, second) = Rig::with_two(options, 30);
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
    let options = JoinOptions {
        skew: 64 * 1024,
        ..hot()
    };
    let (mut rig, first, second) = Rig::with_two(options, 30);
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
    let options = JoinOptions {
        skew: 64 * 1024,
        ..hot()
    };
    let (mut rig, first, second) = Rig::with_two(options, 30);
    rig.numbers(second, 30..10_000);
    rig.numbers(first, 30..40);
    assert_eq!((rig.target(), rig.faults()), (Some(2), vec!["behind"]));
    rig.numbers(second, 10_000..10_010);
    assert_eq!(rig.got(), all(30..10_010));
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
fn what_is_preferred_is_joined_once_it_is_proven() {
    let (mut rig, first) = Rig::joined(hot(), 1, &[]);
    rig.numbers(first, 1..100);
    let second = rig.open(2);
    rig.reject(second, Reject::SessionUnavailable);
    let second = rig.open(2);
    rig.accept(second, "S", 100);
    rig.join.prefer_another(rig.now);
    rig.act();
    rig.dial(2);
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
    rig.join.prefer_another(rig.now);
    rig.act();
    rig.dial(2);
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
fn a_line_that_stepped_back_and_differs_has_diverged() {
    let options = JoinOptions {
        on_mismatch: OnMismatch::Close,
        ..hot()
    };
    let (mut rig, first, second) = Rig::with_two(options, 30);
    rig.join.prefer_another(rig.now);
    rig.act();
    rig.dial(2);
    rig.numbers(second, 30..31);
    rig.messages(first, &["another message"]);
    assert_eq!(rig.end, Some(End::Mismatch { sequence: 30 }));
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
