//! Everything at once: the consumer's stream is the feed, or is cut with a reason that holds.

use std::time::Duration;

use l4_failover::soupbin::join::{End, JoinEvent, JoinOptions, LineFault};
use l4_failover::soupbin::packet::Reject;

use super::happenings::{self, SECOND, cases, could_carry_on};
use super::server::Content;
use super::world::{SESSION, World};

/// One more thing goes wrong, or is well again.
fn happen(world: &mut World) {
    let server = world.random.usize(0..world.manners.len());
    match world.random.u32(0..29) {
        0 => diverge(world, server, Content::Other),
        1 => diverge(world, server, Content::OneOther),
        2 => world.change(server, |it| it.reject = Some(Reject::NotAuthorized)),
        which => happenings::happen(world, server, which - 3, 100),
    }
}

/// A line that is joined already is the consumer's: only another may differ.
fn diverge(world: &mut World, server: usize, content: Content) {
    if world.joined().is_some_and(|it| it != server) && world.consumer.retained() > 0 {
        world.kill(server);
        world.change(server, |it| (it.is_up, it.content) = (true, content));
    }
}

fn judge(world: &World, seed: u64) {
    let was_locked_out = world.events.iter().any(|it| {
        let fault = LineFault::Rejected(Reject::NotAuthorized);
        matches!(it, JoinEvent::LineDown { fault: it, .. } if *it == fault)
    });
    let truncated = world
        .events
        .iter()
        .any(|it| matches!(it, JoinEvent::Truncated { .. }));
    let (first, requested) = (world.consumer.first, world.consumer.requested);
    let is_later = first.is_some_and(|first| requested != 0 && first > requested);
    assert_eq!(truncated, is_later, "seed {seed}");
    match &world.end {
        None => assert!(first.is_some(), "seed {seed}: never answered"),
        Some(End::Outage { .. } | End::Gap { .. } | End::SessionGone) => {
            assert!(first.is_some(), "seed {seed}");
            assert!(
                was_locked_out || !could_carry_on(world, |_| true),
                "seed {seed}: {:?}",
                world.end
            );
        }
        // All that could go on said so, or nobody could.
        Some(End::EndOfSession) => {
            let is_false = could_carry_on(world, |it| !world.enders.contains(&it));
            assert!(was_locked_out || !is_false, "seed {seed}: a false end");
        }
        Some(End::NoLine | End::Rejected(_) | End::BeyondEnd { .. }) => {
            assert!(
                world.consumer.rejected.is_some() && first.is_none(),
                "seed {seed}"
            );
        }
        Some(end) => panic!("seed {seed}: {end:?}"),
    }
    let is_told = world.consumer.ended.is_some();
    assert_eq!(is_told, world.end == Some(End::EndOfSession), "seed {seed}");
}

#[test]
fn the_stream_is_the_feed_or_is_cut_with_a_reason_that_holds() {
    let (mut ended, mut changes) = (0, 0);
    for seed in 0..cases(256) {
        let servers = 1 + seed as usize % 4;
        let mut world = World::new(seed ^ 0xc0ffee, servers, JoinOptions::default());
        let head = world.feed.head(Duration::ZERO);
        let sequence = match world.random.u32(0..5) {
            0 => 0,
            1 => head,
            2 => world.random.u64(1..=head),
            3 => head + world.random.u64(1..30),
            _ => 1,
        };
        world.log_in(sequence);
        world.run(5 * SECOND, |it| it.joined().is_some());
        for _ in 0..60 {
            if world.end.is_some() {
                break;
            }
            let pause = Duration::from_millis(world.random.u64(0..900));
            world.run_for(pause);
            if world.end.is_none() {
                happen(&mut world);
            }
        }
        ended += u32::from(world.end.is_some());
        changes += world.changes.len();
        judge(&world, seed);
    }
    eprintln!("{changes} joins, {ended} ends");
}

/// It is over where the feed is, and nowhere else.
#[test]
fn a_true_end_is_told_once_all_is() {
    for seed in 0..cases(48) {
        let servers = 1 + seed as usize % 3;
        let mut world = World::new(seed, servers, JoinOptions::default());
        let head = world.feed.head(Duration::ZERO);
        world.feed.last = head + world.random.u64(0..300);
        world.log_in(1);
        for _ in 0..3 {
            let pause = Duration::from_millis(world.random.u64(0..2000));
            world.run_for(pause);
            let Some(active) = world.joined().filter(|_| servers > 1) else {
                continue;
            };
            world.kill(active);
            world.run_for(SECOND / 4);
            world.mend(active);
        }
        let is_over = world.run(60 * SECOND, |it| it.end.is_some());
        assert!(
            is_over && world.end == Some(End::EndOfSession),
            "seed {seed}: {:?}",
            world.end
        );
        assert_eq!(world.consumer.next, world.feed.last + 1, "seed {seed}");
        let (session, at) = (SESSION, world.consumer.ended);
        assert!(at.is_some(), "{session}");
    }
}
