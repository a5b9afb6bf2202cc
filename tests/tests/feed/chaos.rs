//! Everything that may go wrong with both feeds, in any order, at any moment; one of them is always
//! back before the time is over. No consumer is cut, and none misses anything.

use std::time::Duration;

use rustix::process::Signal;
use tests::consumer::Consumer;
use tests::figures::{random_phase, times};

use crate::world::{BACKUP, PRIMARY, World};

/// What goes wrong with a feed.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Killed,
    Stopped,
    Ordered(&'static str),
    Behind,
}

const FAULTS: [Fault; 7] = [
    Fault::Killed,
    Fault::Stopped,
    Fault::Ordered("cut"),
    Fault::Ordered("cut reset"),
    Fault::Ordered("end"),
    Fault::Ordered("freeze"),
    Fault::Behind,
];

impl Fault {
    /// Whether a feed that is so answers a login within a second, which an end of session waits for
    /// whoever goes on.
    fn answers(self) -> bool {
        !matches!(self, Self::Killed | Self::Stopped | Self::Ordered("freeze"))
    }

    /// Whether an end of session that one feed alone speaks of would have to be believed.
    fn is_an_end_with(self, other: Self) -> bool {
        let is_end = |fault| matches!(fault, Self::Ordered("end"));
        is_end(self) && !other.answers() || is_end(other) && !self.answers()
    }

    fn begin(self, world: &mut World, feed: usize) {
        match self {
            Self::Killed => world.feeds[feed].kill(),
            Self::Stopped => world.feeds[feed].signal(Signal::STOP),
            // For those who are there now.
            Self::Ordered("end") => {
                for client in world.feeds[feed].clients() {
                    // Gone meanwhile, it needs no end.
                    let _ = world.feeds[feed].try_order(&format!("end client={}", client["id"]));
                }
            }
            Self::Ordered(order) => drop(world.feeds[feed].order(order)),
            Self::Behind => drop(world.feeds[feed].order("lag 300ms")),
        }
    }

    fn end(self, world: &mut World, feed: usize) {
        match self {
            Self::Killed => world.feeds[feed].start_again(),
            Self::Stopped => world.feeds[feed].signal(Signal::CONT),
            Self::Ordered(_) => drop(world.feeds[feed].order("resume")),
            Self::Behind => drop(world.feeds[feed].order("lag off")),
        }
    }
}

#[test]
fn nothing_that_happens_to_both_feeds_costs_a_consumer_a_message() {
    let keys = "silence = \"1s\"\nmax_outage = \"30s\"\ncatch_up = \"5s\"";
    let mut world = World::of_twins(&["--rate=2000"], keys);
    let consumers: Vec<Consumer> = (0..3).map(|_| world.consumer()).collect();
    for nth in 0..times("FEED_CHAOS", 14) as usize {
        // Each against each, and another order each time around.
        let one = FAULTS[nth % FAULTS.len()];
        let other = FAULTS[(nth + nth / FAULTS.len()) % FAULTS.len()];
        if one.is_an_end_with(other) {
            continue;
        }
        println!("{nth}: {one:?}, {other:?}");
        let (first, second) = match nth % 2 {
            0 => (PRIMARY, BACKUP),
            _ => (BACKUP, PRIMARY),
        };
        one.begin(&mut world, first);
        random_phase(Duration::from_millis(30));
        other.begin(&mut world, second);
        random_phase(Duration::from_millis(1500));
        one.end(&mut world, first);
        random_phase(Duration::from_millis(30));
        other.end(&mut world, second);
        for consumer in &consumers {
            // So many that there is some way from one to the next.
            consumer.await_more(300);
            consumer.assert_whole();
        }
    }
    let (joins, ends) = (world.joins("failover"), world.joins("false_end"));
    println!("{joins} failovers and {ends} false ends, and every message once, in order");
    assert!(joins > 0.0 && ends > 0.0);
}
