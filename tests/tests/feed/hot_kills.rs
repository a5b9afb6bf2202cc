//! Two lines at once, of which either fails again and again, or both do.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use tests::figures::{figures, random_phase, times};
use tests::process::until;

use crate::hot::{HOT, assert_one_login_each, stands_by};
use crate::kills::{Carried, SLACK};
use crate::world::World;

/// Longer than a consumer of ten thousand messages a second waits for any of them where nothing is
/// waited for, on a busy machine; and much less than any silence is noticed in.
const NOTHING: Duration = Duration::from_millis(900);

#[test]
fn the_other_line_goes_on_at_every_kill_of_the_active_one() {
    let mut carried = Carried::new(HOT);
    let mut pauses = Vec::new();
    for _ in 0..times("FEED_KILLS", 20) {
        carried.world.await_state(0, "up");
        carried.world.await_state(1, "up");
        let victim = carried.victim();
        stands_by(&carried.world, &carried.consumer, 1 - victim);
        assert_one_login_each(&carried.world);
        random_phase(Duration::from_millis(20));
        let killed = Instant::now();
        carried.world.feeds[victim].kill();
        carried.carried_from(victim, "");
        pauses.push(carried.consumer.longest_pause_since(killed));
        carried.world.feeds[victim].start_again();
    }
    figures("SIGKILL, hot: longest pause", pauses);
    let (max, tally) = carried.finish("SIGKILL of the active feed, hot");
    println!("no disconnect, {tally:?}");
    assert!(max < SLACK, "{max:?}");
}

#[test]
fn a_consumer_notices_nothing_of_a_line_that_is_stopped() {
    let mut carried = Carried::new(&format!("{HOT}silence = \"2s\""));
    for _ in 0..times("FEED_STOPS", 2) {
        let victim = carried.victim();
        stands_by(&carried.world, &carried.consumer, 1 - victim);
        random_phase(Duration::from_millis(20));
        let stopped = Instant::now();
        carried.world.feeds[victim].signal(Signal::STOP);
        carried.carried_from(victim, "silent");
        let (pause, took) = (
            carried.consumer.longest_pause_since(stopped),
            stopped.elapsed(),
        );
        println!("SIGSTOP, hot: noticed after {took:?}, longest pause {pause:?}");
        assert!(pause < NOTHING, "{pause:?}");
        carried.world.feeds[victim].signal(Signal::CONT);
    }
    carried.finish("SIGSTOP of the active feed, hot");
}

/// It is the standby that ends, which is no failover.
#[test]
fn a_consumer_notices_nothing_of_a_standby_that_is_killed_or_stopped() {
    let mut carried = Carried::new(&format!("{HOT}silence = \"1s\""));
    for nth in 0..times("FEED_KILLS", 4) as usize {
        let active = carried.victim();
        stands_by(&carried.world, &carried.consumer, 1 - active);
        random_phase(Duration::from_millis(20));
        let ended = Instant::now();
        let downs = carried.world.events.named("line_down").len();
        match nth % 2 {
            0 => carried.world.feeds[1 - active].kill(),
            _ => carried.world.feeds[1 - active].signal(Signal::STOP),
        }
        let down = carried.world.events.nth("line_down", downs);
        assert_eq!(carried.world.feed_of(&down["endpoint"]), 1 - active);
        carried.consumer.await_more(1000);
        assert!(carried.consumer.longest_pause_since(ended) < NOTHING);
        assert_eq!(carried.world.active(&carried.consumer), active);
        match nth % 2 {
            0 => carried.world.feeds[1 - active].start_again(),
            _ => carried.world.feeds[1 - active].signal(Signal::CONT),
        }
    }
    // No failover, and no other disturbance.
    carried.finish_quietly();
}

#[test]
fn when_both_lines_die_at_once_the_one_that_is_back_first_carries_on() {
    let keys = format!("{HOT}max_outage = \"30s\"");
    let mut world = World::of_twins(&[], &keys);
    let consumer = world.consumer();
    for nth in 0..times("FEED_KILLS", 4) as usize {
        let active = world.active(&consumer);
        stands_by(&world, &consumer, 1 - active);
        world.feeds.iter_mut().for_each(tests::feed::Feed::kill);
        until("the consumer waits", || {
            world.status()["feed"]["waiting"] == 1
        });
        let first = nth % 2;
        world.feeds[first].start_again();
        until("it is carried on", || {
            world.status()["feed"]["waiting"] == 0
        });
        assert_eq!(world.active(&consumer), first);
        consumer.await_more(100);
        consumer.assert_whole();
        world.feeds[1 - first].start_again();
    }
}
