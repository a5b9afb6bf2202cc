//! Two live lines: whatever they do, the consumer gets each message once, in order, from the first
//! line that has it and has not differed before; and it goes on for as long as one of them can.

use std::time::Duration;

use l4_failover::soupbin::join::{End, JoinEvent, JoinOptions, OnMismatch, Stage, Standby, Why};

use super::happenings::{self, SECOND, a_world, cases, could_carry_on};
use super::server::Content;
use super::world::World;

/// After so long with all servers well, both lines are live: the longest rest after a failure, and the
/// longest silence before one.
const WELL: Duration = Duration::from_secs(12);

/// Messages that a server that is behind may be so by.
const LAG_MAX: u64 = 300;

/// Lines that are under way at most, beside the two that are live.
const CANDIDATES: usize = 4;

fn hot() -> JoinOptions {
    JoinOptions {
        standby: Standby::Hot,
        ..JoinOptions::default()
    }
}

/// Both lines are live.
fn is_paired(world: &World) -> bool {
    world.joined().is_some() && world.count(Stage::Standby) == 1
}

fn pair(world: &mut World, seed: u64) {
    let paired = world.run(WELL, is_paired);
    let status = world.join.status(world.now());
    assert!(paired, "seed {seed}: {:?}, {status:#?}", world.end);
}

/// The server that the line beside the joined one leads to.
fn beside(world: &World) -> Option<usize> {
    let status = world.join.status(world.now());
    let mut lines = status.lines.iter();
    let line = lines.find(|line| line.stage == Stage::Standby)?;
    line.target.map(|target| target.0 as usize)
}

/// One more thing goes wrong, or is well again.
fn happen(world: &mut World) {
    let server = world.random.usize(0..world.manners.len());
    let lag = world.random.u64(1..LAG_MAX);
    match world.random.u32(0..32) {
        0 | 1 => world.change(server, |it| it.lag = lag),
        2 => world.change(server, |it| it.content = Content::Other),
        3 | 4 => world.corrupt(server, lag / 8),
        5 => world.change(server, |it| it.content = Content::OneOther),
        6 => world.say(),
        which => happenings::happen(world, server, which - 7, LAG_MAX),
    }
}

fn judge(world: &World, seed: u64) {
    // Whoever got a message that is not the feed's is on a line of its own.
    let has_strayed = world.consumer.has_strayed;
    match &world.end {
        None => {}
        Some(End::Outage { .. } | End::Gap { .. } | End::SessionGone) => {
            let is_right = has_strayed || !could_carry_on(world, |_| true);
            assert!(is_right, "seed {seed}: {:?}", world.end);
        }
        Some(End::EndOfSession) => {
            let is_right = has_strayed || !could_carry_on(world, |it| !world.enders.contains(&it));
            assert!(is_right, "seed {seed}: a false end");
        }
        Some(end) => panic!("seed {seed}: {end:?}"),
    }
    let is_told = world.consumer.ended.is_some();
    assert_eq!(is_told, world.end == Some(End::EndOfSession), "seed {seed}");
    world.watch.assert_dials(seed);
}

/// With all servers well, both lines are live soon, and the consumer has what there is.
fn recovers(world: &mut World, seed: u64) {
    world.block(false);
    (0..world.manners.len()).for_each(|server| world.mend(server));
    world.run_for(WELL);
    // What was under way when its server was mended may have differed yet.
    if world.forgive() {
        world.run_for(WELL);
    }
    if world.end.is_some() || world.consumer.has_strayed {
        return;
    }
    let status = world.join.status(world.now());
    let head = world.feed.head(world.time.saturating_sub(SECOND));
    assert!(
        world.consumer.next >= head,
        "seed {seed}: {head}, {status:#?}"
    );
    // Where little is kept, one of two good lines may be too far behind at any moment.
    if world.manners.len() > 1 {
        pair(world, seed);
    }
}

/// All that may go wrong with the lines of one consumer; how often each thing happened that is counted.
fn chaos(seed: u64, options: JoinOptions, allowed: impl Fn(&mut World)) -> World {
    let servers = 1 + seed as usize % 4;
    let mut world = a_world(seed, servers, options);
    for _ in 0..60 {
        if world.end.is_some() {
            break;
        }
        let pause = Duration::from_millis(world.random.u64(0..900));
        world.run_for(pause);
        assert!(world.logged_in() <= 2 + CANDIDATES, "seed {seed}");
        if world.end.is_none() {
            allowed(&mut world);
        }
    }
    if world.end.is_none() {
        recovers(&mut world, seed);
    }
    judge(&world, seed);
    world
}

#[test]
fn the_stream_is_of_the_line_that_was_first_or_is_cut_with_a_reason_that_holds() {
    let (mut ended, mut diverged, mut strayed, mut stood_by) = (0, 0, 0, 0);
    for seed in 0..cases(256) {
        let world = chaos(seed, hot(), happen);
        ended += u32::from(world.end.is_some());
        strayed += u32::from(world.consumer.has_strayed);
        for event in &world.events {
            match event {
                JoinEvent::Diverged { .. } => diverged += 1,
                JoinEvent::StandingBy { .. } => stood_by += 1,
                _ => {}
            }
        }
    }
    eprintln!("{stood_by} stood by, {diverged} diverged, {strayed} strayed, {ended} ends");
    assert!(stood_by > 0 && diverged > 0 && strayed > 0);
}

/// Lines that are behind by more than is kept are not compared, and do not disturb.
#[test]
fn lines_further_behind_than_is_kept_cost_nothing() {
    let (mut outrun, mut back) = (0, 0);
    for seed in 0..cases(96) {
        let options = JoinOptions {
            skew: 8192,
            ..hot()
        };
        let world = chaos(seed, options, |world| {
            let server = world.random.usize(0..world.manners.len());
            let lag = world.random.u64(1..2000);
            match world.random.u32(0..8) {
                0 => world.kill(server),
                1..4 => world.change(server, |it| it.lag = lag),
                4 => world.block(true),
                5 => world.block(false),
                _ => world.mend(server),
            }
        });
        assert!(!world.consumer.has_strayed);
        for (nth, event) in world.events.iter().enumerate() {
            let JoinEvent::Unverified { target, .. } = event else {
                continue;
            };
            outrun += 1;
            let is_back = |it: &JoinEvent| matches!(it, JoinEvent::StandingBy { target: it, is_verified: true, .. } if it == target);
            back += u32::from(world.events[nth..].iter().any(is_back));
        }
        let is_diverged = |it: &JoinEvent| matches!(it, JoinEvent::Diverged { .. });
        assert!(!world.events.iter().any(is_diverged), "seed {seed}");
    }
    eprintln!("{outrun} outrun, {back} back");
    assert!(outrun > 0 && back > 0);
}

/// Whichever line is first with it, the other is out: at that message, and at no other.
#[test]
fn a_line_that_differs_is_out_at_that_message() {
    let mut out = [0, 0];
    for seed in 0..cases(128) {
        let mut world = a_world(seed, 2, hot());
        pair(&mut world, seed);
        world.run(5 * SECOND, |it| it.consumer.retained() >= 16);
        let pause = Duration::from_millis(world.random.u64(0..300));
        world.run_for(pause);
        let (Some(joined), Some(other)) = (world.joined(), beside(&world)) else {
            panic!("seed {seed}: two lines");
        };
        let wrong = if world.random.bool() { joined } else { other };
        let ahead = world.random.u64(0..30);
        world.corrupt(wrong, ahead);
        let is_out = |it: &World| !it.join.status(it.now()).diverged.is_empty();
        let came = world.run(20 * SECOND, is_out);
        assert!(came, "seed {seed}: {:?}", world.end);
        let diverged = world.join.status(world.now()).diverged;
        let [(target, sequence)] = diverged[..] else {
            panic!("seed {seed}: {diverged:?}");
        };
        let target = target.0 as usize;
        // The one that is out is not the one that the consumer follows.
        let is_true = world.consumer.message(sequence) == Some(&*world.feed.message(sequence));
        assert_eq!(is_true, target == wrong, "seed {seed}");
        out[usize::from(is_true)] += 1;
        let next = world.consumer.next;
        let goes_on = world.run(5 * SECOND, |it| it.consumer.next > next + 3);
        assert!(goes_on, "seed {seed}: {:?}", world.end);
        assert_eq!(world.joined(), Some(1 - target), "seed {seed}");
        // It stays out, and nobody logs in to it.
        world.run_for(8 * SECOND);
        assert_eq!(world.logged_in(), 1, "seed {seed}");
        if is_true {
            world.mend(target);
            pair(&mut world, seed);
        }
        assert_eq!(world.end, None);
    }
    eprintln!(
        "the wrong one was first {} times, late {} times",
        out[0], out[1]
    );
    assert!(out[0] > 0 && out[1] > 0);
}

#[test]
fn with_on_mismatch_close_the_consumer_is_cut_at_that_message() {
    for seed in 0..cases(64) {
        let options = JoinOptions {
            on_mismatch: OnMismatch::Close,
            ..hot()
        };
        let mut world = a_world(seed, 2, options);
        pair(&mut world, seed);
        let server = world.random.usize(0..2);
        world.corrupt(server, 20);
        world.run(30 * SECOND, |it| it.end.is_some());
        let Some(End::Mismatch { sequence }) = world.end else {
            panic!("seed {seed}: {:?}", world.end);
        };
        assert!(world.consumer.next > sequence, "seed {seed}");
        assert_eq!(world.consumer.ended, None);
    }
}

/// Nothing is waited for where the other line is live: neither a connection nor a login.
#[test]
fn a_line_that_fails_is_replaced_at_once_by_the_one_beside_it() {
    let mut count = 0;
    for seed in 0..cases(48) {
        let mut world = a_world(seed, 2, hot());
        for _ in 0..6 {
            pair(&mut world, seed);
            world.run(5 * SECOND, |it| it.consumer.retained() >= 16);
            let pause = Duration::from_millis(world.random.u64(0..400));
            world.run_for(pause);
            let (Some(joined), Some(other)) = (world.joined(), beside(&world)) else {
                continue;
            };
            let (before, logins) = (world.changes.len(), world.logged_in());
            let at = world.time;
            world.kill(joined);
            // What is on the wire to the other line is as far as the dead one came, soon.
            let came = world.run(SECOND, |it| it.joined() == Some(other));
            assert!(came, "seed {seed}: {:#?}", world.join.status(world.now()));
            let change = &world.changes[before];
            assert_eq!(change.joined.why, Why::Failover, "seed {seed}");
            assert_eq!(
                (change.joined.took.connect, change.joined.took.login),
                Default::default()
            );
            assert!(
                world.time - at < SECOND / 2,
                "seed {seed}: {:?}",
                world.time - at
            );
            assert!(logins <= 2);
            count += 1;
            world.mend(joined);
        }
        assert_eq!(world.end, None, "seed {seed}");
    }
    eprintln!("{count} failovers without a wait");
    assert!(count >= cases(48) as usize * 4, "{count}");
}

/// The one that is preferred is there already.
#[test]
fn what_is_preferred_takes_over_without_a_login() {
    for seed in 0..cases(48) {
        let mut world = a_world(seed, 2, hot());
        for _ in 0..6 {
            pair(&mut world, seed);
            let Some(other) = beside(&world) else {
                panic!("seed {seed}");
            };
            let lines = world.join.status(world.now()).lines.len();
            world.prefer(other);
            let came = world.run(SECOND, |it| it.joined() == Some(other));
            assert!(came, "seed {seed}: {:#?}", world.join.status(world.now()));
            let joined = &world.changes.last().unwrap().joined;
            assert_eq!((joined.why, lines), (Why::Preferred, 2), "seed {seed}");
            assert!(is_paired(&world), "seed {seed}: the one before stays");
        }
        let is_failover = |it: &JoinEvent| matches!(it, JoinEvent::FailoverStarted { .. });
        assert!(!world.events.iter().any(is_failover), "seed {seed}");
        assert_eq!(world.end, None, "seed {seed}");
    }
}

/// It is over where the feed is, and both lines say so, each when it comes to it.
#[test]
fn a_true_end_is_told_once_all_is() {
    for seed in 0..cases(64) {
        let servers = 1 + seed as usize % 3;
        let mut world = World::new(seed, servers, hot());
        let head = world.feed.head(Duration::ZERO);
        world.feed.last = head + world.random.u64(0..300);
        world.log_in(1);
        for _ in 0..3 {
            let pause = Duration::from_millis(world.random.u64(0..2000));
            world.run_for(pause);
            let lag = world.random.u64(0..60);
            let server = world.random.usize(0..servers);
            world.change(server, |it| it.lag = lag);
        }
        (0..servers).for_each(|server| world.mend(server));
        let is_over = world.run(60 * SECOND, |it| it.end.is_some());
        assert!(
            is_over && world.end == Some(End::EndOfSession),
            "seed {seed}: {:?}",
            world.end
        );
        assert_eq!(world.consumer.next, world.feed.last + 1, "seed {seed}");
        assert!(world.consumer.ended.is_some());
    }
}
