//! The active feed is killed or stopped, again and again, at any moment.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use tests::consumer::Consumer;
use tests::figures::{figures, random_phase, times};
use tests::oracle::Tally;
use tests::process::until;

use crate::world::World;

/// Messages a second: many in each moment, for a machine that has other things to do.
pub(crate) const RATE: &str = "--rate=10000";

/// What everything may take beside what the configuration says, on a busy machine.
pub(crate) const SLACK: Duration = Duration::from_secs(2);

/// Where the time went, of each failover.
#[derive(Default)]
struct Times {
    /// From the last message of the one line to the first of the other, as the consumer saw it.
    seen: Vec<Duration>,
    parts: [Vec<Duration>; 4],
}

const PARTS: [&str; 4] = ["detect", "connect", "login", "catch_up"];

impl Times {
    fn take(&mut self, consumer: &Consumer, joined: &Value) {
        let next = joined["sequence"].as_u64().unwrap();
        self.seen.push(consumer.waited_for(next));
        for (part, times) in PARTS.iter().zip(&mut self.parts) {
            let millis = joined["took_ms"][part].as_f64().unwrap();
            times.push(Duration::from_secs_f64(millis / 1e3));
        }
    }

    /// Prints them; the longest.
    fn print(self, what: &str) -> Duration {
        for (part, times) in PARTS.iter().zip(self.parts) {
            figures(&format!("{what}, {part}"), times);
        }
        figures(&format!("{what}, message to message"), self.seen)
    }
}

/// One consumer of two feeds, of which the active one fails again and again.
pub(crate) struct Carried {
    pub(crate) world: World,
    pub(crate) consumer: Consumer,
    /// What the consumer's connection is to operators, and to itself.
    before: (Value, std::net::SocketAddr),
    failovers: usize,
    times: Times,
}

impl Carried {
    pub(crate) fn new(keys: &str) -> Self {
        let world = World::of_twins(&[RATE], keys);
        let consumer = world.consumer();
        let before = (world.shown(&consumer)["id"].clone(), consumer.address());
        Self {
            world,
            consumer,
            before,
            failovers: 0,
            times: Times::default(),
        }
    }

    /// The feed that is active, and has delivered since it is: both sides say so.
    pub(crate) fn victim(&self) -> usize {
        let victim = self.world.active(&self.consumer);
        let next = self.consumer.await_more(1);
        until("the feed says so, too", || {
            let clients = self.world.feeds[victim].clients();
            assert_eq!(clients.len(), 1, "{clients:?}");
            let count = |key: &str| clients[0][key].as_u64().unwrap();
            count("sent") > 0 && count("next") >= next
        });
        victim
    }

    /// What was told once the victim had failed: one loss, and one line joined.
    pub(crate) fn carried_from(&mut self, victim: usize, fault: &str) {
        let (lost, joined) = (self.failovers, self.failovers);
        self.failovers += 1;
        let (world, events) = (&self.world, &self.world.events);
        let lost = events.nth("line_lost", lost);
        assert_eq!(world.feed_of(&lost["endpoint"]), victim);
        assert!(fault.is_empty() || lost["cause"] == fault, "{lost}");
        let joined = events.nth("line_joined", joined);
        assert_eq!(joined["cause"], "failover");
        assert_eq!(world.feed_of(&joined["from"]), victim);
        assert_eq!(world.feed_of(&joined["endpoint"]), 1 - victim);
        assert_eq!(joined["verified"], true);
        self.times.take(&self.consumer, &joined);
        self.consumer.await_more(2 * crate::world::COMPARED);
    }

    /// The connection is the one of the beginning, and nothing was lost on it.
    pub(crate) fn finish(self, what: &str) -> (Duration, Tally) {
        let (world, consumer) = (self.world, self.consumer);
        let shown = world.shown(&consumer);
        assert_eq!((shown["id"].clone(), consumer.address()), self.before);
        assert_eq!(shown["address"], self.before.1.to_string());
        consumer.assert_whole();
        for event in ["line_joined", "line_lost"] {
            assert_eq!(world.events.named(event).len(), self.failovers, "{event}");
        }
        assert_eq!(world.joins("failover"), self.failovers as f64);
        (self.times.print(what), consumer.tally())
    }
}

impl Carried {
    /// The connection is the one of the beginning, nothing was lost on it, and no line was changed.
    pub(crate) fn finish_quietly(self) {
        assert_eq!(self.failovers, 0);
        self.consumer.assert_whole();
        assert_eq!(self.consumer.address(), self.before.1);
        for event in ["line_joined", "line_lost"] {
            let events = self.world.events.named(event);
            assert!(events.is_empty(), "{events:?}");
        }
    }
}

#[test]
fn a_consumer_is_carried_over_every_kill_of_its_feed() {
    let mut carried = Carried::new("");
    for _ in 0..times("FEED_KILLS", 20) {
        carried.world.await_state(0, "up");
        carried.world.await_state(1, "up");
        let victim = carried.victim();
        random_phase(Duration::from_millis(20));
        carried.world.feeds[victim].kill();
        carried.carried_from(victim, "");
        carried.world.feeds[victim].start_again();
    }
    let (max, tally) = carried.finish("SIGKILL of the active feed");
    println!("no disconnect, {tally:?}");
    assert!(max < SLACK, "{max:?}");
}

#[test]
fn a_consumer_is_carried_over_every_stop_of_its_feed_within_the_silence_limit() {
    const SILENCE: Duration = Duration::from_secs(2);
    let mut carried = Carried::new("silence = \"2s\"");
    for _ in 0..times("FEED_STOPS", 3) {
        let victim = carried.victim();
        random_phase(Duration::from_millis(20));
        let stopped = Instant::now();
        carried.world.feeds[victim].signal(Signal::STOP);
        carried.carried_from(victim, "silent");
        assert!(stopped.elapsed() < SILENCE + SLACK);
        // The kernel goes on to accept connections to it, and whoever logs in now is let in by the
        // other.
        let late = carried.world.consumer();
        assert_eq!(carried.world.active(&late), 1 - victim);
        assert_eq!(carried.world.active(&carried.consumer), 1 - victim);
        drop(late);
        // What it says when it wakes up, nobody hears.
        carried.world.feeds[victim].signal(Signal::CONT);
        let feed = &carried.world.feeds[victim];
        until("its old clients are gone", || feed.clients().is_empty());
        carried.consumer.await_more(100);
        assert_eq!(carried.world.active(&carried.consumer), 1 - victim);
    }
    let (max, tally) = carried.finish("SIGSTOP of the active feed");
    println!("no disconnect, {tally:?}");
    assert!(max > SILENCE && max < SILENCE + SLACK, "{max:?}");
}

/// What the other tests would see if consumers were not carried.
#[test]
fn through_a_plain_port_the_same_kill_disconnects() {
    let mut world = World::of_twins(&[RATE], "");
    let text = world
        .port
        .config()
        .replace("protocol = \"soupbintcp\"\n", "");
    world.port = tests::failover!(text);
    let consumer = Consumer::at(world.address(), 1);
    consumer.await_more(100);
    world.feeds[0].kill();
    let gone = consumer.gone();
    println!(
        "through a plain port: {:?} after {:?}",
        gone.end, gone.tally
    );
    assert!(gone.tally.messages >= 100 && gone.ends_of_session == 0);
}

/// What is wrong with a feed is seen: the other tests do not pass because nothing is looked at.
#[test]
fn what_a_feed_does_wrong_is_seen_by_a_consumer_of_its_own() {
    let feed = tests::feed!(&["--rate=1000"]);
    let consumer = Consumer::at(feed.address(), 1);
    for order in ["omit 1000", "repeat 1100", "corrupt 1200"] {
        assert_eq!(feed.order(order), 1);
    }
    consumer.await_message(1300);
    let tally = consumer.tally();
    let seen = (tally.gaps, tally.duplicates, tally.corruptions);
    assert_eq!(seen, (1, 1, 1), "{tally:?}");
}
