//! One class of fault after the other, each with a line beside it that can carry on: that one must
//! be joined, each time.

use std::time::Duration;

use l4_failover::soupbin::join::{JoinOptions, Joined, LineFault, Why};
use l4_failover::soupbin::packet::Reject;

use super::happenings::{SECOND, a_world, cases};
use super::server::{Beyond, Content};
use super::world::{Change, World};

/// Joins of each class, at least.
const JOINS: usize = 100;

/// Faults in many worlds: how many joins were what the class is about.
fn joins(
    servers: usize,
    fault: impl Fn(&mut World, usize),
    counts: impl Fn(&Change) -> bool,
) -> usize {
    let mut count = 0;
    for seed in 0..cases(24) {
        let mut world = a_world(seed, servers, JoinOptions::default());
        for _ in 0..6 {
            let pause = Duration::from_millis(world.random.u64(20..600));
            world.run_for(pause);
            // So much that there is something to compare.
            world.run(5 * SECOND, |it| it.consumer.retained() >= 16);
            let before = world.changes.len();
            let active = world.joined().expect("a line");
            fault(&mut world, active);
            let came = world.run(9 * SECOND, |it| {
                it.changes.len() > before && it.joined().is_some()
            });
            assert!(
                came,
                "seed {seed}: {:?}, {:#?}",
                world.end,
                world.join.status(world.now())
            );
            // It carries on, whoever it is.
            let next = world.consumer.next;
            let goes_on = world.run(5 * SECOND, |it| it.consumer.next > next + 3);
            assert!(
                goes_on,
                "seed {seed}: {:?}, {:#?}",
                world.end,
                world.join.status(world.now())
            );
            (0..servers).for_each(|server| world.mend(server));
        }
        assert_eq!(world.end, None);
        count += world.changes.iter().filter(|it| counts(it)).count();
    }
    count
}

fn is_failover(joined: &Joined) -> bool {
    joined.why == Why::Failover
}

fn assert_enough(count: usize) {
    eprintln!("{count} joins");
    let wanted = JOINS.min(cases(24) as usize * JOINS / 24);
    assert!(count >= wanted, "{count} joins of {wanted}");
}

/// Another server is mended by the time that this one fails.
fn others(world: &World, active: usize) -> Vec<usize> {
    (0..world.manners.len())
        .filter(|it| *it != active)
        .collect()
}

#[test]
fn a_server_is_killed() {
    let count = joins(2, World::kill, |it| {
        is_failover(&it.joined) && matches!(it.faults[0], LineFault::Broken(_))
    });
    assert_enough(count);
}

#[test]
fn a_server_is_stopped() {
    let stop = |world: &mut World, active| world.change(active, |it| it.is_stopped = true);
    let count = joins(2, stop, |it| {
        is_failover(&it.joined) && it.joined.took.detect >= 3 * SECOND
    });
    assert_enough(count);
}

#[test]
fn a_server_closes() {
    let close = |world: &mut World, active| {
        world.change(active, |it| it.is_up = false);
        world.cut(active, LineFault::Closed);
    };
    let count = joins(2, close, |it| {
        is_failover(&it.joined) && it.faults[0] == LineFault::Closed
    });
    assert_enough(count);
}

#[test]
fn a_server_lets_no_heartbeat_come() {
    let mute = |world: &mut World, active| {
        world.change(active, |it| {
            (it.has_heartbeats, it.lag) = (false, 1_000_000)
        });
    };
    let count = joins(2, mute, |it| {
        is_failover(&it.joined) && matches!(it.faults[0], LineFault::Silent(_))
    });
    assert_enough(count);
}

/// The wire is cut within a frame whose beginning was read.
#[test]
fn a_line_is_cut_within_a_frame() {
    let cut = |world: &mut World, active: usize| {
        let got = world.run(5 * SECOND, |it| it.has_half_a_frame(active));
        assert!(got, "half a frame");
        world.kill(active);
    };
    assert_enough(joins(2, cut, |it| is_failover(&it.joined)));
}

#[test]
fn the_other_line_lags_and_comes() {
    let lag = |world: &mut World, active: usize| {
        let other = others(world, active)[0];
        let lag = world.random.u64(1..60);
        world.change(other, |it| it.lag = lag);
        world.kill(active);
        let late = Duration::from_millis(world.random.u64(20..1500));
        world.run_for(late);
        world.mend(other);
    };
    let count = joins(2, lag, |it| {
        is_failover(&it.joined) && it.joined.took.catch_up > Duration::ZERO
    });
    assert_enough(count);
}

/// A login beyond the end of the line that is left, which comes to it later.
fn beyond(policy: Beyond, counts: impl Fn(&Change) -> bool) -> usize {
    let fault = move |world: &mut World, active: usize| {
        let other = others(world, active)[0];
        let lag = world.random.u64(20..80);
        world.change(other, |it| (it.lag, it.beyond) = (lag, policy));
        world.kill(active);
        let late = Duration::from_millis(world.random.u64(20..900));
        world.run_for(late);
        world.mend(other);
    };
    joins(2, fault, |it| is_failover(&it.joined) && counts(it))
}

#[test]
fn logins_beyond_the_end_are_clamped() {
    // What lies before the number that was asked for is passed over.
    assert_enough(beyond(Beyond::Clamp, |it| it.joined.discarded > 0));
}

#[test]
fn logins_beyond_the_end_are_echoed() {
    // The bytes give it away.
    let is_known = |it: &LineFault| matches!(it, LineFault::Mismatch { .. });
    assert_enough(beyond(Beyond::Echo, |it| it.faults.iter().any(is_known)));
}

#[test]
fn logins_beyond_the_end_are_rejected() {
    let is_said = |it: &LineFault| matches!(it, LineFault::Rejected(_));
    assert_enough(beyond(Beyond::Reject, |it| it.faults.iter().any(is_said)));
}

/// Three servers, of which the next in line is bad and the last one good.
fn beside_a_good_one(
    spoil: impl Fn(&mut World, usize),
    is_it: impl Fn(&LineFault) -> bool,
) -> usize {
    let fault = |world: &mut World, active: usize| {
        let others = others(world, active);
        spoil(world, others[0]);
        world.kill(active);
    };
    joins(3, fault, |it| {
        is_failover(&it.joined) && it.known.iter().any(&is_it)
    })
}

#[test]
fn another_session_beside_a_good_line() {
    let spoil = |world: &mut World, server| {
        world.change(server, |it| it.session = "FEED000002".parse().unwrap());
    };
    let count = beside_a_good_one(spoil, |it| matches!(it, LineFault::OtherSession { .. }));
    assert_enough(count);
}

#[test]
fn other_bytes_beside_a_good_line() {
    let spoil = |world: &mut World, server| {
        let content = match world.random.bool() {
            true => Content::Other,
            false => Content::OneOther,
        };
        world.change(server, |it| it.content = content);
    };
    let count = beside_a_good_one(spoil, |it| matches!(it, LineFault::Mismatch { .. }));
    assert_enough(count);
}

#[test]
fn a_line_that_rejects_beside_a_good_one() {
    let spoil = |world: &mut World, server| {
        world.change(server, |it| it.reject = Some(Reject::SessionUnavailable));
    };
    let count = beside_a_good_one(spoil, |it| matches!(it, LineFault::Rejected(_)));
    assert_enough(count);
}

#[test]
fn a_line_that_begins_later_beside_a_good_one() {
    let spoil = |world: &mut World, server| {
        world.change(server, |it| it.begins = 10_000_000);
    };
    let fault = |world: &mut World, active: usize| {
        let others = others(world, active);
        spoil(world, others[0]);
        world.kill(active);
    };
    assert_enough(joins(3, fault, |it| is_failover(&it.joined)));
}

#[test]
fn a_live_only_line_beside_a_good_one() {
    let spoil = |world: &mut World, server| world.change(server, |it| it.is_live_only = true);
    let fault = |world: &mut World, active: usize| {
        let others = others(world, active);
        spoil(world, others[0]);
        world.kill(active);
    };
    assert_enough(joins(3, fault, |it| is_failover(&it.joined)));
}

#[test]
fn a_stopped_line_beside_a_good_one() {
    let spoil = |world: &mut World, server| world.change(server, |it| it.is_stopped = true);
    let fault = |world: &mut World, active: usize| {
        let others = others(world, active);
        spoil(world, others[0]);
        world.kill(active);
    };
    let count = joins(3, fault, |it| {
        // It is not waited for.
        is_failover(&it.joined) && it.joined.took.total() < SECOND
    });
    assert_enough(count);
}

#[test]
fn a_false_end_is_that_lines_failure() {
    let lie = |world: &mut World, active| world.change(active, |it| it.ends = true);
    let count = joins(2, lie, |it| {
        let is_said = it
            .faults
            .iter()
            .any(|it| matches!(it, LineFault::EndedEarly { .. }));
        it.joined.why == Why::FalseEnd && is_said && it.joined.from.is_some()
    });
    assert_enough(count);
}

/// The one that there is stays until the other is joined, though that fails at first.
#[test]
fn another_line_is_preferred() {
    let prefer = |world: &mut World, active: usize| {
        let other = others(world, active)[0];
        if world.random.bool() {
            world.change(other, |it| it.content = Content::OneOther);
        }
        world.prefer(other);
        let pause = Duration::from_millis(world.random.u64(0..50));
        world.run_for(pause);
        world.mend(other);
        assert_ne!(world.joined(), None, "make before break");
    };
    let count = joins(2, prefer, |it| it.joined.why == Why::Preferred);
    assert_enough(count);
}

/// Of three, those that failed before are still down.
#[test]
fn the_third_line_is_the_last() {
    let kill_both = |world: &mut World, active: usize| {
        let others = others(world, active);
        let either = others[world.random.usize(0..2)];
        world.kill(active);
        let pause = Duration::from_millis(world.random.u64(0..30));
        world.run_for(pause);
        world.kill(either);
    };
    assert_enough(joins(3, kill_both, |it| is_failover(&it.joined)));
}

/// Not even while the consumer takes nothing.
#[test]
fn a_consumer_that_is_slow_is_carried_over() {
    let slow = |world: &mut World, active: usize| {
        world.block(true);
        world.run_for(SECOND / 2);
        world.kill(active);
        let pause = Duration::from_millis(world.random.u64(0..4000));
        world.run_for(pause);
        world.block(false);
    };
    assert_enough(joins(2, slow, |it| is_failover(&it.joined)));
}

/// Whatever comes from the consumer arrives once or never.
#[test]
fn what_a_consumer_sends_is_never_sent_twice() {
    let talk = |world: &mut World, active: usize| {
        world.say();
        world.kill(active);
        world.say();
        let pause = Duration::from_millis(world.random.u64(0..20));
        world.run_for(pause);
        world.say();
    };
    assert_enough(joins(2, talk, |it| is_failover(&it.joined)));
}
